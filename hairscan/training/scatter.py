"""Found against annotated counts, as a drawing inside a page."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np

from hairscan.training.markup import put

_SIDE, _LEFT, _BELOW, _MARGIN = 400.0, 56.0, 48.0, 12.0
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_TICKS = 6


def draw_scatter(counts: Sequence[tuple[float, float]]) -> Element:
    """An SVG element: a dot for every field, annotated hairs to the right, found hairs upwards, and where both agree.

    Parameters
    ----------
    counts : sequence of (float, float)
        Annotated and found hairs of every field.
    """
    highest = max(1.0, *(max(pair) for pair in counts))
    step = next((step for step in _STEPS if highest / step <= _MOST_TICKS), _STEPS[-1])
    top = step * np.ceil(highest / step)
    width, height = _LEFT + _SIDE + _MARGIN, _MARGIN + _SIDE + _BELOW
    svg = Element("svg", viewBox=f"0 0 {width:g} {height:g}", role="img")
    svg.set("font-family", "system-ui, sans-serif")
    svg.set("font-size", "13")
    put(svg, "title", f"Found against annotated hairs of {len(counts)} fields; on the line both are equal")

    def x_of(count: float) -> float:
        return round(_LEFT + _SIDE * count / top, 1)

    def y_of(count: float) -> float:
        return round(_MARGIN + _SIDE * (1 - count / top), 1)

    for tick in np.arange(0, top + step, step):
        _put_line(svg, x_of(0), y_of(tick), x_of(top), y_of(tick), "#ddd")
        _put_line(svg, x_of(tick), y_of(0), x_of(tick), y_of(top), "#ddd")
        _put_text(svg, x_of(tick), y_of(0) + 18, f"{tick:g}", "middle")
        _put_text(svg, x_of(0) - 8, y_of(tick) + 4, f"{tick:g}", "end")
    _put_line(svg, x_of(0), y_of(0), x_of(top), y_of(top), "#555")
    _put_text(svg, x_of(top / 2), height - 8, "annotated hairs of the field", "middle")
    label = _put_text(svg, 14, y_of(top / 2), "found", "middle")
    label.set("transform", f"rotate(-90 14 {y_of(top / 2)})")
    for labelled, found in counts:
        dot = put(svg, "circle", cx=f"{x_of(labelled)}", cy=f"{y_of(found)}", r="4", fill="#0072b2")
        dot.set("fill-opacity", "0.7")
    return svg


def _put_line(svg: Element, x1: float, y1: float, x2: float, y2: float, stroke: str) -> None:
    put(svg, "line", x1=f"{x1}", y1=f"{y1}", x2=f"{x2}", y2=f"{y2}", stroke=stroke)


def _put_text(svg: Element, x: float, y: float, text: str, anchor: str) -> Element:
    element = put(svg, "text", text, x=f"{x}", y=f"{y}", fill="#1a1a1a")
    element.set("text-anchor", anchor)
    return element
