"""What `hairscan train` says to what it cannot use, and that it leaves no half model. Needs the train extra."""

import json

import cv2
import numpy as np
import pytest

for extra in ("torch", "torchvision", "albumentations", "onnx", "safetensors", "matplotlib"):
    pytest.importorskip(extra)

from hairscan.errors import DataError  # noqa: E402
from hairscan.segment import model_folders  # noqa: E402
from hairscan.training import confidence, loop  # noqa: E402

pytestmark = pytest.mark.train

TINY = "name: tiny\nwidths: [8, 12]\ncrop_px: 96\nphantom_share: 1\nphantom_scenes: 1\nsteps: 1\nbatch: 2\n"


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def folder(tmp_path):
    """Annotated photographs made by hand: one in every part, one hair in each."""
    folder = tmp_path / "data"
    (folder / "tiles").mkdir(parents=True)
    parts = ("train", "tune", "validation")
    for grey, part in enumerate(parts, start=150):
        cv2.imwrite(str(folder / "tiles" / f"{part}.png"), np.full((80, 100, 3), grey, np.uint8))
    rows = [f"{part},{part},10,20,60,30,single" for part in parts]
    header = "tile,field,root_x_px,root_y_px,tip_x_px,tip_y_px,kind"
    (folder / "vectors.csv").write_text("\n".join([header, *rows]) + "\n")
    fields = [f"{part},{part},{part},4.0" for part in parts]
    (folder / "fields.csv").write_text("\n".join(["field,group,part,um_per_px", *fields]) + "\n")
    return folder


def test_a_network_that_sees_no_hair_becomes_no_model(hairscan, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(confidence, "PHANTOMS_PER_KIND", 1)
    monkeypatch.setattr(confidence, "KINDS", ("clipped",))
    code, _, said = hairscan("train", recipe, "--out", tmp_path / "run")
    assert code != 0
    assert "train it for more steps" in said
    assert not (tmp_path / "run" / "model").exists()


def test_a_run_without_recipe_goes_on_from_a_model(hairscan, tmp_path):
    code, _, said = hairscan("train", "--out", tmp_path / "run")
    assert code != 0
    assert "give a training recipe" in said
    code, _, said = hairscan("train", "--from", "default", "--out", tmp_path / "run")
    assert code != 0
    assert "give their folder with --data" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("recipe", [None, "name: second-stage\num_per_px: 4.45\n"], ids=["fine-tuning", "recipe"])
def test_fine_tuning_keeps_the_scale_of_its_model_and_a_recipe_may_change_it(
    hairscan, folder, tmp_path, monkeypatch, recipe
):
    model = tmp_path / "coarse"
    model.mkdir()
    facts = json.loads((model_folders()["default"] / "spec.json").read_text()) | {"um_per_px": 5.56}
    (model / "spec.json").write_text(json.dumps(facts))
    seen = []

    def look(settings, *_):
        seen.append(settings)
        raise DataError("no training today")

    monkeypatch.setattr(loop, "train_network", look)
    named = []
    if recipe is not None:
        named = [tmp_path / "recipe.yaml"]
        named[0].write_text(recipe)
    code, _, said = hairscan("train", *named, "--from", model, "--data", folder, "--out", tmp_path / "run")
    assert (code, said) == (2, "error: no training today\n")
    assert [settings.um_per_px for settings in seen] == [5.56 if recipe is None else 4.45]


def test_what_may_not_be_read_is_named(hairscan, recipe, tmp_path, forbid):
    forbid(recipe)
    refusal = f"error: {recipe} cannot be read: Permission denied\n"
    assert hairscan("train", recipe, "--out", tmp_path / "run") == (2, "", refusal)


@pytest.mark.parametrize("name", ["vectors.csv", "fields.csv"])
def test_a_table_of_the_photographs_that_may_not_be_read_is_named(hairscan, folder, tmp_path, forbid, name):
    forbid(folder / name)
    refusal = f"error: {folder / name} cannot be read: Permission denied\n"
    assert hairscan("train", "--from", "default", "--data", folder, "--out", tmp_path / "run") == (2, "", refusal)


def test_hairs_outside_of_a_photograph_are_refused_before_anything_is_trained(hairscan, folder, tmp_path):
    path = folder / "vectors.csv"
    path.write_text(path.read_text().replace("train,train,10,20,60", "train,train,10,20,5000"))
    code, _, said = hairscan("train", "--from", "default", "--data", folder, "--out", tmp_path / "run")
    assert code == 2
    assert "train.png is 100 x 80 px, and hairs of it lie outside" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("part", ["tune", "validation"])
def test_a_photograph_in_two_parts_is_refused_before_anything_is_trained(hairscan, folder, tmp_path, part):
    tiles = folder / "tiles"
    (tiles / f"{part}.png").write_bytes((tiles / "train.png").read_bytes())
    first, second = sorted(["train", part])
    code, out, said = hairscan("train", "--from", "default", "--data", folder, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert said == (
        f"error: {first}.png ({first}) and {second}.png ({second}) in {tiles} are the same photograph in two parts: "
        "give both one part, or remove one\n"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        *("um_per_px: 0.9", "warmup_steps: 0", "checkpoint_every: 0", "unknown: 1", "seed: -1", "learning_rate: .nan"),
        *("average_decay: 2.0", "decay_share: -1", "phantom_scenes: 0", "crop_px: 0", "widths: []", "widths: [-1, 4]"),
        "crop_px: 32\nwidths: [4, 4, 4, 4, 4, 4]",
    ],
)
def test_a_recipe_out_of_its_limits_is_refused_at_once(hairscan, recipe, tmp_path, wrong):
    recipe.write_text(f"{TINY}{wrong}\n")
    code, _, said = hairscan("train", recipe, "--out", tmp_path / "run")
    assert code != 0
    assert wrong.split(":")[0] in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["model/thesis.txt", "config.yaml", "metrics.jsonl"])
def test_a_folder_of_something_else_is_refused(hairscan, recipe, tmp_path, name):
    mine = tmp_path / "run" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    code, _, said = hairscan("train", recipe, "--out", tmp_path / "run")
    assert code == 2
    assert "is of no earlier training and would be replaced: name another folder" in said
    assert [path.read_text() for path in (tmp_path / "run").rglob("*") if path.is_file()] == ["mine"]


def test_a_folder_that_is_a_file_is_named(hairscan, recipe, tmp_path):
    (tmp_path / "run").write_text("")
    code, _, said = hairscan("train", recipe, "--out", tmp_path / "run")
    assert code != 0
    assert "is a file" in said
