"""A run of minutes, shrunk to seconds: it learns, it resumes, it exports. Needs the train extra."""

import itertools
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytest.importorskip("albumentations")
pytest.importorskip("matplotlib")

from hairscan.errors import DataError, DeviceError, ModelError  # noqa: E402
from hairscan.segment import load_model  # noqa: E402
from hairscan.segment.network import HairNet  # noqa: E402
from hairscan.training import example, loop  # noqa: E402
from hairscan.training.augment import Augment  # noqa: E402
from hairscan.training.curves import MAPS, append_metrics, read_metrics  # noqa: E402
from hairscan.training.dataset import draw_example  # noqa: E402
from hairscan.training.export import export_model  # noqa: E402
from hairscan.training.recipe import Recipe, read_recipe  # noqa: E402
from hairscan.training.vectors import Sample  # noqa: E402
from hairscan.training.weak_labels import BACKGROUND  # noqa: E402

pytestmark = pytest.mark.train


@pytest.fixture
def clinic_samples(tmp_path):
    """Two photographs to train on and one to tune with, one hair each."""
    samples = []
    for number, part in enumerate(("train", "train", "tune")):
        image = tmp_path / f"{number}.png"
        picture = np.full((200, 260, 3), 180, np.uint8)
        cv2.line(picture, (90, 80), (160, 110 + number), (40, 40, 40), 6, cv2.LINE_AA)
        cv2.imwrite(str(image), picture)
        vectors_px = np.array([[[90.0, 80.0], [160.0, 110.0 + number]]])
        samples.append(Sample(image, str(number), str(number), str(number), part, vectors_px, ("single",), 5.0))
    return samples


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


def test_a_run_is_not_taken_up_with_another_recipe(recipe, tmp_path, clinic_samples):
    short = recipe.model_copy(update={"steps": 1, "phantom_share": 0.0})
    loop.train_network(short, clinic_samples, tmp_path, "cpu")
    longer = short.model_copy(update={"steps": 9})
    with pytest.raises(DataError, match="another recipe"):
        loop.train_network(longer, clinic_samples, tmp_path, "cpu")


def test_a_run_is_not_taken_up_with_another_model(recipe, tmp_path, clinic_samples):
    short = recipe.model_copy(update={"steps": 1, "phantom_share": 0.0})
    for name in ("one", "two"):
        export_model(HairNet(recipe.widths).eval(), recipe, tmp_path / name, version="0")
    loop.train_network(short, clinic_samples, tmp_path / "run", "cpu", start=tmp_path / "one")
    for other in (tmp_path / "two", None):
        with pytest.raises(DataError, match="another model"):
            loop.train_network(short, clinic_samples, tmp_path / "run", "cpu", start=other)


def test_a_run_is_not_taken_up_on_other_photographs(recipe, tmp_path, clinic_samples):
    """Nor with other labels, nor split otherwise; another validation part changes nothing."""
    short = recipe.model_copy(update={"steps": 1, "phantom_share": 0.0})
    loop.train_network(short, clinic_samples, tmp_path / "run", "cpu")
    judged = replace(clinic_samples[0], name="v", part="validation")
    loop.train_network(short, [*clinic_samples, judged], tmp_path / "run", "cpu")
    first = clinic_samples[0]
    for other in (replace(first, part="tune"), replace(first, vectors_px=first.vectors_px + 1), judged):
        with pytest.raises(DataError, match="other photographs or labels: give a new --out"):
            loop.train_network(short, [other, *clinic_samples[1:]], tmp_path / "run", "cpu")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None], ids=["empty", "another file", "cut off"])
def test_a_damaged_checkpoint_is_named(recipe, tmp_path, clinic_samples, content):
    short = recipe.model_copy(update={"steps": 1, "phantom_share": 0.0})
    loop.train_network(short, clinic_samples, tmp_path / "run", "cpu")
    path = tmp_path / "run" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)
    with pytest.raises(ModelError, match=r"checkpoint\.pt is damaged: remove it to begin anew"):
        loop.train_network(short, clinic_samples, tmp_path / "run", "cpu")


def test_what_a_run_may_not_read_is_named_and_not_called_damaged(recipe, tmp_path, forbid):
    export_model(HairNet(recipe.widths).eval(), recipe, tmp_path / "model", version="0")
    (tmp_path / "run" / "checkpoint.pt").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"checkpoint\.pt cannot be read: Is a directory"):
        loop.train_network(recipe, [], tmp_path / "run", "cpu")
    forbid(tmp_path / "model" / "weights.safetensors")
    with pytest.raises(ModelError, match=r"weights\.safetensors cannot be read: Permission denied"):
        loop.train_network(recipe, [], tmp_path / "run", "cpu", start=tmp_path / "model")


def test_a_run_says_what_it_is_made_of(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "track", lambda batches, *args, **kwargs: itertools.islice(batches, 3))
    loop.train_network(recipe, [], tmp_path, "cpu")
    assert read_recipe(tmp_path / "config.yaml") == recipe
    env = json.loads((tmp_path / "env.json").read_text())
    assert (env["device"], env["torch"]) == ("cpu", torch.__version__)
    assert env["precision"] == ("bfloat16" if loop.computes_in_half("cpu") else "float32")
    before = read_metrics(tmp_path)[-1]["seconds"]
    loop.train_network(recipe, [], tmp_path, "cpu")
    assert read_metrics(tmp_path)[-1]["seconds"] > before


def test_the_seed_alone_decides_the_weights(recipe, tmp_path, clinic_samples):
    short = recipe.model_copy(update={"steps": 2, "phantom_share": 0.0})
    first, again, other = (
        loop.train_network(
            short.model_copy(update={"seed": seed}), clinic_samples, tmp_path / str(number), "cpu"
        ).state_dict()
        for number, seed in enumerate((1, 1, 2))
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_the_curves_show_the_tune_part(recipe, tmp_path, clinic_samples):
    loop.train_network(recipe.model_copy(update={"phantom_share": 0.0}), clinic_samples, tmp_path, "cpu")
    rows = read_metrics(tmp_path)
    assert [row["step"] for row in rows] == [3, 6]
    assert all(row[f"tune_{name}"] > 0 for row in rows for name in MAPS)
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture.shape == (360, 1200, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10


def test_steps_that_were_done_twice_count_once(tmp_path):
    for step, line in ((1, 9.0), (2, 8.0)):
        append_metrics(tmp_path, {"step": step, "line": line})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "li')
    for step, line in ((0, 1.0), (2, 2.0), (3, 3.0)):
        append_metrics(tmp_path, {"step": step, "line": line})
    assert [(row["step"], row["line"]) for row in read_metrics(tmp_path)] == [(1, 9.0), (2, 2.0), (3, 3.0)]


@pytest.mark.parametrize(("widths", "kept", "words"), [((8, 16), True, "other layers"), ((8, 12), False, "is missing")])
def test_weights_that_do_not_fit_are_named(recipe, tmp_path, widths, kept, words):
    export_model(HairNet(recipe.widths).eval(), recipe, tmp_path / "model", version="0")
    if not kept:
        (tmp_path / "model" / "weights.safetensors").unlink()
    other = recipe.model_copy(update={"widths": widths})
    with pytest.raises(ModelError, match=words):
        loop.train_network(other, [], tmp_path / "run", "cpu", start=tmp_path / "model")


def test_a_run_begins_with_the_weights_of_a_model(recipe, tmp_path, clinic_samples):
    torch.manual_seed(5)
    network = HairNet(recipe.widths).eval()
    export_model(network, recipe, tmp_path / "model", version="0")
    still = recipe.model_copy(update={"learning_rate": 0.0, "steps": 1, "phantom_share": 0.0})
    begun = loop.train_network(still, clinic_samples, tmp_path / "run", "cpu", start=tmp_path / "model")
    assert torch.equal(begun.head.weight, network.head.weight)


def test_a_run_may_keep_a_share_of_the_weights_it_began_with(recipe, tmp_path, clinic_samples):
    torch.manual_seed(5)
    network = HairNet(recipe.widths).eval()
    export_model(network, recipe, tmp_path / "model", version="0")
    settings = recipe.model_copy(update={"steps": 2, "phantom_share": 0.0, "average_decay": 0.0})
    mixed = settings.model_copy(update={"keep_share": 0.25})
    ends = [
        loop.train_network(one, clinic_samples, tmp_path / f"run{one.keep_share}", "cpu", start=tmp_path / "model")
        for one in (settings, mixed, mixed)
    ]
    trained, kept, resumed = (end.stem[0].weight for end in ends)
    assert not torch.equal(trained, network.stem[0].weight)
    torch.testing.assert_close(kept, 0.75 * trained + 0.25 * network.stem[0].weight)
    assert torch.equal(kept, resumed)


def test_labels_are_revised_by_the_model_that_a_run_begins_with(recipe, tmp_path, clinic_samples, monkeypatch):
    export_model(HairNet(recipe.widths).eval(), recipe, tmp_path / "model", version="0")
    settings = recipe.model_copy(update={"steps": 1, "phantom_share": 0.0, "revised": True})
    asked = []
    monkeypatch.setattr(example, "trace_sample", lambda sample, model: asked.append((sample.field, model)) or [])
    loop.train_network(settings, clinic_samples, tmp_path / "run", "cpu", start=tmp_path / "model")
    trained = [sample.field for sample in clinic_samples if sample.part == "train"]
    assert [field for field, _ in asked] == trained
    assert asked[0][1].spec.name == "tiny"


@pytest.mark.parametrize("goes_on", [{"revised": True}, {"keep_share": 0.5}])
def test_a_recipe_that_goes_on_from_a_model_needs_one(recipe, tmp_path, goes_on):
    with pytest.raises(DataError, match="give it with --from"):
        loop.train_network(recipe.model_copy(update=goes_on), [], tmp_path / "run", "cpu")
    assert not (tmp_path / "run").exists()


def test_a_device_that_is_not_there_is_not_replaced():
    assert loop.choose_device("cpu") == "cpu"
    assert loop.choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(DeviceError, match="unknown device 'gpu'"):
        loop.choose_device("gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_that_is_missing_is_an_error():
    with pytest.raises(DeviceError, match="no CUDA device"):
        loop.choose_device("cuda")


@pytest.mark.parametrize(
    ("capabilities", "half"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"amx_bf16": True}, True),
        ({"bf16": True}, True),
        ({}, False),
    ],
)
def test_a_processor_computes_in_bfloat16_where_it_has_instructions_for_it(monkeypatch, capabilities, half):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert loop.computes_in_half.__wrapped__("cpu") is half
    assert loop.computes_in_half.__wrapped__("cuda")


def test_an_older_pytorch_computes_in_float32_on_a_processor(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not loop.computes_in_half.__wrapped__("cpu")


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
