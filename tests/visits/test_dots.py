import json
from dataclasses import replace

import numpy as np
import pytest

from hairscan.errors import VisitError
from hairscan.phantom import render_scene
from hairscan.phantom.skin import paint_skin
from hairscan.phantom.visits import Pose, frame_scene, to_frame_um
from hairscan.visits import compare_visits
from hairscan.visits.dots import Dots, find_dots
from hairscan.visits.files import comparison_json
from hairscan.visits.plane import transform
from hairscan.visits.registration import register

from .tattoo import AS_IT_IS, BLACK, BLUE, CRUST, GREEN, MOLE, Dot, bare_site, tattooed

SITE_UM = (4600.0, 3800.0)
FRAME_UM = (3600.0, 3000.0)
DOTS = (
    Dot((1300.0, 1200.0), 350.0, BLACK),
    Dot((3200.0, 1250.0), 500.0, BLUE, 0.7),
    Dot((1400.0, 2600.0), 700.0, GREEN),
    Dot((3150.0, 2500.0), 1000.0, BLUE),
)
LATER = Pose((180.0, -90.0), 9.0, 1.03)
TURNED = Pose((-60.0, 90.0), -14.0, 0.97)


@pytest.fixture(scope="module")
def photograph(look):
    """Score what a camera held in some way sees of a site."""

    def shoot(site, pose=AS_IT_IS, seed=1, light=1.0):
        width, height = (round(side / site.um_per_px) for side in FRAME_UM)
        framed = frame_scene(site, pose, width_px=width, height_px=height)
        rgb = render_scene(framed, np.random.default_rng((41, seed))).rgb
        return look(np.rint(light * rgb).astype(np.uint8), um_per_px=framed.um_per_px)

    return shoot


def site_with(dots, *, hairs=12, um_per_px=5.0, seed=1, **look):
    """A site with dots."""
    rng = np.random.default_rng((40, seed))
    return tattooed(bare_site(rng, size_um=SITE_UM, um_per_px=um_per_px, hairs=hairs, **look), dots, rng)


def seen_um(dots, site, pose):
    """Middles of dots in a photograph, um of its pixels, shape (D, 2)."""
    width, height = (round(side / site.um_per_px) for side in FRAME_UM)
    framed = frame_scene(replace(site, skin=None), pose, width_px=width, height_px=height)
    middles = to_frame_um(np.array([dot.xy_um for dot in dots]), site, pose, framed)
    return middles - framed.um_per_px / 2


def misses_um(found, true_um):
    """How far the nearest dot that was found lies from every true one."""
    return np.linalg.norm(true_um[:, None] - found.xy, axis=2).min(axis=1)


@pytest.mark.parametrize(("um_per_px", "pose"), [(2.78, AS_IT_IS), (5.0, TURNED), (8.0, TURNED)])
def test_dots_of_every_size_and_ink_are_found_where_they_are(photograph, um_per_px, pose):
    site = site_with(DOTS, um_per_px=um_per_px)
    visit = photograph(site, pose)
    found = find_dots(visit)
    assert len(found) == len(DOTS)
    assert misses_um(found, seen_um(DOTS, site, pose)).max() < 30.0
    wide_um = sorted(2 * found.radius)
    np.testing.assert_allclose(wide_um, [dot.diameter_um for dot in DOTS], rtol=0.15)


def test_an_underexposed_photograph_shows_its_dots(photograph):
    site = site_with(DOTS)
    assert misses_um(find_dots(photograph(site, light=0.3)), seen_um(DOTS, site, AS_IT_IS)).max() < 30.0


def test_a_photograph_without_a_scale_shows_its_dots_in_pixels_all_the_same(look, photograph):
    site = site_with(DOTS[1:3], hairs=20)
    bare = look(photograph(site).photo.rgb, um_per_px=None)
    seen_px = find_dots(bare).xy / bare.um_per_px
    assert misses_um(Dots(seen_px, np.ones(len(seen_px))), seen_um(DOTS[1:3], site, AS_IT_IS) / 5.0).max() < 6.0


@pytest.mark.parametrize(
    ("marks", "look_of_it"),
    [
        pytest.param((), {}, id="hairs and bundles of them"),
        pytest.param([replace(dot, colour=MOLE) for dot in DOTS], {}, id="moles"),
        pytest.param([replace(dot, colour=CRUST) for dot in DOTS], {}, id="crusts"),
        pytest.param((), {"vignette": 0.75}, id="a vignette"),
        pytest.param((), {"glare": 6, "bubbles": 6}, id="glare and bubbles"),
    ],
)
def test_what_is_no_ink_is_no_dot(photograph, marks, look_of_it):
    for seed in (5, 6):
        assert len(find_dots(photograph(site_with(marks, hairs=36, seed=seed, **look_of_it)))) == 0


def test_a_photograph_smaller_than_a_dot_has_none(look, photograph):
    rgb = photograph(site_with(DOTS)).photo.rgb
    assert len(find_dots(look(np.ascontiguousarray(rgb[200:280, 200:280])))) == 0


def other_skin(site, dots, seed):
    """The site with skin that shows nothing but the dots of what it showed before."""
    rng = np.random.default_rng((42, seed))
    skin = paint_skin((site.height_px, site.width_px), site.um_per_px, replace(site.look, speckle=0.0), rng)
    return tattooed(replace(site, skin=skin), dots, np.random.default_rng((43, seed)))


@pytest.mark.parametrize("dots", [DOTS[1:3], DOTS[:3]])
def test_dots_register_a_site_with_too_few_hairs_to_be_told_by(photograph, dots):
    sparse = site_with((), hairs=4, seed=1)
    with pytest.raises(VisitError):
        register(photograph(other_skin(sparse, (), 1)), photograph(other_skin(sparse, (), 2), LATER, seed=2))
    found = register(photograph(other_skin(sparse, dots, 1)), photograph(other_skin(sparse, dots, 2), LATER, seed=2))
    assert found.dots_agreeing == found.dots_shown == len(dots)
    places_px = [seen_um(dots, sparse, pose) / 5.0 * pose.zoom for pose in (AS_IT_IS, LATER)]
    off = transform(found.matrix, places_px[0]) - places_px[1]
    assert np.hypot(*off.T).max() * 5.0 < 60.0


def test_dots_set_by_one_template_do_not_make_two_sites_one(photograph):
    for seed in (7, 8):
        first, second = (site_with(DOTS[:3], hairs=hairs, seed=seed + 10 * hairs) for hairs in (6, 9))
        with pytest.raises(VisitError, match="do not show the same site"):
            register(photograph(first), photograph(second, LATER, seed=2))


def test_the_document_says_how_many_dots_agree(photograph):
    site = site_with(DOTS[1:3], hairs=14)
    document = json.loads(comparison_json(compare_visits(photograph(site), photograph(site, LATER, seed=2))))
    registration = document["registration"]
    assert (registration["dots_shown"], registration["dots_agreeing"]) == (2, 2)


def test_a_dot_covers_what_lies_on_it_or_within_a_margin():
    dots = Dots(np.array([[100.0, 100.0]]), np.array([50.0]))
    points = np.array([[100.0, 140.0], [100.0, 160.0], [100.0, 190.0]])
    assert dots.cover(points, 0.0).tolist() == [True, False, False]
    assert dots.cover(points, 30.0).tolist() == [True, True, False]
