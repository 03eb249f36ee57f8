"""PyTorch computes what ONNX Runtime computes. Needs the gpu or train extra."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytest.importorskip("safetensors")

from hairscan.errors import DeviceError, ModelError  # noqa: E402
from hairscan.phantom import render_scene, sample_scene  # noqa: E402
from hairscan.segment import find_model, load_model  # noqa: E402
from hairscan.segment.tiling import run_tiled  # noqa: E402
from hairscan.segment.torch_backend import TorchBackend  # noqa: E402

WEIGHTS = find_model("default") / "weights.safetensors"


def drawn(kind):
    """A small phantom with hair in it."""
    rng = np.random.default_rng(3)
    return render_scene(sample_scene(kind, rng, width_px=320, height_px=256, um_per_px=5.56), rng).rgb


@pytest.fixture(scope="module")
def rgb():
    return drawn("clipped")


def test_torch_and_onnx_agree(segmenter, rgb):
    ours, theirs = (
        run_tiled(backend, rgb, multiple=segmenter.spec.multiple)
        for backend in (TorchBackend(WEIGHTS, "cpu"), segmenter.backend)
    )
    assert theirs.max() > 0.9
    assert np.abs(ours - theirs).max() < 1e-3


@pytest.mark.parametrize("kind", ["clipped", "light"])
def test_half_precision_keeps_the_maps_pale_hair_too(segmenter, kind):
    # What a CUDA device computes, computed here.
    half = TorchBackend(WEIGHTS, "cpu")
    half._precision = torch.float16
    half._network.half()
    ours, theirs = (
        run_tiled(backend, drawn(kind), multiple=segmenter.spec.multiple) for backend in (half, segmenter.backend)
    )
    assert theirs.max() > 0.9
    assert np.abs(ours - theirs).max() < 0.005


def test_the_device_says_how_it_runs():
    backend = TorchBackend(WEIGHTS, "cpu")
    assert (backend.device, backend.batch) == ("cpu (torch, float32)", 1)


def test_cuda_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="cannot use cuda"):
        TorchBackend(WEIGHTS, "cuda")


def test_a_card_that_does_not_start_is_refused(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", fail)
    with pytest.raises(DeviceError, match="cannot start cuda"):
        TorchBackend(WEIGHTS, "cuda")


def test_a_card_without_memory_says_what_to_do(monkeypatch):
    backend = TorchBackend(WEIGHTS, "cpu")

    def no_room(batch):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(backend, "_network", no_room)
    with pytest.raises(DeviceError, match="--device cpu"):
        backend.run(np.zeros((1, 3, 64, 64), np.float32))


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(WEIGHTS.read_bytes()[:-1])
    with pytest.raises(ModelError, match="does not hold"):
        TorchBackend(path, "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_half_precision_on_cuda_agrees_with_the_cpu(segmenter, rgb):
    backend = TorchBackend(WEIGHTS, "cuda")
    assert backend.device == "cuda (torch, float16)"
    ours, theirs = (run_tiled(one, rgb, multiple=segmenter.spec.multiple) for one in (backend, segmenter.backend))
    assert np.abs(ours - theirs).max() < 0.005


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_cuda_by_name_runs_on_cuda():
    assert load_model("default", "cuda").backend.device.startswith("cuda")
