from dataclasses import replace

import numpy as np
import pytest

from hairscan.phantom import render_scene, sample_scene
from hairscan.phantom.look import PLAIN
from hairscan.phantom.visits import (
    Pose,
    frame_scene,
    growing_hairs,
    keep_skin,
    next_look,
    next_visit,
    sample_pose,
    to_frame_um,
)

SIZE = {"width_px": 500, "height_px": 400, "um_per_px": 8.0}


def site(seed=3, **changes):
    return sample_scene("clipped", np.random.default_rng(seed), **{**SIZE, "density_per_cm2": 180.0, **changes})


def by_uid(scene):
    return {hair.uid: hair for hair in scene.hairs if not hair.loose}


def test_every_hair_has_its_own_identity_and_fragments_have_none():
    scene = site()
    uids = [hair.uid for hair in scene.hairs if not hair.loose]
    assert len(set(uids)) == len(uids)
    assert all((hair.uid == -1) == hair.loose for hair in scene.hairs)
    assert max(uids) < scene.uids


def test_next_visit_loses_gains_and_thickens_exactly_as_asked():
    before = site()
    after = next_visit(before, np.random.default_rng(0), lost=7, gained=11, thickening_um=3.0)
    old, new = by_uid(before), by_uid(after)
    assert len(old.keys() - new.keys()) == 7
    assert len(new.keys() - old.keys()) == 11
    assert len(growing_hairs(after)) == len(growing_hairs(before)) + 4
    for uid in old.keys() & new.keys():
        np.testing.assert_allclose(new[uid].width_um, np.maximum(old[uid].width_um + 3.0, 4.0))
        np.testing.assert_array_equal(new[uid].path_um, old[uid].path_um)
        assert new[uid].unit_id == old[uid].unit_id


def test_identities_of_lost_hairs_are_never_given_again():
    rng = np.random.default_rng(1)
    scenes = [site()]
    for _ in range(4):
        scenes.append(next_visit(scenes[-1], rng, lost=20, gained=20))
    for k in range(1, len(scenes)):
        gained = by_uid(scenes[k]).keys() - by_uid(scenes[k - 1]).keys()
        assert len(gained) == 20
        assert not any(gained & by_uid(scene).keys() for scene in scenes[:k])


def test_clipping_anew_keeps_roots_and_reaches_the_length():
    before = site()
    after = next_visit(before, np.random.default_rng(5), length_um=700.0)
    old, new = by_uid(before), by_uid(after)
    assert old.keys() == new.keys()
    for uid, hair in old.items():
        np.testing.assert_allclose(new[uid].path_um[0], hair.path_um[0])
    medians = []
    for seed in range(12):
        clipped = next_visit(before, np.random.default_rng(seed), length_um=700.0)
        medians.append(np.median([np.hypot(*np.diff(h.path_um, axis=0).T).sum() for h in by_uid(clipped).values()]))
    assert np.mean(medians) == pytest.approx(700, rel=0.03)


def test_new_hairs_are_as_thick_as_the_others_on_average():
    before = site()
    widths = np.mean([hair.width_um.mean() for hair in growing_hairs(before)])
    rng = np.random.default_rng(2)
    gained = [
        hair.width_um.mean()
        for _ in range(60)
        for hair in growing_hairs(next_visit(before, rng, gained=40))
        if hair.uid >= before.uids
    ]
    sd = np.std([hair.width_um.mean() for hair in growing_hairs(before)])
    assert abs(np.mean(gained) - widths) < 4 * sd / np.sqrt(len(gained))


def test_the_same_generator_state_gives_the_same_visit_and_leaves_the_first_alone():
    before = site()
    paths = [hair.path_um.tobytes() for hair in before.hairs]
    one, two = (next_visit(before, np.random.default_rng(8), lost=3, gained=5, length_um=400.0) for _ in range(2))
    assert [hair.path_um.tobytes() for hair in one.hairs] == [hair.path_um.tobytes() for hair in two.hairs]
    assert [hair.path_um.tobytes() for hair in before.hairs] == paths


def test_a_scene_without_enough_hairs_is_refused():
    bald = site(density_per_cm2=0.0)
    with pytest.raises(ValueError, match="cannot be lost"):
        next_visit(bald, np.random.default_rng(0), gained=1)
    with pytest.raises(ValueError, match="cannot be lost"):
        next_visit(site(), np.random.default_rng(0), lost=10_000)


def test_a_turned_shifted_and_zoomed_camera_sees_roots_where_the_pose_says():
    scene = site()
    pose = Pose((120.0, -80.0), turn_deg=90.0, zoom=1.25)
    framed = frame_scene(scene, pose, width_px=250, height_px=200)
    assert framed.um_per_px == pytest.approx(8.0 / 1.25)
    assert framed.size_um == pytest.approx((1600.0, 1280.0))
    assert 0 < len(framed.hairs) < len(scene.hairs)
    whole = by_uid(scene)
    for uid, hair in by_uid(framed).items():
        away = whole[uid].path_um[0] - (np.array(scene.size_um) / 2 + (120.0, -80.0))
        np.testing.assert_allclose(hair.path_um[0], (800 - away[1], 640 + away[0]))
        np.testing.assert_allclose(to_frame_um(whole[uid].path_um, scene, pose, framed), hair.path_um)
    truth = {hair.uid: hair for hair in render_scene(framed, np.random.default_rng(0)).hairs if hair.root_seen}
    for uid in truth.keys() - {-1}:
        np.testing.assert_allclose(truth[uid].path_xy[0], by_uid(framed)[uid].path_um[0] / framed.um_per_px - 0.5)


def test_kept_skin_lies_where_the_pose_says_and_shines_anew():
    scene = keep_skin(site(), np.random.default_rng(1))
    pose = Pose((10 * 8.0, -5 * 8.0), turn_deg=90.0)
    framed = frame_scene(scene, pose, width_px=200, height_px=250)
    np.testing.assert_allclose(framed.skin, np.rot90(scene.skin[95:295, 135:385], -1), atol=0.01)
    bald = replace(framed, hairs=(), look=replace(PLAIN, speckle=0.0))
    one, two = (render_scene(bald, np.random.default_rng(seed)).rgb for seed in (2, 3))
    np.testing.assert_array_equal(one, two)
    shining = replace(framed, hairs=(), look=replace(PLAIN, speckle=30.0))
    one, two = (render_scene(shining, np.random.default_rng(seed)).rgb for seed in (2, 3))
    assert (one != two).any()


def test_sampled_poses_stay_within_their_limits():
    rng = np.random.default_rng(0)
    for _ in range(200):
        pose = sample_pose(rng, shift_um=100.0, turn_deg=5.0, zoom=0.1)
        assert max(map(abs, pose.shift_um)) <= 100
        assert abs(pose.turn_deg) <= 5
        assert 0.9 <= pose.zoom <= 1.1


def test_another_day_has_other_light_on_the_same_skin():
    scene = site()
    other = next_look(scene, np.random.default_rng(9))
    assert other.skin_rgb == scene.look.skin_rgb
    assert other.light_xy != scene.look.light_xy
    again = replace(scene, look=other)
    assert next_look(again, np.random.default_rng(9)).light_xy == other.light_xy


def test_two_sites_of_one_person_share_skin_and_kind_of_hair():
    one, two = (
        sample_scene("light", np.random.default_rng(seed), **SIZE, person=np.random.default_rng(77)) for seed in (1, 2)
    )
    assert one.look == two.look
    assert {hair.uid: hair.path_um.tobytes() for hair in one.hairs} != {
        hair.uid: hair.path_um.tobytes() for hair in two.hairs
    }
