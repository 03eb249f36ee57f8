"""Where the real photographs lie, and what several tests share."""

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
