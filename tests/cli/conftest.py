"""What the tests of the command line share."""

import sys

import cv2
import numpy as np
import pytest

from hairscan.cli import main


@pytest.fixture
def photo_file(tmp_path):
    path = tmp_path / "scalp.png"
    rng = np.random.default_rng(0)
    picture = np.clip(rng.normal(175, 6, (300, 400, 3)), 0, 255).astype(np.uint8)
    for x_px in (100, 200, 300):
        cv2.line(picture, (x_px, 80), (x_px + 40, 220), (30, 30, 30), 10, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)
    return path


@pytest.fixture
def hairscan(monkeypatch, capsys):
    """Run the command line and give its exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hairscan", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run
