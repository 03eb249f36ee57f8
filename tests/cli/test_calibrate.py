import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from hairscan.cli.calibrate import calibrate
from hairscan.errors import OutputError, ScaleError

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(calibrate)


@pytest.fixture
def photo(tmp_path):
    noise = np.random.default_rng(0).normal(0, 2, (400, 600, 1))
    picture = np.clip(np.array([148, 168, 196]) + noise, 0, 255).astype(np.uint8)
    picture[340:342, 100:460] = 46
    path = tmp_path / "scalp.png"
    cv2.imwrite(str(path), picture)
    return path


def _run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_bar_is_printed_and_drawn(photo, tmp_path):
    done = _run(photo, "--bar-mm", 1, "--out", tmp_path / "new" / "folder")
    assert done.exit_code == 0
    assert done.output.startswith("2.778 um/px ± ")
    assert "(scale bar, 360.0 px)" in done.output
    drawn = cv2.imread(str(tmp_path / "new" / "folder" / "scalp-calibration.png"))
    assert drawn.shape == (400, 600, 3)
    assert (drawn != cv2.imread(str(photo))).any(axis=2).sum() > 300


def test_only_an_earlier_calibration_of_the_photo_is_replaced(photo, tmp_path):
    picture = tmp_path / "scalp-calibration.png"
    for bar_mm, um_per_px in ((1, "2.778"), (2, "5.556")):
        done = _run(photo, "--bar-mm", bar_mm, "--out", tmp_path)
        assert done.output.startswith(um_per_px)
    other = cv2.imread(str(photo))[::-1]
    for content in (cv2.imencode(".png", other)[1].tobytes(), cv2.imencode(".png", other[:200])[1].tobytes(), b"a"):
        picture.write_bytes(content)
        done = _run(photo, "--bar-mm", 1, "--out", tmp_path)
        assert isinstance(done.exception, OutputError)
        assert str(done.exception) == (
            f"{picture} is of no calibration of scalp.png and would be replaced: name another folder"
        )
        assert picture.read_bytes() == content


def test_two_points(photo, tmp_path):
    done = _run(photo, "--point", "100,341", "--point", "460,341", "--distance-mm", 1, "--out", tmp_path)
    assert done.exit_code == 0
    assert "two points, 360.0 px apart" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--bar-mm", 1, "--tick-mm", 1),
        ("--tick-mm", 1),
        ("--point", "1,2", "--distance-mm", 1),
        ("--point", "1,2", "--point", "here", "--distance-mm", 1),
        ("--point", "1,2", "--point", "9000,2", "--distance-mm", 1),
        ("--point", "1,2", "--point", "nan,2", "--distance-mm", 1),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_no_file(photo, tmp_path, arguments):
    done = _run(photo, *arguments, "--out", tmp_path / "out")
    assert isinstance(done.exception, ScaleError)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(photo):
    assert isinstance(_run(photo, "--bar-mm", 1, "--out", photo).exception, OutputError)
