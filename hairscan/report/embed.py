"""What a page that needs nothing beside it carries inside: its style and its pictures."""

from __future__ import annotations

import base64
from importlib.resources import files

import cv2

from hairscan.types import RgbImage

_JPEG_QUALITY = 80


def page_style() -> str:
    """The style that all pages share."""
    return files("hairscan.report").joinpath("page.css").read_text(encoding="utf-8")


def photo_uri(rgb: RgbImage) -> str:
    """A photograph as a JPEG inside the page."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return _uri("image/jpeg", data.tobytes())


def svg_uri(svg: bytes) -> str:
    """A drawing inside the page, as an image: its names cannot clash with those of another."""
    return _uri("image/svg+xml", svg)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
