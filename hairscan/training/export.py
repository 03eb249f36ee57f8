"""A trained network becomes a model folder."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime import InferenceSession
from safetensors.torch import save
from torch import Tensor, nn

from hairscan.errors import ModelError
from hairscan.files import json_bytes
from hairscan.segment.network import HairNet
from hairscan.segment.spec import INPUT, OUTPUT, ModelSpec, channel_names
from hairscan.training.recipe import Recipe

OPSET = 17
UNFITTED_WEIGHTS = (0.0, 1.0, 1.0, 1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Confidence until it is fitted: evidence along a shaft and at its ends counts alike, one seen twice less."""
TOLERANCE = 1e-3
"""Largest difference between torch and ONNX Runtime that is let pass, on maps in 0..1."""


class _Maps(nn.Module):
    """The network with its logits brought to 0..1: what a model file computes."""

    def __init__(self, network: HairNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image).sigmoid()


def export_model(network: HairNet, recipe: Recipe, folder: Path, *, version: str) -> ModelSpec:
    """Write `model.onnx`, `weights.safetensors` and `spec.json`, checked against each other.

    Raises
    ------
    ModelError
        Where ONNX Runtime computes other maps than torch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = network.eval()
    payload = _onnx_bytes(network)
    example = torch.from_numpy(np.random.default_rng(0).random((1, 3, 96, 160), np.float32))
    with torch.no_grad():
        expected = _Maps(network)(example).numpy()
    got = InferenceSession(payload, providers=["CPUExecutionProvider"]).run([OUTPUT], {INPUT: example.numpy()})[0]
    difference = float(np.abs(np.asarray(got) - expected).max())
    if difference > TOLERANCE:
        raise ModelError(f"the exported model differs from the network by {difference:.2g}: do not use it")
    (folder / "model.onnx").write_bytes(payload)
    # The training loop keeps its weights channels-last.
    weights = save({name: value.contiguous() for name, value in network.state_dict().items()})
    (folder / "weights.safetensors").write_bytes(weights)
    spec = ModelSpec(
        name=recipe.name,
        version=version,
        um_per_px=recipe.um_per_px,
        multiple=network.multiple,
        channels=channel_names(),
        confidence_weights=UNFITTED_WEIGHTS,
        hair_threshold=0.5,
        sha256=hashlib.sha256(payload).hexdigest(),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
    )
    (folder / "spec.json").write_bytes(json_bytes(spec))
    return spec


def _onnx_bytes(network: HairNet) -> bytes:
    """The network as ONNX with free height and width."""
    buffer = io.BytesIO()
    axes = {INPUT: {0: "batch", 2: "height", 3: "width"}, OUTPUT: {0: "batch", 2: "rows", 3: "columns"}}
    example = torch.zeros(1, 3, 64, 96)
    torch.onnx.export(
        _Maps(network).eval(),
        (example,),
        buffer,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()
