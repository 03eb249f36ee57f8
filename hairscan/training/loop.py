"""The training loop: batches in, weights out; resumable after a kill."""

from __future__ import annotations

import copy
import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from hairscan.segment.network import HairNet
from hairscan.training.dataset import CropStream, load_photos
from hairscan.training.losses import map_loss
from hairscan.training.recipe import Recipe
from hairscan.training.vectors import Sample


def train_network(recipe: Recipe, samples: list[Sample], out: Path, device: str, start: Path | None = None) -> HairNet:
    """The trained network (running average of its weights), on the CPU and ready for use.

    Writes `checkpoint.pt` and `metrics.jsonl` to `out`, and goes on from the checkpoint where there is one. `start` is
    a model folder whose weights a new run begins with, in place of random ones.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = HairNet(recipe.widths)
    if start is not None:
        network.load_state_dict(load_file(start / "weights.safetensors"))
    network = network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    parts = {"network": network, "average": average, "optimizer": optimizer, "schedule": schedule}
    first = _resume(parts, out / "checkpoint.pt")
    if first >= recipe.steps:
        return average.cpu()
    photos = load_photos([s for s in samples if s.part == "train"], recipe) if recipe.phantom_share < 1.0 else []
    stream = CropStream(photos, recipe, first * recipe.batch)
    workers = max(1, (os.cpu_count() or 2) // 2)
    loader = DataLoader(stream, recipe.batch, num_workers=workers, pin_memory=device == "cuda", prefetch_factor=4)
    started = time.perf_counter()
    total = recipe.steps - first
    for step, batch in enumerate(track(loader, f"training {recipe.name}", total=total), start=first + 1):
        image, target, weight = (part.to(device, non_blocking=True) for part in batch)
        # Half precision is a matter of speed: bfloat16 has the range of float32 and needs no loss scaling.
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = network(image.contiguous(memory_format=torch.channels_last))
        losses = map_loss(logits.float(), target, weight)
        optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        _update_average(average, network, min(recipe.average_decay, step / (step + 10)))
        if step % 50 == 0 or step == recipe.steps:
            seconds = round(time.perf_counter() - started, 1)
            figures = {name: round(float(loss.detach()), 5) for name, loss in losses.items()}
            _append(out / "metrics.jsonl", {"step": step, "seconds": seconds, **figures})
        if step % recipe.checkpoint_every == 0 or step == recipe.steps:
            _save(parts, step, out / "checkpoint.pt")
    return average.cpu()


def _rate(step: int, recipe: Recipe) -> float:
    """Share of the learning rate: warm-up, plateau, linear decay to zero."""
    decay_steps = max(1.0, recipe.decay_share * recipe.steps)
    return min((step + 1) / recipe.warmup_steps, 1.0, max(0.0, (recipe.steps - step) / decay_steps))


@torch.no_grad()
def _update_average(average: HairNet, network: HairNet, decay: float) -> None:
    """Move the running average towards the network; statistics of the normalisation too."""
    ours, theirs = average.state_dict(), network.state_dict()
    for name, value in ours.items():
        if value.dtype.is_floating_point:
            value.lerp_(theirs[name], 1.0 - decay)
        else:
            value.copy_(theirs[name])


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _save(parts: dict[str, Any], step: int, path: Path) -> None:
    """Write the checkpoint whole or not at all."""
    partial = path.with_suffix(".part")
    torch.save({"step": step, **{name: part.state_dict() for name, part in parts.items()}}, partial)
    partial.replace(path)


def _resume(parts: dict[str, Any], path: Path) -> int:
    """Steps already done; loads the checkpoint into `parts`."""
    if not path.exists():
        return 0
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])
