"""The flow of subjects and photographs through a trial, as a diagram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hairscan.report.trial_style import FAINT, INK, ArmStyle, new_figure

_LOST = ("failed", "excluded", "without", "left out")
"""Words of the items that leave the flow."""

_COLUMN_IN, _BOX_IN, _INDENT_IN, _STEM_IN = 3.0, 2.85, 0.4, 0.2
_LINE_IN, _PAD_IN, _GAP_IN, _TITLE_IN = 0.19, 0.07, 0.22, 0.4
_LETTERS, _LOSS_LETTERS = 40, 34


@dataclass(frozen=True, slots=True)
class _Box:
    """Lines that stand in one box; dashed where they say who left."""

    lines: tuple[str, ...]
    is_loss: bool

    @property
    def height_in(self) -> float:
        """Room the lines need."""
        return _LINE_IN * len(self.lines) + 2 * _PAD_IN


def draw_flow(flow: pd.DataFrame, styles: Mapping[str, ArmStyle]) -> Figure:
    """A column for every arm: from the manifest down to the analysis sets, and what was lost on the way.

    Parameters
    ----------
    flow : DataFrame
        arm, item, visit, n: the items of an arm in the order of the walk. An empty arm is not known.
    """
    columns = {arm: list(_boxes(lines)) for arm, lines in flow.groupby("arm", sort=False)}
    height = max(sum(box.height_in + _GAP_IN for box in boxes) for boxes in columns.values())
    figure = new_figure(_COLUMN_IN * len(columns), height + _TITLE_IN)
    all_axes = figure.subplots(1, len(columns), squeeze=False).ravel()
    for axes, (arm, boxes) in zip(all_axes, columns.items(), strict=True):
        axes.set_axis_off()
        axes.set_xlim(0, _COLUMN_IN)
        axes.set_ylim(height, 0)
        style = styles.get(str(arm))
        axes.set_title(str(arm) or "arm not known", fontsize=11, weight="bold", color=style.colour if style else INK)
        _draw_column(axes, boxes)
    return figure


def _boxes(items: pd.DataFrame) -> Iterator[_Box]:
    """Neighbouring items of the same sort share a box."""
    losses = items["item"].map(lambda item: any(word in item for word in _LOST))
    for _, together in items.groupby((losses != losses.shift()).cumsum(), sort=False):
        is_loss = bool(losses[together.index[0]])
        texts = map(_text, together.to_dict("records"))
        letters = _LOSS_LETTERS if is_loss else _LETTERS
        lines = [line for text in texts for line in wrap(text, letters, break_on_hyphens=False)]
        yield _Box(tuple(lines), is_loss)


def _text(row: Mapping[Any, Any]) -> str:
    """Item and number; the visit where the item has one."""
    return f"{row['item']}{' ' * bool(row['visit'])}{row['visit']}: {row['n']}"


def _draw_column(axes: Axes, boxes: list[_Box]) -> None:
    """Boxes from top to bottom: an arrow down the left edge, and one to the right for who left."""
    top, above = 0.0, None
    for box in boxes:
        left, bottom = (_INDENT_IN if box.is_loss else 0.0), top + box.height_in
        _draw_box(axes, box, left, top)
        if box.is_loss:
            _draw_arrow(axes, (_STEM_IN, (top + bottom) / 2), (left, (top + bottom) / 2))
        else:
            if above is not None:
                _draw_arrow(axes, (_STEM_IN, above), (_STEM_IN, top))
            above = bottom
        top = bottom + _GAP_IN


def _draw_box(axes: Axes, box: _Box, left: float, top: float) -> None:
    """The box with its lines."""
    colour = FAINT if box.is_loss else INK
    line = "--" if box.is_loss else "-"
    width = _BOX_IN - left
    axes.add_patch(Rectangle((left, top), width, box.height_in, fill=False, edgecolor=colour, linestyle=line))
    for place, text in enumerate(box.lines):
        middle = top + _PAD_IN + _LINE_IN * (place + 0.5)
        axes.text(left + 0.08, middle, text, fontsize=8.5, verticalalignment="center", color=colour)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A thin arrow between two places."""
    style = {"arrowstyle": "-|>", "color": FAINT, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=style)
