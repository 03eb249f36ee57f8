import json
import math

import pytest

from hairscan.errors import ScaleError
from hairscan.photo.scale import resolve_scale


def test_the_user_comes_first(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"um_per_px": 9.0}))
    scale = resolve_scale(tmp_path / "a.jpg", um_per_px=2.78)
    assert (scale.um_per_px, scale.source) == (2.78, "user")
    assert scale.sd == pytest.approx(0.0278)
    assert resolve_scale(None, um_per_px=2.78, um_per_px_sd=0.1).sd == 0.1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"um_per_px": 3.5, "um_per_px_sd": 0.02, "device": "x"}'),
        ("a.jpg.json", '{"um_per_px": 3.5, "um_per_px_sd": 0.02}'),
        ("a.toml", "um_per_px = 3.5\num_per_px_sd = 0.02\n"),
        ("a.jpg.toml", "um_per_px = 3.5\num_per_px_sd = 0.02\n"),
    ],
)
def test_a_sidecar_gives_the_scale(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    scale = resolve_scale(tmp_path / "a.jpg")
    assert (scale.um_per_px, scale.sd, scale.source) == (3.5, 0.02, "sidecar")


def test_without_a_source_there_is_no_scale(tmp_path):
    (tmp_path / "a.json").write_text('{"hairs": []}')
    assert resolve_scale(tmp_path / "a.jpg") is None
    assert resolve_scale(None) is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"um_per_pixel": 3.5}', "'um_per_pixel' is no key of a scale: write um_per_px, or remove it"),
        ("a.json", '{"UM_PER_PX": 3.5}', "write um_per_px,"),
        ("a.json", '{"µm_per_px": 3.5}', "write um_per_px,"),
        ("a.json", '{"um_per_px": 3.5, "mm_per_px": 0.0035}', "write um_per_px,"),
        ("a.toml", "um_per_px = 3.5\num_per_px_std = 0.2\n", "write um_per_px_sd,"),
        ("a.json", '{"um_per_px_sd": 0.2}', "tells um_per_px_sd and no scale"),
        ("a.json", '{"um_per_px": 3.5, "um_per_px": 5.3}', "um_per_px is there 2 times"),
        ("a.toml", "um_per_px = 3.5\num_per_px = 5.3\n", "Cannot overwrite a value"),
    ],
)
def test_a_sidecar_that_misspells_or_contradicts_a_scale_is_an_error(tmp_path, name, text, words):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ScaleError, match=words):
        resolve_scale(tmp_path / "a.jpg")


@pytest.mark.parametrize("key", ["image_px", "px_per_mm", "pixels", "imagePath", "shapes", "um", "hair_count"])
def test_what_another_program_says_is_passed_over(tmp_path, key):
    (tmp_path / "a.json").write_text(json.dumps({key: 1, "shapes": [{"label": "a", "label_px": 1}]}))
    assert resolve_scale(tmp_path / "a.jpg") is None
    (tmp_path / "a.json").write_text(json.dumps({key: 1, "um_per_px": 3.5}))
    assert resolve_scale(tmp_path / "a.jpg").um_per_px == 3.5


@pytest.mark.parametrize("um_per_px", [0.0, -2.78, math.nan, math.inf, 0.01, 500.0])
def test_absurd_scales_say_what_is_expected(um_per_px):
    with pytest.raises(ScaleError, match="a trichoscope gives 1 to 20"):
        resolve_scale(None, um_per_px=um_per_px)


@pytest.mark.parametrize("sd", [-0.1, math.nan, 3.0])
def test_absurd_uncertainties(sd):
    with pytest.raises(ScaleError, match="uncertainty"):
        resolve_scale(None, um_per_px=2.78, um_per_px_sd=sd)


def test_an_uncertainty_alone_is_no_scale():
    with pytest.raises(ScaleError, match="without a scale"):
        resolve_scale(None, um_per_px_sd=0.1)


@pytest.mark.parametrize(
    "text", ["{", '{"um_per_px": "3"}', '{"um_per_px": true}', '{"um_per_px": 0}', f'{{"um_per_px": 1{"0" * 400}}}']
)
def test_a_bad_sidecar_is_an_error(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ScaleError):
        resolve_scale(tmp_path / "a.jpg")
