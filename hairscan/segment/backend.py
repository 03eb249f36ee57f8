"""Runs a network: one small protocol, numpy in, numpy out."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime

from hairscan.errors import DeviceError, ModelError
from hairscan.types import MapArray

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class Backend(Protocol):
    """A network on a device. Reading files, scales and tiles are none of its business."""

    @property
    def device(self) -> str:
        """The device that really runs the network."""

    def run(self, images: MapArray) -> MapArray:
        """Maps in 0..1, shape (N, C, H/2, W/2), of images in 0..1, shape (N, 3, H, W)."""


class OnnxBackend:
    """ONNX Runtime, on the device that was asked for.

    Parameters
    ----------
    path : Path
        `model.onnx`.
    device : {"auto", "cpu", "cuda"}
        Only "auto" may fall back to the CPU.

    Raises
    ------
    ModelError
        Where the file is not a model.
    DeviceError
        Where the device cannot run it.
    """

    def __init__(self, path: Path, device: str = "auto") -> None:
        wanted = choose_providers(device, onnxruntime.get_available_providers())
        options = onnxruntime.SessionOptions()
        # Its errors reach the user as ours, in one line.
        options.log_severity_level = 4
        # The memory arena keeps the peak of the largest tile for ever; a scored photo must leave little behind.
        options.enable_cpu_mem_arena = False
        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=wanted)
        except Exception as error:  # ONNX Runtime raises its own unrelated types
            raise ModelError(f"{path} cannot be loaded: restore the file from the distribution") from error
        # ONNX Runtime falls back to the CPU without a word where a provider's libraries are missing.
        self._device = "cuda" if PROVIDERS["cuda"] in self._session.get_providers() else "cpu"
        if device not in ("auto", self._device):
            raise DeviceError(
                f"{device} was asked for, but ONNX Runtime could only use {self._device}: use --device auto"
            )

    @property
    def device(self) -> str:
        """The device that really runs the network."""
        return self._device

    def run(self, images: MapArray) -> MapArray:
        """Maps in 0..1, shape (N, C, H/2, W/2), of images in 0..1, shape (N, 3, H, W).

        Raises
        ------
        ModelError
            Where the network cannot be run: another network's file, or not enough memory on the device.
        """
        try:
            maps = self._session.run(["maps"], {"image": images})[0]
        except Exception as error:  # ONNX Runtime raises its own unrelated types
            raise ModelError(
                f"{self._path} cannot be run on {self._device}: use --device cpu, or restore the file"
            ) from error
        return np.asarray(maps, np.float32)


def choose_providers(device: str, available: list[str]) -> list[str]:
    """Execution providers to try, in order, out of those that are installed.

    Raises
    ------
    DeviceError
        Where the device is unknown, or is asked for by name and its provider is not installed.
    """
    if device not in ("auto", *PROVIDERS):
        raise DeviceError(f"unknown device {device!r}: use auto, cpu or cuda")
    if device == "auto":
        return [provider for provider in (PROVIDERS["cuda"], PROVIDERS["cpu"]) if provider in available]
    if PROVIDERS[device] not in available:
        raise DeviceError("no CUDA in this ONNX Runtime: install onnxruntime-gpu in its place, or use --device cpu")
    return [PROVIDERS[device]]
