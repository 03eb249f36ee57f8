import numpy as np
import pytest

from hairscan.phantom import sample_scene
from hairscan.phantom.regrowth import grow_on

SIZE = {"width_px": 500, "height_px": 400, "um_per_px": 8.0}


def site(seed=3):
    return sample_scene("clipped", np.random.default_rng(seed), **SIZE, density_per_cm2=200.0)


def lengths(scene):
    return {h.uid: np.hypot(*np.diff(h.path_um, axis=0).T).sum() for h in scene.hairs if not h.loose}


def test_every_hair_is_clipped_to_the_length_and_gets_longer_by_its_rate():
    grown = grow_on(site(), np.random.default_rng(0), hours=60.0, clipped_um=500.0, um_per_day=350.0)
    before, after = lengths(grown.first), lengths(grown.second)
    assert before.keys() == after.keys() == grown.um_per_day.keys()
    assert np.median(list(before.values())) == pytest.approx(500.0, rel=0.03)
    for uid, rate in grown.um_per_day.items():
        assert after[uid] - before[uid] == pytest.approx(rate * 2.5, abs=1e-6)


def test_rates_and_the_telogen_share_are_as_asked():
    rates = np.concatenate(
        [
            list(grow_on(site(seed), np.random.default_rng(seed), hours=48.0, telogen_share=0.2).um_per_day.values())
            for seed in range(8)
        ]
    )
    assert np.mean(rates == 0.0) == pytest.approx(0.2, abs=0.03)
    anagen = rates[rates > 0.0]
    assert anagen.mean() == pytest.approx(350.0, abs=8.0)
    assert anagen.std() == pytest.approx(60.0, abs=6.0)


def test_the_shaft_is_pushed_out_of_its_root_and_keeps_its_cut_end():
    grown = grow_on(site(), np.random.default_rng(1), hours=72.0, telogen_share=0.0)
    later = {hair.uid: hair for hair in grown.second.hairs if not hair.loose}
    for hair in (hair for hair in grown.first.hairs if not hair.loose):
        now = later[hair.uid]
        np.testing.assert_allclose(now.path_um[0], hair.path_um[0])
        assert (now.tip_slant, now.rgb, now.unit_id) == (hair.tip_slant, hair.rgb, hair.unit_id)
        assert np.median(now.width_um) == pytest.approx(np.median(hair.width_um))
        # The old shaft is the far end of the new one, moved and turned as a whole.
        old, end = hair.path_um, now.path_um[-len(hair.path_um) :]
        np.testing.assert_allclose(np.hypot(*(end - end[0]).T), np.hypot(*(old - old[0]).T), rtol=0, atol=1e-6)


def test_a_telogen_hair_only_lies_down_anew():
    grown = grow_on(site(), np.random.default_rng(2), hours=72.0, telogen_share=1.0)
    later = {hair.uid: hair for hair in grown.second.hairs if not hair.loose}
    for hair in (hair for hair in grown.first.hairs if not hair.loose):
        ends = [h.path_um[-1] - h.path_um[0] for h in (hair, later[hair.uid])]
        assert np.hypot(*ends[0]) == pytest.approx(np.hypot(*ends[1]))


def test_the_scene_is_left_as_it_was_and_the_same_state_gives_the_same_growth():
    scene = site()
    before = [hair.path_um.tobytes() for hair in scene.hairs]
    one, two = (grow_on(scene, np.random.default_rng(5), hours=48.0) for _ in range(2))
    assert [h.path_um.tobytes() for h in one.second.hairs] == [h.path_um.tobytes() for h in two.second.hairs]
    assert one.um_per_day == two.um_per_day
    assert [hair.path_um.tobytes() for hair in scene.hairs] == before
