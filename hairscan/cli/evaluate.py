"""``hairscan evaluate``: how good a model is, on annotated photographs and on phantoms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from hairscan.segment import Segmenter


def evaluate(
    data: Annotated[Path | None, typer.Option(help="Annotated photographs: tiles/, vectors.csv, fields.csv.")] = None,
    um_per_px: Annotated[float, typer.Option(help="Scale of the photographs whose fields.csv tells none.")] = 2.78,
    part: Annotated[str, typer.Option(help="Part of the split: validation or tune.")] = "validation",
    phantoms: Annotated[int, typer.Option(help="Phantoms of every kind.")] = 10,
    model: Annotated[str, typer.Option(help="Name or folder of the network.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Print how well found hairs agree with annotated and with true ones."""
    from rich.console import Console
    from rich.progress import Progress

    from hairscan.segment import load_model

    segmenter = load_model(model, device)
    figures: dict[str, object] = {"model": segmenter.name, "sha256": segmenter.sha256}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        if data is not None:
            figures[part] = _photos(data, segmenter, um_per_px, part, progress)
            figures["labelled_twice"] = _label_noise(data, um_per_px)
        figures["phantoms"] = _phantoms(phantoms, segmenter, progress)
    _print(figures, part)
    if out is not None:
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _photos(data: Path, segmenter: Segmenter, um_per_px: float, part: str, progress: Progress) -> dict[str, object]:
    """Figures on annotated photographs, each with its 95 % interval."""
    from hairscan.errors import DataError
    from hairscan.training.evaluate import bootstrap, evaluate_photos
    from hairscan.training.metrics import summarise
    from hairscan.training.vectors import read_samples

    samples = [sample for sample in read_samples(data, um_per_px=um_per_px) if sample.part == part]
    if not samples:
        raise DataError(f"no photographs of the part {part!r} in {data}: give validation, tune or train")
    task = progress.add_task(f"{len(samples)} photographs", total=len(samples))
    agreements = evaluate_photos(samples, segmenter, progress=lambda: progress.advance(task))
    intervals = bootstrap(agreements)
    return {
        name: {"value": value, "low": intervals[name][0], "high": intervals[name][1]}
        for name, value in summarise(agreements).items()
    }


def _label_noise(data: Path, um_per_px: float) -> dict[str, float]:
    """Figures of the labels against themselves; empty where nothing was labelled twice."""
    from hairscan.training.evaluate import label_noise
    from hairscan.training.metrics import summarise
    from hairscan.training.vectors import read_samples

    agreements = label_noise(read_samples(data, um_per_px=um_per_px))
    return summarise(agreements) if agreements else {}


def _phantoms(count: int, segmenter: Segmenter, progress: Progress) -> dict[str, dict[str, float]]:
    """Figures on phantoms, kind by kind."""
    from hairscan.phantom import KINDS
    from hairscan.training.evaluate import draw_phantom, evaluate_phantom, summarise_phantoms

    task = progress.add_task("phantoms", total=count * len(KINDS))
    figures = {}
    for kind in KINDS if count else ():
        agreements = []
        for index in range(count):
            agreements.append(evaluate_phantom(draw_phantom(kind, index), segmenter))
            progress.advance(task)
        figures[kind] = summarise_phantoms(agreements)
    return figures


def _print(figures: dict[str, object], part: str) -> None:
    """Print the figures as tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    photos = figures.get(part)
    if isinstance(photos, dict):
        table = Table(title=f"{figures['model']}: annotated photographs, {part}")
        for heading in ("figure", "value", "95 % interval over fields", "labels against themselves"):
            table.add_column(heading)
        twice = figures["labelled_twice"]
        for name, entry in photos.items():
            ceiling = f"{twice[name]:.3f}" if isinstance(twice, dict) and name in twice else ""
            table.add_row(name, f"{entry['value']:.3f}", f"{entry['low']:.3f} to {entry['high']:.3f}", ceiling)
        console.print(table)
    phantoms = figures["phantoms"]
    if isinstance(phantoms, dict) and phantoms:
        names = list(next(iter(phantoms.values())))
        table = Table(title=f"{figures['model']}: phantoms")
        for heading in ("kind", *names):
            table.add_column(heading)
        for kind, row in phantoms.items():
            table.add_row(kind, *(f"{row[name]:.3f}" for name in names))
        console.print(table)
