"""A network in fewer bits: half floats, or 8-bit integers. Needs onnx, of the train extra."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from hairscan.segment.spec import INPUT
from hairscan.types import MapArray

QUANTIZED = ["Conv", "Add", "Relu", "Resize"]
"""All that is computed between the first convolution and the last."""


def to_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with weights and layers in half floats; input and output stay float32."""
    halved = OnnxModel(convert_float_to_float16(model, keep_io_types=True))
    # The converter appends its casts; ONNX wants nodes after those they read from.
    halved.topological_sort()
    return halved.model


def to_int8(model: onnx.ModelProto, tiles: Sequence[MapArray]) -> onnx.ModelProto:
    """The network with layers in 8-bit integers: static, one scale per channel, calibrated on tiles.

    Parameters
    ----------
    tiles : sequence of float32 array, shape (1, 3, H, W)
        What the network will see, 0..1: the range of every layer is the one that they reach.

    Notes
    -----
    The first and the last convolution, which see the picture and decide the maps, stay in floats: they are few of the
    weights, and errors elsewhere are averaged by what follows. Weights use 7 bits: on processors without VNNI the
    products of 8-bit ones overflow, and the same file would give other maps there.
    """
    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    # torch's exporter has already folded what ONNX Runtime asks to have folded first.
    add_pre_process_metadata(prepared)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_static(
            prepared,
            path,
            _Tiles(tiles),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=QUANTIZED,
            nodes_to_exclude=[convolutions[0], convolutions[-1]],
            per_channel=True,
            reduce_range=True,
            # Most layers end in a ReLU: unsigned numbers spend no bit on a sign.
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


class _Tiles(CalibrationDataReader):
    """Tiles in the form in which ONNX Runtime reads them."""

    def __init__(self, tiles: Sequence[MapArray]) -> None:
        self._tiles: Iterator[MapArray] = iter(tiles)

    def get_next(self) -> dict[str, MapArray] | None:
        tile = next(self._tiles, None)
        return None if tile is None else {INPUT: tile}
