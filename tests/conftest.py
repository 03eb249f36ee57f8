"""Where the real photographs lie, and what several tests share."""

from functools import cache
from pathlib import Path

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


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory):
    """Give the folder of the shipped model's bundle in a precision; it is written once."""
    pytest.importorskip("onnx")
    from hairscan.training.bundle import write_bundle

    @cache
    def write(precision):
        folder = tmp_path_factory.mktemp("bundles") / precision
        write_bundle("default", precision, folder, photo_um_per_px=2.78)
        return folder

    return write
