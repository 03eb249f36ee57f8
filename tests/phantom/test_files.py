import csv
import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from hairscan.cli.phantom import app
from hairscan.errors import OutputError, ScaleError
from hairscan.phantom import render_scene, sample_scene, write_phantom

COLUMNS = (
    "image,hair_id,root_x_px,root_y_px,tip_x_px,tip_y_px,width_px,width_um,width_se_um,length_um,"
    "kind,unit_id,counted,confidence,flags"
)


@pytest.fixture
def phantom():
    rng = np.random.default_rng(2)
    scene = sample_scene("clipped", rng, width_px=500, height_px=400, um_per_px=4.0, density_per_cm2=150)
    return render_scene(scene, rng)


def test_the_files_hold_the_photograph_and_its_truth(phantom, tmp_path):
    path = write_phantom(phantom, tmp_path / "new", "a", seed=2)
    np.testing.assert_array_equal(cv2.imread(str(path))[:, :, ::-1], phantom.rgb)
    text = (tmp_path / "new" / "a.hairs.csv").read_text()
    assert text.splitlines()[0] == COLUMNS
    rows = list(csv.DictReader(text.splitlines()))
    true = [hair for hair in phantom.hairs if not hair.loose]
    assert len(rows) == len(true)
    counted = [hair for hair in true if hair.counted]
    assert sum(int(row["counted"]) for row in rows) == len(counted) == round(150 * phantom.area_cm2)
    for row, hair in zip(rows, true, strict=True):
        assert float(row["width_um"]) == pytest.approx(hair.width_um, abs=1e-3)
        assert float(row["root_x_px"]) == pytest.approx(hair.path_xy[0, 0], abs=1e-3)
        assert row["kind"] == ("terminal" if hair.width_um >= 40 else "vellus")
        assert ("root-outside" in row["flags"]) == (not hair.root_seen)
    sidecar = json.loads((tmp_path / "new" / "a.json").read_text())
    assert sidecar["um_per_px"] == 4.0
    assert sidecar["hair_count"] == len(counted)
    assert sidecar["density_per_cm2"] == pytest.approx(len(counted) / phantom.area_cm2)
    assert sidecar["mean_width_um"] == pytest.approx(np.mean([hair.width_um for hair in counted]))
    assert (sidecar["kind"], sidecar["seed"], sidecar["um_per_px_sd"]) == ("clipped", 2, 0)


def test_a_folder_that_cannot_be_made_says_so(phantom, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="name another folder"):
        write_phantom(phantom, tmp_path / "file", "a")


def test_render_command_repeats_its_bytes(tmp_path):
    size = ["--width-px", "160", "--height-px", "120", "--um-per-px", "6", "--count", "2", "--seed", "9"]
    for name in ("one", "two"):
        result = CliRunner().invoke(app, ["render", "--out", str(tmp_path / name), *size])
        assert result.exit_code == 0, result.output
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 6
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_render_command_refuses_what_it_cannot_draw(tmp_path):
    runner = CliRunner()
    assert runner.invoke(app, ["render", "--out", str(tmp_path), "--kind", "beard"]).exit_code == 2
    result = runner.invoke(app, ["render", "--out", str(tmp_path), "--um-per-px", "0"])
    assert isinstance(result.exception, ScaleError)
    assert "um/px" in str(result.exception)
    assert not list(tmp_path.iterdir())
