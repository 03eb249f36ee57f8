"""Which device runs the network: the rule behind ``--device``."""

from __future__ import annotations

import ctypes
import platform
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from hairscan.errors import DeviceError
from hairscan.segment.backend import Backend
from hairscan.segment.onnx_backend import OnnxBackend
from hairscan.segment.spec import ModelSpec, whole_file
from hairscan.types import MapArray

CHOICES = ("auto", "cpu", "cuda")
ORDER = (
    ("cuda", "onnx"),
    ("cuda", "torch"),
    ("mps", "torch"),
    ("migraphx", "onnx"),
    ("coreml", "onnx"),
    ("directml", "onnx"),
    ("openvino", "onnx"),
    ("cpu", "onnx"),
)
"""Devices and what runs the network on them: the first that can is taken."""
TRIAL_TOLERANCE = 0.02
"""Largest difference from the CPU's maps that is let pass; half precision differs by a tenth of it."""


def open_backend(folder: Path, spec: ModelSpec, device: str = "auto", threads: int | None = None) -> Backend:
    """The network of a model folder on a device: the first of `ORDER` that can run it.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        "auto" takes any device, the others only those of their name.
    threads : int, optional
        Threads of the CPU for one picture; all cores where nothing is said.

    Raises
    ------
    ModelError
        Where the model's file is missing or damaged.
    DeviceError
        Where the device is unknown or cannot run the network.
    """
    if device not in CHOICES:
        raise DeviceError(f"unknown device {device!r}: use auto, cpu or cuda")
    reasons = []
    for name, runtime in ORDER:
        if device in ("auto", name):
            try:
                return _open(name, runtime, folder, spec, threads)
            except DeviceError as error:
                reasons.append(str(error))
    raise DeviceError(
        f"no {device} here ({'; '.join(reasons)}): pip install 'hairscan[gpu]' where a graphics card is, "
        "or use --device cpu"
    )


def usable_devices(folder: Path, spec: ModelSpec) -> list[str]:
    """Every device that can run the network of a model folder, first the one that "auto" takes.

    Raises
    ------
    ModelError
        Where one of the model's files is missing or damaged.
    """
    usable = []
    for name, runtime in ORDER:
        with suppress(DeviceError):
            usable.append(_open(name, runtime, folder, spec).device)
    return usable


def _open(name: str, runtime: str, folder: Path, spec: ModelSpec, threads: int | None = None) -> Backend:
    """The network on one device; an accelerator must first give the CPU's maps of a trial picture."""
    backend = _open_onnx(name, folder, spec, threads) if runtime == "onnx" else _open_torch(name, folder, spec)
    if name != "cpu":
        image = _trial_image(spec.multiple)
        difference = np.abs(backend.run(image) - _open_onnx("cpu", folder, spec).run(image)).max()
        # Written so that NaN does not pass.
        if not difference <= TRIAL_TOLERANCE:
            raise DeviceError(f"the maps of {backend.device} differ from the CPU's by {difference:.2g}")
    return backend


def _open_onnx(name: str, folder: Path, spec: ModelSpec, threads: int | None = None) -> Backend:
    return OnnxBackend(whole_file(folder / "model.onnx", spec.sha256), name, threads)


def _open_torch(name: str, folder: Path, spec: ModelSpec) -> Backend:
    if spec.weights_sha256 is None:
        raise DeviceError("the model has no weights for PyTorch")
    if not _has_driver(name):
        raise DeviceError(f"no driver of {name} for PyTorch")
    try:
        from hairscan.segment.torch_backend import TorchBackend
    except (ImportError, OSError) as error:
        raise DeviceError("PyTorch is not installed") from error
    return TorchBackend(whole_file(folder / "weights.safetensors", spec.weights_sha256), name)


def _has_driver(name: str) -> bool:
    """Whether PyTorch is worth asking: loading it takes seconds and 0.7 GB of memory."""
    if name == "mps":
        return platform.system() == "Darwin"
    try:
        ctypes.CDLL("nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _trial_image(multiple: int) -> MapArray:
    """A bright picture with two dark shafts, shape (1, 3, 4 * multiple, 4 * multiple), 0..1."""
    side = 4 * multiple
    rgb = np.full((side, side, 3), 190, np.uint8)
    for start, stop in (((0.2, 0.2), (0.8, 0.4)), ((0.7, 0.6), (0.3, 0.9))):
        first, last = ([round(x * side), round(y * side)] for x, y in (start, stop))
        cv2.line(rgb, first, last, (50, 40, 35), thickness=12, lineType=cv2.LINE_AA)
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / 255.0
