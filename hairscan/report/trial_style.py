"""How the figures of a trial look, and the bytes of their files: the same for the same trial on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT, GRID = "#1a1a1a", "#6a6a6a", "#dddddd"
_CONTROL = ("#4d4d4d", "o")
_TREATMENTS = (
    ("#0072b2", "s"),
    ("#d55e00", "^"),
    ("#009e73", "D"),
    ("#cc79a7", "v"),
    ("#e69f00", "P"),
    ("#56b4e9", "X"),
)
"""Colours of Okabe and Ito, which the colour-blind tell apart; each has a marker of its own as well."""

NARROW_IN = 4.8
"""Width of a figure that can be read on a phone without moving it."""

_PNG_DPI = 200
_FILE_SETTINGS = {"svg.hashsalt": "hairscan", "svg.fonttype": "none"}


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """Colour and marker of an arm, the same in every figure."""

    colour: str
    marker: str


def arm_styles(control: str | None, treatments: Sequence[str]) -> dict[str, ArmStyle]:
    """A style for every arm: the control grey, the treatments in colours."""
    styles = {} if control is None else {control: ArmStyle(*_CONTROL)}
    return styles | {arm: ArmStyle(*_TREATMENTS[i % len(_TREATMENTS)]) for i, arm in enumerate(treatments)}


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure that makes room for its labels by itself."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def tidy(axes: Axes, *, grid: Literal["x", "y"] | None = None) -> None:
    """Take away the box around the axes, and draw faint lines at the ticks of one."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    if grid is not None:
        axes.grid(axis=grid, color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)


def figure_bytes(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """The figure as a file: without the time at which it was made, names inside the SVG not drawn by lot."""
    file = BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    with matplotlib.rc_context(_FILE_SETTINGS):
        figure.savefig(file, format=form, dpi=_PNG_DPI, metadata=metadata)
    return file.getvalue()
