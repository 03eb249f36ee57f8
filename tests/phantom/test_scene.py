from dataclasses import replace

import numpy as np
import pytest

from hairscan.errors import ScaleError
from hairscan.phantom import KINDS, Scene, plain_scene, render_scene, sample_scene
from hairscan.phantom.growth import PhantomHair
from hairscan.phantom.look import PLAIN

SIZE = {"width_px": 400, "height_px": 300, "um_per_px": 5.0}


def render(kind, seed, **changes):
    rng = np.random.default_rng(seed)
    return render_scene(sample_scene(kind, rng, **{**SIZE, **changes}), rng)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_bytes_and_another_seed_another_picture(kind):
    first, again, other = render(kind, 7), render(kind, 7), render(kind, 8)
    for name in ("rgb", "coverage", "ignored"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert [hair.path_xy.tobytes() for hair in first.hairs] == [hair.path_xy.tobytes() for hair in again.hairs]
    assert first.rgb.tobytes() != other.rgb.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_renders_with_shapes_and_ranges(kind):
    phantom = render(kind, 3)
    assert phantom.rgb.shape == (300, 400, 3)
    assert phantom.rgb.dtype == np.uint8
    assert phantom.coverage.shape == phantom.ignored.shape == phantom.mask.shape == (300, 400)
    assert phantom.coverage.dtype == np.float32
    assert 0 <= phantom.coverage.min() <= phantom.coverage.max() <= 1
    assert phantom.area_cm2 == pytest.approx(400 * 300 * 25e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("density_per_cm2", [0.0, 80.0, 260.0])
def test_as_many_hairs_grow_as_were_asked_for(kind, density_per_cm2):
    phantom = render(kind, 11, density_per_cm2=density_per_cm2)
    growing = [hair for hair in phantom.hairs if hair.root_seen and not hair.loose]
    assert len(growing) == round(density_per_cm2 * phantom.area_cm2)
    for hair in growing:
        assert hair.counted == ("hidden" not in hair.flags)


def test_a_hair_below_another_is_hidden_and_not_counted():
    scene = plain_scene(sample_scene("clipped", np.random.default_rng(4), width_px=400, height_px=300, um_per_px=5.0))
    (hair, *_) = [one for one in scene.hairs if not one.loose]
    thinner = replace(hair, width_um=0.8 * hair.width_um)
    phantom = render_scene(replace(scene, hairs=(thinner, hair)), np.random.default_rng(0))
    below = [one for one in phantom.hairs if one.width_um < 0.9 * float(hair.width_um.mean())]
    assert below
    assert all("hidden" in one.flags and not one.counted for one in below)
    above = [one for one in phantom.hairs if one.width_um >= 0.9 * float(hair.width_um.mean())]
    assert all(one.visible_fraction == 1.0 for one in above)


@pytest.mark.parametrize("kind", KINDS)
def test_paths_stay_in_the_picture_and_counted_roots_too(kind):
    for seed in range(4):
        for hair in render(kind, seed).hairs:
            x, y = hair.path_xy.T
            assert x.min() >= -0.5 - 1e-9
            assert x.max() <= 399.5 + 1e-9
            assert y.min() >= -0.5 - 1e-9
            assert y.max() <= 299.5 + 1e-9
            assert hair.width_um > 0
            assert hair.length_um > 0
            assert hair.unit_id >= 0 or hair.loose
            assert not (hair.loose and hair.counted)
            if not hair.root_seen:
                edge = min(abs(x[0] + 0.5), abs(y[0] + 0.5), abs(x[0] - 399.5), abs(y[0] - 299.5))
                assert edge < 1e-6


def test_neighbours_reach_in_from_outside_the_picture():
    outside = [
        hair for seed in range(6) for hair in render("clipped", seed).hairs if not hair.root_seen and not hair.loose
    ]
    assert len(outside) > 5


def one_hair_scene(path_um, width_um, **changes):
    hair = PhantomHair(path_um, width_um, np.zeros(len(path_um)), (50.0, 50.0, 50.0), unit_id=0, **changes)
    return Scene((hair,), "clipped", 300, 300, 2.5, PLAIN)


@pytest.mark.parametrize("psf_sigma_px", [0.0, 1.5])
@pytest.mark.parametrize("width_um", [4.0, 20.0, 75.0])
@pytest.mark.parametrize(("bend_rad", "taper"), [(0.0, 0.0), (0.5, 0.0), (0.3, 0.4)])
def test_contrast_of_a_drawn_hair_over_its_length_is_its_width(width_um, bend_rad, taper, psf_sigma_px):
    errors_px = []
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False) + 0.03:
        headings = angle + bend_rad * np.linspace(-0.5, 0.5, 30)
        moves = 13.0 * np.stack([np.cos(headings), np.sin(headings)], axis=1)
        path = np.vstack([[0.0, 0.0], np.cumsum(moves, axis=0)])
        path += 375.0 - path.mean(axis=0) + (0.7, -0.4)
        scene = one_hair_scene(path, width_um * np.linspace(1 + taper, 1 - taper, 31), tip_slant=0.4)
        phantom = render_scene(plain_scene(scene, psf_sigma_px=psf_sigma_px), np.random.default_rng(0))
        share = (170.0 - phantom.rgb[..., 0].astype(float)) / 120.0
        (truth,) = phantom.hairs
        length_px = truth.length_um / 2.5
        assert phantom.coverage.sum() / length_px == pytest.approx(truth.width_px, abs=0.02)
        errors_px.append(share.sum() / length_px - truth.width_px)
    # The picture is rounded to 8 bit, so only its mean over the angles can be held to the same bound.
    assert abs(np.mean(errors_px)) < 0.02


def test_the_taper_of_an_uncut_tip_is_no_part_of_the_width():
    path = np.stack([np.linspace(100.0, 600.0, 41), np.full(41, 300.0)], axis=1)
    taper = 50.0 * np.clip((1.0 - np.linspace(0, 1, 41)) / 0.25, 0.12, 1.0)
    (hair,) = render_scene(one_hair_scene(path, taper), np.random.default_rng(0)).hairs
    assert hair.width_um == pytest.approx(50.0)
    assert hair.width_px == pytest.approx(20.0)


def test_a_path_that_leaves_and_returns_has_two_stretches_and_one_root():
    path = np.array([[100.0, 100.0], [-60.0, 200.0], [-60.0, 300.0], [100.0, 400.0]])
    phantom = render_scene(one_hair_scene(path, np.full(4, 50.0)), np.random.default_rng(0))
    assert [(hair.root_seen, hair.tip_seen) for hair in phantom.hairs] == [(True, False), (False, True)]
    assert [hair.flags for hair in phantom.hairs] == [("tip-outside",), ("root-outside",)]
    np.testing.assert_allclose(phantom.hairs[0].path_xy[-1, 0], -0.5)


def test_a_loose_fragment_hides_true_hair_and_is_no_hair():
    below = one_hair_scene(np.array([[100.0, 300.0], [600.0, 300.0]]), np.full(2, 50.0))
    across = replace(below.hairs[0], path_um=np.array([[300.0, 100.0], [300.0, 500.0]]), loose=True, unit_id=-1)
    phantom = render_scene(replace(below, hairs=(below.hairs[0], across)), np.random.default_rng(0))
    assert phantom.coverage[119, 60] == pytest.approx(1)
    assert phantom.coverage[119, 119] == pytest.approx(0, abs=1e-6)
    assert phantom.coverage[60, 119] == 0
    assert phantom.rgb[60, 119, 0] == 50
    assert [hair.counted for hair in phantom.hairs] == [True, False]


@pytest.mark.parametrize(("width_px", "height_px"), [(1, 1), (3, 200)])
def test_tiny_pictures_render(width_px, height_px):
    assert render("clipped", 1, width_px=width_px, height_px=height_px).rgb.shape == (height_px, width_px, 3)


def test_absurd_requests_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="clipped"):
        sample_scene("beard", rng, **SIZE)
    with pytest.raises(ScaleError, match="um/px"):
        sample_scene("clipped", rng, **{**SIZE, "um_per_px": 0.0})
    with pytest.raises(ScaleError):
        sample_scene("clipped", rng, **{**SIZE, "um_per_px": float("nan")})
    with pytest.raises(ValueError, match="no pixels"):
        sample_scene("clipped", rng, **{**SIZE, "width_px": 0})
