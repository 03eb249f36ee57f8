import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hairscan


def test_every_public_name_is_there():
    for name in hairscan.__all__:
        assert getattr(hairscan, name) is not None
    assert dir(hairscan) == hairscan.__all__


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hairscan.nothing  # noqa: B018


def test_importing_the_package_loads_no_library():
    code = (
        "import sys, hairscan; print(sorted({'numpy', 'scipy', 'cv2', 'onnxruntime', 'pydantic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_version_is_the_one_of_the_package():
    pyproject = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["version"] == hairscan.__version__
