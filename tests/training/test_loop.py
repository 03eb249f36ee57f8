"""A run of minutes, shrunk to seconds: it learns, it resumes, it exports. Needs the train extra."""

import itertools
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytest.importorskip("albumentations")

from hairscan.segment import load_model  # noqa: E402
from hairscan.segment.network import HairNet  # noqa: E402
from hairscan.training import loop  # noqa: E402
from hairscan.training.augment import Augment  # noqa: E402
from hairscan.training.dataset import draw_example  # noqa: E402
from hairscan.training.export import export_model  # noqa: E402
from hairscan.training.recipe import Recipe  # noqa: E402
from hairscan.training.weak_labels import BACKGROUND  # noqa: E402

pytestmark = pytest.mark.train


@pytest.fixture
def recipe():
    return Recipe(
        name="tiny",
        widths=(8, 12),
        crop_px=96,
        phantom_share=1.0,
        phantom_scenes=2,
        steps=6,
        batch=2,
        warmup_steps=1,
        checkpoint_every=3,
    )


def test_a_killed_run_goes_on_as_if_it_had_not_been(recipe, tmp_path, monkeypatch):
    whole = loop.train_network(recipe, [], tmp_path / "whole", "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "track", lambda batches, *args, **kwargs: itertools.islice(batches, 3))
        loop.train_network(recipe, [], tmp_path / "killed", "cpu")
    resumed = loop.train_network(recipe, [], tmp_path / "killed", "cpu")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_the_loss_falls_on_one_picture(recipe, tmp_path):
    longer = recipe.model_copy(update={"steps": 250, "phantom_scenes": 1, "checkpoint_every": 250})
    loop.train_network(longer, [], tmp_path, "cpu")
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 250
    assert rows[-1]["line"] < 0.8 * rows[0]["line"]


def test_the_exported_model_computes_the_same_maps(recipe, tmp_path):
    torch.manual_seed(0)
    network = HairNet(recipe.widths).eval()
    export_model(network, recipe, tmp_path, version="0")
    segmenter = load_model(tmp_path, "cpu")
    image = np.random.default_rng(0).random((1, 3, 64, 128), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(image)).sigmoid().numpy()
    assert np.abs(segmenter.backend.run(image) - expected).max() < 1e-4


def test_augmentation_keeps_labels_on_their_pixels(recipe):
    example = draw_example(0, recipe.seed, recipe.um_per_px)
    changed = Augment(256)(example, seed=3)
    again = Augment(256)(example, seed=3)
    assert np.array_equal(changed.rgb, again.rgb)
    assert changed.rgb.shape == (256, 256, 3)
    on_shaft = []
    for seed in range(12):
        changed = Augment(256)(example, seed)
        for path in changed.paths_px:
            inside = path[((path > 4) & (path < 251)).all(axis=1)]
            x, y = np.round(inside).astype(int).T
            on_shaft.extend(changed.labels[y, x] != BACKGROUND)
    assert len(on_shaft) > 50
    assert np.mean(on_shaft) > 0.95
