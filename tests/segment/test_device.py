"""The rule of choice, on machines that are made up: no accelerator is needed."""

import sys

import numpy as np
import onnxruntime
import pytest

from hairscan.errors import DeviceError, ModelError
from hairscan.segment import device as rule
from hairscan.segment import model_folders
from hairscan.segment.device import open_backend, usable_devices
from hairscan.segment.model import read_spec
from hairscan.segment.onnx_backend import OnnxBackend


class FakeBackend:
    """A device that is there, and answers the trial picture with `error` added to the CPU's maps."""

    batch = 1

    def __init__(self, name, error=0.0):
        self.device = name
        self.error = error

    def run(self, images):
        n, _, height, width = images.shape
        return np.full((n, 15, height // 2, width // 2), 0.5 + self.error, np.float32)


@pytest.fixture
def machine(monkeypatch):
    """Pretend that a machine has these devices: (name, runtime) and how far its maps are off."""

    def make(devices):
        def opener(runtime):
            def open_one(name, folder, spec, threads=None):
                if (name, runtime) not in devices:
                    raise DeviceError(f"{runtime} has no {name}")
                return FakeBackend(f"{name} {runtime}", devices[name, runtime])

            return open_one

        monkeypatch.setattr(rule, "_open_onnx", opener("onnx"))
        monkeypatch.setattr(rule, "_open_torch", opener("torch"))

    return make


@pytest.fixture
def shipped():
    """Folder and spec of the default model."""
    folder = model_folders()["default"]
    return folder, read_spec(folder)


CPU = {("cpu", "onnx"): 0.0}
ONNX_CUDA = {("cuda", "onnx"): 0.0}
TORCH_CUDA = {("cuda", "torch"): 0.0}


@pytest.mark.parametrize(
    ("devices", "asked", "taken"),
    [
        (CPU, "auto", "cpu onnx"),
        (CPU | ONNX_CUDA | TORCH_CUDA, "auto", "cuda onnx"),
        (CPU | ONNX_CUDA | TORCH_CUDA, "cuda", "cuda onnx"),
        (CPU | TORCH_CUDA, "auto", "cuda torch"),
        (CPU | TORCH_CUDA, "cuda", "cuda torch"),
        (CPU | TORCH_CUDA, "cpu", "cpu onnx"),
        (CPU | {("mps", "torch"): 0.0, ("coreml", "onnx"): 0.0}, "auto", "mps torch"),
        (CPU | {("coreml", "onnx"): 0.0}, "auto", "coreml onnx"),
        (CPU | {("directml", "onnx"): 0.005}, "auto", "directml onnx"),
    ],
)
def test_the_first_device_that_can_is_taken(machine, shipped, devices, asked, taken):
    machine(devices)
    assert open_backend(*shipped, asked).device == taken


def test_cuda_by_name_does_not_fall_back(machine, shipped):
    machine(CPU | {("coreml", "onnx"): 0.0})
    with pytest.raises(DeviceError, match=r"onnx has no cuda; torch has no cuda.*--device cpu"):
        open_backend(*shipped, "cuda")


@pytest.mark.parametrize("error", [0.1, np.nan])
def test_a_device_whose_maps_are_wrong_is_not_used(machine, shipped, error):
    machine(CPU | {("cuda", "onnx"): error})
    assert open_backend(*shipped, "auto").device == "cpu onnx"
    with pytest.raises(DeviceError, match="differ from the CPU's"):
        open_backend(*shipped, "cuda")


def test_an_unknown_device_is_named(shipped):
    with pytest.raises(DeviceError, match="tpu"):
        open_backend(*shipped, "tpu")


def test_usable_devices_are_those_that_run(machine, shipped):
    machine(CPU | TORCH_CUDA | {("coreml", "onnx"): np.nan})
    assert usable_devices(*shipped) == ["cuda torch", "cpu onnx"]


class FakeSession:
    """ONNX Runtime that takes any provider and then runs on the CPU without a word."""

    def __init__(self, path, options, providers):
        pass

    def get_providers(self):
        return ["CPUExecutionProvider"]


def test_onnx_runtime_that_silently_falls_back_is_caught(monkeypatch, shipped):
    installed = ["AzureExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: installed)
    monkeypatch.setattr(onnxruntime, "InferenceSession", FakeSession)
    with pytest.raises(DeviceError, match="libraries of cuda"):
        OnnxBackend(shipped[0] / "model.onnx", "cuda")
    assert OnnxBackend(shipped[0] / "model.onnx", "cpu").device == "cpu"


def test_a_provider_that_is_not_installed_is_not_asked_for(monkeypatch, shipped):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceError, match="without cuda"):
        OnnxBackend(shipped[0] / "model.onnx", "cuda")


def test_a_session_that_cannot_start_an_accelerator_blames_no_file(monkeypatch, shipped):
    def fail(*args, **kwargs):
        raise RuntimeError("CUDA failure 35: driver version is insufficient")

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(DeviceError, match="cannot start cuda"):
        OnnxBackend(shipped[0] / "model.onnx", "cuda")


def test_torch_is_not_loaded_without_a_driver(monkeypatch, shipped):
    monkeypatch.setattr(rule, "_has_driver", lambda name: False)
    monkeypatch.setitem(sys.modules, "hairscan.segment.torch_backend", None)
    with pytest.raises(DeviceError, match="no driver of cuda"):
        rule._open_torch("cuda", *shipped)


def test_without_torch_there_is_a_reason(monkeypatch, shipped):
    monkeypatch.setattr(rule, "_has_driver", lambda name: True)
    monkeypatch.setitem(sys.modules, "hairscan.segment.torch_backend", None)
    with pytest.raises(DeviceError, match="PyTorch is not installed"):
        rule._open_torch("cuda", *shipped)


def test_a_model_without_weights_for_torch_says_so(shipped):
    folder, spec = shipped
    with pytest.raises(DeviceError, match="no weights for PyTorch"):
        rule._open_torch("cuda", folder, spec.model_copy(update={"weights_sha256": None}))


def test_damaged_weights_are_not_a_matter_of_the_device(monkeypatch, shipped):
    pytest.importorskip("torch")
    folder, spec = shipped
    monkeypatch.setattr(rule, "_has_driver", lambda name: True)
    with pytest.raises(ModelError, match="damaged"):
        open_backend(folder, spec.model_copy(update={"weights_sha256": "0" * 64}), "auto")
