"""The network on PyTorch: half precision on CUDA, float32 elsewhere."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from hairscan.errors import DeviceError, ModelError
from hairscan.segment.backend import CUDA_BATCH
from hairscan.segment.network import network_of
from hairscan.types import MapArray


class TorchBackend:
    """PyTorch, on one device and no other.

    Parameters
    ----------
    path : Path
        `weights.safetensors`.
    device : {"cuda", "mps", "cpu"}

    Raises
    ------
    ModelError
        Where the file does not hold weights of the network.
    DeviceError
        Where this PyTorch cannot use the device.
    """

    def __init__(self, path: Path, device: str) -> None:
        usable = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available, "cpu": lambda: True}
        if not usable[device]():
            raise DeviceError(f"this PyTorch cannot use {device}")
        try:
            network = network_of(load_file(path)).eval()
        except (SafetensorError, KeyError, RuntimeError) as error:
            raise ModelError(f"{path} does not hold weights of the network: restore the file") from error
        self._device = device
        self._precision = torch.float16 if device == "cuda" else torch.float32
        try:
            self._network = network.to(device, self._precision, memory_format=torch.channels_last)
        except RuntimeError as error:
            raise DeviceError(f"PyTorch cannot start {device}") from error
        # Pixels are centred in float32 and rounded only then: rounded as they come, pale hair would drown in it.
        self._network.stem.register_forward_pre_hook(lambda _, inputs: inputs[0].to(self._precision))

    @property
    def device(self) -> str:
        """The device that really runs the network, and how."""
        return f"{self._device} (torch, {str(self._precision).removeprefix('torch.')})"

    @property
    def batch(self) -> int:
        """Images that are best run at once."""
        return CUDA_BATCH if self._device == "cuda" else 1

    def run(self, images: MapArray) -> MapArray:
        """Maps in 0..1, shape (N, C, H/2, W/2), of images in 0..1, shape (N, 3, H, W).

        Raises
        ------
        DeviceError
            Where the device cannot run it, or has too little memory.
        """
        try:
            with torch.inference_mode():
                batch = torch.from_numpy(images).to(self._device, memory_format=torch.channels_last)
                maps: MapArray = self._network(batch).float().sigmoid().contiguous().cpu().numpy()
        except RuntimeError as error:
            raise DeviceError(f"PyTorch cannot run the network on {self._device}: use --device cpu") from error
        return maps
