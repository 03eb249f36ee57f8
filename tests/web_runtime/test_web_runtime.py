"""A bundle under onnxruntime-web, as a browser runs it.

Needs Node, ``npm install --prefix tests/web_runtime --no-package-lock``, and onnx of the train extra.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def node():
    """Path of Node, where the runtime is installed beside this file."""
    program = shutil.which("node")
    if program is None or not (HERE / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("Node or onnxruntime-web is not here")
    return program


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_wasm_computes_the_same_maps(node, bundle_of, precision):
    folder = bundle_of(precision)
    done = subprocess.run([node, HERE / "self_test.mjs", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    test = json.loads((folder / "spec.json").read_text(encoding="utf-8"))["self_test"]
    assert found["dims"] == test["expected"]["shape"]
    assert found["largest"] <= (1e-3 if precision == "fp32" else test["max_difference"])
    assert found["mean"] <= test["mean_difference"]
