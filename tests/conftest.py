"""Where the real photographs lie, and what several tests share."""

import io
from errno import EACCES
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real photographs. They are not part of the project; tests that need them are skipped where they are absent."""


@pytest.fixture(scope="session")
def fdu():
    """Folder of the FDU photographs."""
    folder = DATA / "fdu"
    if not folder.is_dir():
        pytest.skip("the FDU photographs are not here")
    return folder


@pytest.fixture(scope="session")
def segmenter():
    """The shipped model on the CPU."""
    from hairscan.segment import load_model

    return load_model("default", "cpu")


@pytest.fixture
def forbid(monkeypatch):
    """Take away the right to read a file, or to look into a folder. Changed modes would not bind root."""
    open_file, look_at = io.open, Path.stat

    def take(path):
        def open_allowed(file, *args, **kwargs):
            if file == path:
                raise PermissionError(EACCES, "Permission denied", str(file))
            return open_file(file, *args, **kwargs)

        def look_at_allowed(self, **kwargs):
            if path in self.parents:
                raise PermissionError(EACCES, "Permission denied", str(self))
            return look_at(self, **kwargs)

        monkeypatch.setattr(io, "open", open_allowed)
        monkeypatch.setattr(Path, "stat", look_at_allowed)

    return take


@pytest.fixture(scope="session")
def draw_scalp():
    """Draw straight dark shafts on uneven skin: ends (N, 2, 2) px, width and size px, as RGB."""

    def draw(ends_px, shaft_px, width_px, height_px):
        rng = np.random.default_rng(0)
        relief = cv2.GaussianBlur(rng.normal(0, 48, (height_px, width_px)), (0, 0), 3)
        scalp = np.array([196.0, 164.0, 146.0]) + relief[..., None]
        for root, tip in np.array(ends_px).astype(int).tolist():
            cv2.line(scalp, root, tip, (46.0, 38.0, 34.0), shaft_px, cv2.LINE_AA)
        scalp = cv2.GaussianBlur(scalp, (0, 0), 1.2) + rng.normal(0, 2, (height_px, width_px, 1))
        return np.clip(scalp, 0, 255).astype(np.uint8)

    return draw


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory):
    """Give the folder of the shipped model's bundle in a precision; it is written once."""
    pytest.importorskip("onnx")
    from hairscan.training.bundle import write_bundle

    @cache
    def write(precision):
        folder = tmp_path_factory.mktemp("bundles") / precision
        write_bundle("default", precision, folder)
        return folder

    return write
