"""How a training run went: its metrics file, and a picture of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hairscan.files import write_files

MAPS = ("line", "ends", "coverage")


def append_metrics(run: Path, row: dict[str, Any]) -> None:
    """Add one row to `metrics.jsonl`."""
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Rows of `metrics.jsonl` by step; where a run was stopped and did steps again, their last row counts.

    A line that a kill has torn is passed over.
    """
    rows = {}
    for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows[row["step"]] = row
    return [rows[step] for step in sorted(rows)]


def draw_curves(run: Path) -> None:
    """Draw `curves.png` from `metrics.jsonl`: the loss of each kind of map, on training crops and on the tune part."""
    rows = read_metrics(run)
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    for panel, name in zip(figure.subplots(1, len(MAPS)), MAPS, strict=True):
        for key, label, style in (
            (name, "training crops", {"color": "0.65", "marker": ".", "linewidth": 1.0}),
            (f"tune_{name}", "tune part, averaged weights", {"color": "C0", "marker": "o", "markersize": 3.0}),
        ):
            points = [(row["step"], row[key]) for row in rows if key in row]
            if points:
                panel.plot(*zip(*points, strict=True), label=label, **style)
        panel.set(title=name, xlabel="step", ylabel="loss", yscale="log")
        panel.yaxis.set_major_formatter("{x:.2g}")
        panel.yaxis.set_minor_formatter("{x:.2g}")
        panel.grid(which="both", alpha=0.2)
        panel.legend()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    write_files({run / "curves.png": picture.getvalue()})
