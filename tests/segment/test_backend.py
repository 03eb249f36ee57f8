import shutil

import numpy as np
import pytest

from hairscan.errors import ModelError
from hairscan.segment import load_model, model_folders


def test_unknown_model_lists_the_shipped_ones():
    with pytest.raises(ModelError, match="default"):
        load_model("nothing-of-this-name")


def test_damaged_model_is_refused(tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(model_folders()["default"], folder)
    weights = folder / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match="damaged"):
        load_model(folder)
    (folder / "spec.json").write_text("{}")
    with pytest.raises(ModelError, match=r"spec\.json"):
        load_model(folder)


@pytest.mark.parametrize("name", ["default", "phantom-only"])
def test_shipped_models_give_maps_in_range_and_have_a_card(name):
    model = load_model(name, "cpu")
    assert (model_folders()[name] / "card.md").is_file()
    maps = model.backend.run(np.random.default_rng(0).random((1, 3, 64, 96), np.float32))
    assert maps.shape == (1, len(model.spec.channels), 32, 48)
    assert model.backend.device == "cpu"
    assert maps.min() >= 0.0
    assert maps.max() <= 1.0


def test_the_maps_are_the_same_with_any_number_of_threads():
    image = np.random.default_rng(0).random((1, 3, 128, 160), np.float32)
    one, two = (load_model("default", "cpu", threads=n).backend.run(image) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
