"""An evaluation as one HTML page that needs nothing beside it: tables, counts against counts, the worst pictures."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, tostring

from hairscan.report.embed import page_style, photo_uri
from hairscan.training.markup import put
from hairscan.training.scatter import draw_scatter
from hairscan.training.tables import Evaluation, Table, tables_of
from hairscan.training.worst import ErrorPicture

_STYLE = """
.pair { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.5rem 0; break-inside: avoid; }
.pair figcaption { flex-basis: 100%; }
.pair div { flex: 1 1 20rem; }
.pair img { width: 100%; height: auto; display: block; }
svg { max-width: 34rem; width: 100%; height: auto; }
@media print { .pair div { flex-basis: 45%; } }
"""
_PHOTOGRAPHS = (
    "This page shows photographs of the data set that was evaluated. Do not pass it on, unless the terms of that data "
    "set allow to show its photographs."
)
_KEY = (
    "Left what is annotated, right what was found. Green: annotated and found. Red with a cross: missed (left), or "
    "found where nothing is annotated (right). Grey: not judged. A dot marks the root."
)


def render_page(
    evaluation: Evaluation,
    counts: Sequence[tuple[float, float]],
    photos: Sequence[ErrorPicture],
    phantoms: Sequence[ErrorPicture],
) -> str:
    """The page as text.

    Parameters
    ----------
    counts : sequence of (float, float)
        Annotated and found hairs of every field.
    photos, phantoms : sequences of ErrorPicture
        The worst ones, in the order of the page.
    """
    html = Element("html", lang="en")
    title = f"hairscan evaluate: {evaluation.model}"
    _put_head(html, title)
    main = put(put(html, "body"), "main")
    put(main, "h1", title)
    if photos:
        put(main, "p", _PHOTOGRAPHS, **{"class": "note"})
    _put_facts(main, evaluation)
    put(main, "h2", "Figures")
    for table in tables_of(evaluation):
        _put_table(main, table)
    if counts:
        put(main, "h2", "Count of every field")
        main.append(draw_scatter(counts))
    _put_pictures(main, f"The {len(photos)} worst photographs", "photograph", photos)
    _put_pictures(main, "The worst phantom of every kind", "phantom", phantoms)
    return "<!DOCTYPE html>\n" + tostring(html, encoding="unicode", method="html") + "\n"


def _put_head(html: Element, title: str) -> None:
    head = put(html, "head")
    put(head, "meta", charset="utf-8")
    put(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    put(head, "title", title)
    put(head, "style", page_style() + _STYLE)


def _put_facts(main: Element, evaluation: Evaluation) -> None:
    """What was evaluated, by what, and how to do it again."""
    table = put(main, "table", **{"class": "facts"})
    for name, value in (
        ("model", evaluation.model),
        ("sha256 of its weights", evaluation.sha256),
        ("hairscan", evaluation.hairscan_version),
        ("device", evaluation.device),
        ("command", evaluation.command),
    ):
        row = put(table, "tr")
        put(row, "th", name, scope="row")
        put(row, "td", value)


def _put_table(main: Element, table: Table) -> None:
    element = put(put(main, "div", **{"class": "wide"}), "table")
    put(element, "caption", table.title)
    heading = put(put(element, "thead"), "tr")
    for cell in table.headings:
        put(heading, "th", cell, scope="col")
    body = put(element, "tbody")
    for first, *cells in table.rows:
        row = put(body, "tr")
        put(row, "th", first, scope="row")
        for cell in cells:
            put(row, "td", cell)
    put(main, "p", table.note)


def _put_pictures(main: Element, title: str, word: str, pictures: Sequence[ErrorPicture]) -> None:
    """A section of pictures side by side; nothing where there is none."""
    if not pictures:
        return
    put(main, "h2", title)
    put(main, "p", _KEY)
    for picture in pictures:
        said = (
            f"{picture.name}: {picture.labelled} annotated, {picture.found} found; "
            f"{picture.missed} missed, {picture.wrong} wrong"
        )
        figure = put(main, "figure", **{"class": "pair"})
        put(figure, "figcaption", said)
        for side, rgb in (("annotated", picture.labels_rgb), ("found", picture.result_rgb)):
            alt = f"{word} {picture.name} with the {side} hairs"
            size = {"width": str(rgb.shape[1]), "height": str(rgb.shape[0])}
            put(put(figure, "div"), "img", src=photo_uri(rgb), alt=alt, **size)
