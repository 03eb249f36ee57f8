"""The opset of an ONNX file without onnx, beside what onnx itself says."""

import pytest

from hairscan.training.opset import opset_of

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize("opsets", [{"": 17}, {"com.microsoft": 1, "": 300}, {"ai.onnx": 18}, {"com.microsoft": 1}])
def test_the_opset_is_that_of_the_standard_operators(opsets):
    graph = onnx.helper.make_graph([], "nothing", [], [])
    imports = [onnx.helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = onnx.helper.make_model(graph, opset_imports=imports, producer_name="a name", ir_version=8)
    expected = opsets.get("", opsets.get("ai.onnx"))
    assert opset_of(model.SerializeToString()) == expected
