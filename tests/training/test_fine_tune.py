"""The notebook that leads a clinic to its own model runs from top to bottom. Needs the train extra."""

import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

for extra in ("torch", "torchvision", "albumentations", "onnx", "safetensors", "matplotlib"):
    pytest.importorskip(extra)

from hairscan.segment import load_model  # noqa: E402
from hairscan.training.recipe import fine_tuning, read_recipe  # noqa: E402

pytestmark = pytest.mark.train

HOME = Path(__file__).resolve().parents[2]


def test_the_shipped_recipe_fits_the_shipped_model():
    recipe = read_recipe(fine_tuning())
    assert recipe.um_per_px == load_model("default", "cpu").spec.um_per_px
    assert 0 < recipe.phantom_share < 1


def test_the_guide_runs_from_annotations_to_figures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    notebook = json.loads((HOME / "notebooks" / "fine_tune.ipynb").read_text(encoding="utf-8"))
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    work, text = names["work"], capsys.readouterr().out
    assert load_model(work / "run" / "model", "cpu").name == "mine"
    assert cv2.imread(str(work / "run" / "curves.png")) is not None
    before, after = (json.loads((work / name / "figures.json").read_text()) for name in ("before", "after"))
    assert before["photos"]["model"]["sizes"] == after["photos"]["model"]["sizes"]
    assert after["photos"]["model"]["sizes"]["annotated hairs"] > 0
    # A few small steps leave the shipped model what it was.
    assert np.abs(names["after"]["f1"]["value"] - names["before"]["f1"]["value"]) < 0.3
    assert "95 % interval of mine" in text
