"""Runs a network: one small protocol, numpy in, numpy out."""

from __future__ import annotations

from typing import Protocol

from hairscan.types import MapArray

CUDA_BATCH = 8
"""Tiles that are run at once on a graphics card."""


class Backend(Protocol):
    """A network on a device. Reading photographs, scales and tiles are none of its business."""

    @property
    def device(self) -> str:
        """The device that really runs the network; ONNX Runtime in float32 where it does not say otherwise."""

    @property
    def batch(self) -> int:
        """Images that are best run at once."""

    def run(self, images: MapArray) -> MapArray:
        """Maps in 0..1, shape (N, C, H/2, W/2), of images in 0..1, shape (N, 3, H, W)."""
