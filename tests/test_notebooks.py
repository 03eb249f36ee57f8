"""The notebooks run from top to bottom, and are kept without outputs."""

import ast
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def cells_of(name):
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cell(source, names):
    """Value of the cell's last expression, which a notebook would show; None where it ends with a statement."""
    tree = ast.parse(source)
    shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if shown is None else eval(compile(ast.Expression(shown.value), "cell", "eval"), names)


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.ipynb")))
def test_a_notebook_is_kept_without_outputs(name):
    assert [cell["id"] for cell in cells_of(name) if cell["outputs"] or cell["execution_count"]] == []


def test_one_photo_runs_shows_both_pictures_and_tells_the_truth(capsys):
    names = {}
    shown = [run_cell("".join(cell["source"]), names) for cell in cells_of("one_photo.ipynb")]
    pictures = [value._repr_png_() for value in shown if hasattr(value, "_repr_png_")]
    assert [cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).shape[1] for png in pictures] == [1280, 1400]
    text = capsys.readouterr().out
    assert f"in truth {len(names['true_widths_um'])}" in text
    assert "image,hair_id,root_x_px" in text
    assert names["row"].density_low_per_cm2 < names["row"].density_per_cm2 < names["row"].density_high_per_cm2


@pytest.mark.accuracy
def test_trial_finds_the_effects_that_were_rendered(monkeypatch, capsys):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    names = {}
    shown = [run_cell("".join(cell["source"]), names) for cell in cells_of("trial.ipynb")]
    assert sum(hasattr(value, "_repr_png_") for value in shown) == 3
    assert "cut off or damaged" in capsys.readouterr().out
    both = names["both"]
    assert sorted(zip(both["endpoint"], both["arm"], strict=True)) == [
        (endpoint, arm) for endpoint in ("density_per_cm2", "mean_width_um") for arm in ("exosome", "prp")
    ]
    print(both.to_string())
    assert both["held"].sum() >= 3, both.to_string()
