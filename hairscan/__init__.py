"""Hairs per cm2 and their thickness from a close-up photograph of the scalp.

The names below are loaded when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from hairscan.version import __version__

if TYPE_CHECKING:
    from hairscan.endpoints.result import PhotoResult
    from hairscan.errors import HairscanError
    from hairscan.photo import read_photo
    from hairscan.report.overlay import draw_overlay
    from hairscan.score import score_photo, score_read_photo
    from hairscan.segment import load_model
    from hairscan.types import Hair, Photo, Scale

__all__ = [
    "Hair",
    "HairscanError",
    "Photo",
    "PhotoResult",
    "Scale",
    "__version__",
    "draw_overlay",
    "load_model",
    "read_photo",
    "score_photo",
    "score_read_photo",
]

_HOME = {
    "Hair": "hairscan.types",
    "HairscanError": "hairscan.errors",
    "Photo": "hairscan.types",
    "PhotoResult": "hairscan.endpoints.result",
    "Scale": "hairscan.types",
    "draw_overlay": "hairscan.report.overlay",
    "load_model": "hairscan.segment",
    "read_photo": "hairscan.photo",
    "score_photo": "hairscan.score",
    "score_read_photo": "hairscan.score",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'hairscan' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
