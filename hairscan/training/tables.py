"""The figures of an evaluation as a file, and as tables of text for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from pydantic import Field

from hairscan.files import Record
from hairscan.training.bootstrap import Figure

_WORDS = {
    "f1": ("F1", ".3f"),
    "precision": ("precision", ".3f"),
    "recall": ("recall", ".3f"),
    "bias": ("count bias", "+.1%"),
    "field_count_error": ("count error per field", ".1%"),
    "tile_count_error": ("count error per tile", ".1%"),
    "ccc": ("concordance (CCC) per field", ".3f"),
    "root_error_um": ("root error, median, µm", ".1f"),
    "tip_error_um": ("tip error, median, µm", ".1f"),
    "angle_error_deg": ("angle error, median, °", ".1f"),
    "direction_wrong": ("direction wrong", ".1%"),
    "root_f1": ("root F1", ".3f"),
    "count_error": ("count error per phantom", ".1%"),
    "mean_width_error_um": ("mean width error, µm", "+.1f"),
    "mean_width_abs_error_um": ("the same without its sign, µm", ".1f"),
    "width_within": ("true widths within 1.96 standard errors", ".0%"),
    "dice": ("Dice", ".3f"),
    "cldice": ("centre-line Dice", ".3f"),
}
_METHODS = {
    "labelled_twice": "labels against themselves",
    "ridge_filter": "Sato + Otsu + components",
    "median_count": "always the median count",
}
_JUDGED = (
    "A hair is found when its midpoint lies within 111 µm of an annotated one. Hairs within 111 µm of the border, "
    "hairs that grow under burnt-in graphics or glare, and hairs marked abnormal are not judged. "
    "A ridge component has no root: its ends are taken in the order that fits, its direction stays empty."
)


class Column(Record):
    """One column of a table: how much was judged, and the figures."""

    sizes: dict[str, int]
    figures: dict[str, Figure]


class Evaluation(Record):
    """Everything that `hairscan evaluate` measured; what was not asked for is empty.

    Attributes
    ----------
    part : str
        Part of the split that the photographs are of; empty without photographs.
    photos, phantoms, masks : dict of str to Column
        By method (``model``, ``labelled_twice``, ``ridge_filter``, ``median_count``), by kind, and by method.
    """

    hairscan_version: str
    model: str
    sha256: str
    device: str
    command: str
    part: str = ""
    photos: dict[str, Column] = Field({})
    phantoms: dict[str, Column] = Field({})
    masks: dict[str, Column] = Field({})


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text; the first cell of a row is its heading."""

    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(evaluation: Evaluation) -> list[Table]:
    """The tables of an evaluation, those of which nothing was measured left out."""
    methods = {"model": evaluation.model, **_METHODS}
    tables = [
        _table(
            f"Annotated photographs, {evaluation.part} part; 95 % intervals over fields", _JUDGED, evaluation.photos
        ),
        _table(
            "Phantoms by kind; 95 % intervals over phantoms",
            "Rendered scenes of known truth. A hair is found when its root lies within 111 µm of a true one.",
            evaluation.phantoms,
        ),
        _table(
            "Hand-traced masks; 95 % intervals over pictures",
            "Pixels that are at least half covered, at the scale that is taken where none is known.",
            evaluation.masks,
        ),
    ]
    return [
        Table(table.title, table.note, tuple(methods.get(name, name) for name in table.headings), table.rows)
        for table in tables
        if table.rows
    ]


def words_of(name: str) -> tuple[str, str]:
    """Words for a figure, and its number format."""
    if name in _WORDS:
        return _WORDS[name]
    if name.startswith("recall_"):
        return f"recall of {name.removeprefix('recall_')} hairs", ".3f"
    return f"mean width of {name.removeprefix('width_').removesuffix('_um')} hairs, µm", ".1f"


def figure_text(figure: Figure | None, form: str) -> str:
    """A figure and, on a line below, its interval; empty where it cannot be told."""
    if figure is None or not isfinite(figure.value):
        return ""
    interval = f"\n{figure.low:{form}} to {figure.high:{form}}" if isfinite(figure.low) else ""
    return f"{figure.value:{form}}{interval}"


def _table(title: str, note: str, columns: Mapping[str, Column]) -> Table:
    """A row for every size and every figure of the first column, a column for every method or kind."""
    if not columns:
        return Table(title, note, (), ())
    first = next(iter(columns.values()))
    sizes = [(name, *(f"{column.sizes.get(name, '')}" for column in columns.values())) for name in first.sizes]
    figures = []
    for name in first.figures:
        words, form = words_of(name)
        figures.append((words, *(figure_text(column.figures.get(name), form) for column in columns.values())))
    return Table(title, note, ("figure", *columns), (*sizes, *figures))
