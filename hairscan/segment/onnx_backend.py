"""The network on ONNX Runtime: the CPU, and whichever accelerators the installed build knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from hairscan.errors import DeviceError, HairscanError, ModelError
from hairscan.segment.backend import CUDA_BATCH
from hairscan.segment.spec import INPUT, OUTPUT
from hairscan.types import MapArray

PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    # Its default is to time all algorithms at every new size, and the fastest can be another one in the next run: the
    # same photograph would not always give the same result.
    "cuda": ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"}),
    "migraphx": ("MIGraphXExecutionProvider", {}),
    "coreml": ("CoreMLExecutionProvider", {}),
    "directml": ("DmlExecutionProvider", {}),
    "openvino": ("OpenVINOExecutionProvider", {}),
    "cpu": ("CPUExecutionProvider", {}),
}
"""ONNX Runtime's name of every device, and its options there.

Left out on purpose: Azure, which would send photographs away, and TensorRT, which compiles the network anew for every
size.
"""


class OnnxBackend:
    """ONNX Runtime, on one device and no other.

    Parameters
    ----------
    path : Path
        `model.onnx`.
    device : str
        One of `PROVIDERS`.
    threads : int, optional
        Threads of the CPU for one picture; all cores where nothing is said. The maps are the same with any number.

    Raises
    ------
    ModelError
        Where the file is not a model.
    DeviceError
        Where the device cannot run it.
    """

    def __init__(self, path: Path, device: str, threads: int | None = None) -> None:
        provider, provider_options = PROVIDERS[device]
        if provider not in onnxruntime.get_available_providers():
            raise DeviceError(f"this ONNX Runtime was built without {device}")
        options = onnxruntime.SessionOptions()
        # Its errors reach the user as ours, in one line.
        options.log_severity_level = 4
        options.intra_op_num_threads = threads or 0
        self._path = path
        self._device = device
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=[(provider, provider_options)])
        except Exception as error:  # ONNX Runtime raises its own unrelated types
            if device != "cpu":
                raise DeviceError(f"ONNX Runtime cannot start {device}") from error
            raise ModelError(f"{path} cannot be loaded: restore the file from the distribution") from error
        # ONNX Runtime falls back to the CPU without a word where a provider's libraries are missing.
        if provider not in self._session.get_providers():
            raise DeviceError(f"ONNX Runtime cannot find the libraries of {device}")

    @property
    def device(self) -> str:
        """The device that really runs the network."""
        return self._device

    @property
    def batch(self) -> int:
        """Images that are best run at once; on a CPU more than one only needs more memory."""
        return CUDA_BATCH if self._device == "cuda" else 1

    def run(self, images: MapArray) -> MapArray:
        """Maps in 0..1, shape (N, C, H/2, W/2), of images in 0..1, shape (N, 3, H, W).

        Raises
        ------
        ModelError
            Where the file is another network's.
        DeviceError
            Where an accelerator cannot run it, or has too little memory.
        """
        try:
            maps = self._session.run([OUTPUT], {INPUT: images})[0]
        except Exception as error:  # ONNX Runtime raises its own unrelated types
            kind: type[HairscanError] = ModelError if self._device == "cpu" else DeviceError
            raise kind(
                f"{self._path} cannot be run on {self._device}: use --device cpu, or restore the file"
            ) from error
        return np.asarray(maps, np.float32)
