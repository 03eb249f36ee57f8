"""One photograph as a manifest lists it, and where its bytes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One photograph.

    Attributes
    ----------
    line : int
        Line of the manifest's file; 0 where the photograph was found in a folder.
    cells : mapping
        Text by column.
    place : str
        Absolute path or URL of the photograph.
    """

    line: int
    cells: Mapping[str, str]
    place: str

    @property
    def image(self) -> str:
        """Name of the photograph in every table."""
        return self.cells["image"]

    @property
    def um_per_px(self) -> float | None:
        """Scale in the manifest; None where it says none."""
        text = self.cells.get("um_per_px", "")
        return float(text) if text else None


def is_url(place: str) -> bool:
    """Tell a URL from a path."""
    return "://" in place


def place_of(image: str, folder: Path) -> str:
    """Absolute path or URL of an image that a manifest in `folder` names.

    A manifest that was written on Windows is read elsewhere too: a backslash that is no part of a name is a slash.
    """
    if is_url(image):
        return image
    path = folder / image
    if "\\" in image and not path.exists():
        path = folder / image.replace("\\", "/")
    return str(path.absolute())
