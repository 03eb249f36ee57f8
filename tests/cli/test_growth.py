import json

import pytest

from hairscan.errors import VisitError


def test_a_refusal_is_one_line_and_is_kept_with_its_parameters(hairscan, photo_file, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise VisitError("these are two sites: compare one")

    monkeypatch.setattr("hairscan.visits.growth.growth_of_photos", refuse)
    out = tmp_path / "grown"
    code, printed, err = hairscan("growth", photo_file, photo_file, "--hours", 48, "--um-per-px", 5, "--out", out)
    assert (code, printed, err) == (2, "", "error: these are two sites: compare one\n")
    assert [path.name for path in out.iterdir()] == ["growth.json"]
    document = json.loads((out / "growth.json").read_text())
    assert document["refused"] == "these are two sites: compare one"
    assert (document["hours"], document["telogen_um_per_day"]) == (48.0, 100.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--hours", 3, "--um-per-px", 5], "12 to 120"),
        (["--hours", 400, "--um-per-px", 5], "12 to 120"),
        (["--hours", 48, "--um-per-px", 5, "--telogen-um-per-day", 0], "--telogen-um-per-day"),
        (["--hours", 48], "--um-per-px"),
        (["--hours", 48, "--um-per-px", 5], "same photograph"),
    ],
)
def test_what_is_no_growth_pair_is_refused_with_one_line(hairscan, photo_file, options, said):
    code, printed, err = hairscan("growth", photo_file, photo_file, *options)
    assert (code, printed) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_hours_must_be_given(hairscan, photo_file):
    code, _, err = hairscan("growth", photo_file, photo_file, "--um-per-px", 5)
    assert code == 2
    assert "--hours" in err


def test_it_prints_and_writes_the_growth_of_a_site(hairscan, tmp_path):
    """A phantom pair of the evaluation, through the whole command."""
    import cv2
    import numpy as np

    from hairscan.training.growth_pairs import UM_PER_PX, draw_growth_pair

    pair = draw_growth_pair(np.random.default_rng(3))
    for name, rgb in (("first", pair.first), ("second", pair.second)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), rgb[..., ::-1])
    out = tmp_path / "grown"
    code, printed, _ = hairscan(
        *("growth", tmp_path / "first.png", tmp_path / "second.png", "--hours", round(pair.hours, 2)),
        *("--um-per-px", UM_PER_PX, "--telogen-um-per-day", 90, "--device", "cpu", "--out", out),
    )
    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == ["growth.json", "growth.png", "hairs.csv"]
    assert "telogen below 90 µm/day" in printed
    document = json.loads((out / "growth.json").read_text())
    assert document["telogen_um_per_day"] == 90.0
    assert document["growth"]["anagen"] > 0
    assert 250 < document["growth"]["anagen_mean"]["um_per_day"] < 450
