"""The training loop: batches in, weights out; resumable after a kill."""

from __future__ import annotations

import copy
import hashlib
import io
import os
import pickle
import platform
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.console import Console
from rich.progress import track
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor
from torch.utils.data import DataLoader

from hairscan.errors import DataError, DeviceError, ModelError
from hairscan.files import cannot_read, json_bytes, write_files, writing_to
from hairscan.segment import load_model
from hairscan.segment.network import HairNet
from hairscan.training.curves import append_metrics, draw_curves
from hairscan.training.dataset import CropStream, load_photos, tune_crops
from hairscan.training.losses import map_loss
from hairscan.training.recipe import Recipe
from hairscan.training.vectors import Sample
from hairscan.version import __version__

WEIGHTS = "weights.safetensors"
"""File of a model folder with which a run can begin."""


def train_network(recipe: Recipe, samples: list[Sample], out: Path, device: str, start: Path | None = None) -> HairNet:
    """The trained network (running average of its weights), on the CPU and ready for use.

    Writes `config.yaml`, `env.json`, `checkpoint.pt`, `metrics.jsonl` and `curves.png` to `out`, and goes on from the
    checkpoint where there is one. `start` is a model folder whose weights a new run begins with, in place of random
    ones.

    Raises
    ------
    DataError
        Where the checkpoint is of another recipe or of other photographs, or began with another model, or a recipe that
        goes on from a trained model is given none.
    ModelError
        Where the weights of `start` are missing or of another shape, or the checkpoint is damaged.
    OutputError
        Where the folder cannot be written.
    """
    if (recipe.revised or recipe.keep_share) and start is None:
        raise DataError(f"{recipe.name} goes on from a trained model: give it with --from")
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "recipe": recipe.model_dump_json(),
        "begun": "" if start is None else hashlib.sha256(_weights_of(start)).hexdigest(),
        "photographs": _sha256_of(samples),
    }
    torch.manual_seed(recipe.seed)
    network = HairNet(recipe.widths)
    if start is not None:
        _load_weights(network, start)
    network = network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    parts = {"network": network, "average": average, "optimizer": optimizer, "schedule": schedule}
    first, spent = _resume(parts, about, out / "checkpoint.pt")
    if first >= recipe.steps:
        return _joined(average.cpu(), start, recipe)
    _describe(out, recipe, device, about["begun"])
    taught = [sample for sample in samples if sample.part == "train"] if recipe.phantom_share < 1.0 else []
    reviser = load_model(start, "cpu") if recipe.revised and start is not None else None
    console = Console(stderr=True)
    photos = load_photos(track(taught, "reading photographs", disable=not taught, console=console), recipe, reviser)
    tune = tune_crops(samples, recipe)
    stream = CropStream(photos, recipe, first * recipe.batch)
    workers = max(1, (os.cpu_count() or 2) // 2)
    loader = DataLoader(stream, recipe.batch, num_workers=workers, pin_memory=device == "cuda", prefetch_factor=4)
    started = time.perf_counter() - spent
    total = recipe.steps - first
    batches = track(loader, f"training {recipe.name}", total=total, console=console)
    for step, batch in enumerate(batches, start=first + 1):
        losses = _losses(network, batch, device)
        optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        _update_average(average, network, min(recipe.average_decay, step / (step + 10)))
        is_saved = step % recipe.checkpoint_every == 0 or step == recipe.steps
        seconds = round(time.perf_counter() - started, 1)
        if is_saved or step % 50 == 0:
            figures = {name: round(float(loss.detach()), 5) for name, loss in losses.items()}
            tuned = _tune_losses(average, tune, device) if is_saved else {}
            append_metrics(out, {"step": step, "seconds": seconds, **figures, **tuned})
        if is_saved:
            done = {"step": step, "seconds": seconds}
            _save(about | done | {name: part.state_dict() for name, part in parts.items()}, out / "checkpoint.pt")
            draw_curves(out)
    return _joined(average.cpu(), start, recipe)


def choose_device(name: str) -> str:
    """The device to train on: cpu or cuda; "auto" is cuda where there is one.

    Raises
    ------
    DeviceError
        Where the name is unknown, or there is no such device.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"unknown device {name!r}: use auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError("PyTorch finds no CUDA device: use --device cpu, or mend the driver")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


@lru_cache
def computes_in_half(device: str) -> bool:
    """Whether the device has instructions for bfloat16: a processor that imitates them takes three times as long."""
    if device != "cpu":
        return True
    # Older releases of PyTorch cannot tell.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(there for name, there in capabilities.items() if "bf16" in name)


def _losses(network: HairNet, batch: list[Tensor], device: str) -> dict[str, Tensor]:
    """Loss of each kind of map on one batch of crops."""
    image, target, weight = (part.to(device, non_blocking=True) for part in batch)
    # Half precision is a matter of speed: bfloat16 has the range of float32 and needs no loss scaling.
    with torch.autocast(device, dtype=torch.bfloat16, enabled=computes_in_half(device)):
        logits = network(image.contiguous(memory_format=torch.channels_last))
    return map_loss(logits.float(), target, weight)


@torch.no_grad()
def _tune_losses(average: HairNet, batches: list[list[Tensor]], device: str) -> dict[str, float]:
    """Mean losses of the averaged network on crops that are never trained on; none without such crops."""
    losses = [_losses(average, batch, device) for batch in batches]
    names = losses[0] if losses else ()
    return {f"tune_{name}": round(sum(float(loss[name]) for loss in losses) / len(losses), 5) for name in names}


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


def _joined(average: HairNet, start: Path | None, recipe: Recipe) -> HairNet:
    """The mean of a network and the one that its run began with, as the recipe shares it out."""
    if start is not None and recipe.keep_share:
        begun = copy.deepcopy(average)
        _load_weights(begun, start)
        _update_average(average, begun, 1.0 - recipe.keep_share)
    return average


def _weights_of(model: Path) -> bytes:
    """Content of the file of a model folder's weights."""
    path = model / WEIGHTS
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing: a run can only begin with a model that keeps its weights") from error
    except OSError as error:
        raise ModelError(cannot_read(path, error)) from error


def _load_weights(network: HairNet, model: Path) -> None:
    """Give the network the weights of a model folder."""
    weights, path = _weights_of(model), model / WEIGHTS
    try:
        network.load_state_dict(load(weights))
    except RuntimeError as error:
        raise ModelError(f"{path} has other layers: give the recipe the widths that it was trained with") from error
    except SafetensorError as error:
        raise ModelError(f"{path} is damaged: restore it") from error


def _describe(out: Path, recipe: Recipe, device: str, begun: str) -> None:
    """Write down what the run is made of."""
    env = {
        "hairscan": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "precision": "bfloat16" if computes_in_half(device) else "float32",
        "cores": os.cpu_count(),
        "begun_with_sha256": begun,
    }
    config = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    write_files({out / "config.yaml": config.encode(), out / "env.json": json_bytes(env)})


def _sha256_of(samples: list[Sample]) -> str:
    """Hash of all that a run learns from and is watched by; another validation part changes nothing."""
    digest = hashlib.sha256()
    for sample in samples:
        if sample.part in ("train", "tune"):
            facts = (sample.name, sample.part, sample.um_per_px, sample.kinds, sample.copy_of)
            digest.update(repr(facts).encode())
            digest.update(sample.vectors_px.tobytes())
            digest.update(sample.image.read_bytes())
    return digest.hexdigest()


def _save(state: dict[str, Any], path: Path) -> None:
    """Write the checkpoint whole or not at all."""
    payload = io.BytesIO()
    torch.save(state, payload)
    with writing_to(path.parent):
        write_files({path: payload.getvalue()})


def _resume(parts: dict[str, Any], about: dict[str, str], path: Path) -> tuple[int, float]:
    """Steps already done, and the seconds that they took; loads the checkpoint into `parts`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return 0, 0.0
    except OSError as error:
        raise ModelError(cannot_read(path, error)) from error
    try:
        saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path} is damaged: remove it to begin anew, or name another folder") from error
    if saved.get("recipe") != about["recipe"]:
        raise DataError(f"{path} is of a run with another recipe: give a new --out, or that recipe")
    if saved.get("begun") != about["begun"]:
        raise DataError(f"{path} is of a run that began with another model: give a new --out, or --from that model")
    if saved.get("photographs") != about["photographs"]:
        raise DataError(f"{path} is of a run on other photographs or labels: give a new --out")
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"]), float(saved["seconds"])
