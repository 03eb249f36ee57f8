"""The report of a trial: one HTML page that needs nothing beside it, and its figures as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from hairscan.files import write_files, writing_to
from hairscan.report.embed import page_style, svg_uri
from hairscan.report.trial_figures import Drawing, draw_trial
from hairscan.report.trial_matched import matched_change_table
from hairscan.report.trial_photos import FlaggedPhoto, flagged_photos
from hairscan.report.trial_style import NARROW_IN, figure_bytes
from hairscan.report.trial_summary import (
    INSTRUMENT,
    other_effects,
    primary_effects,
    responder_rule,
    summary_sentences,
)
from hairscan.report.trial_tables import (
    PageTable,
    agreement_table,
    describe_table,
    effect_sizes_table,
    effects_table,
    flow_table,
    in_order,
    literature_page_table,
    pairs_table,
    plain_table,
    reliability_table,
    responders_table,
    sample_size_table,
)
from hairscan.report.trial_words import capital, words_of
from hairscan.trial.mmrm import METHOD as PRIMARY_METHOD
from hairscan.trial.observations import of_design

if TYPE_CHECKING:
    from hairscan.trial.analysis import TrialResult

_TEMPLATE = "trial_page.html.j2"
_COUNT = "hair_count"
_COUNT_WORDS = (
    "The count is that of the counted area of one photograph (the mean of several), and says something only together "
    "with that area, which stands beside it."
)
_MOST_EXCLUSIONS, _MOST_WARNINGS, _MOST_PHOTOS = 60, 60, 200


@dataclass(frozen=True, slots=True)
class _Picture:
    """A figure as the page shows it."""

    caption: str
    alt: str
    uri: str
    is_narrow: bool


def write_report(result: TrialResult, folder: Path, *, run: Path | None = None) -> Path:
    """Write report.html and figures/*.svg and *.png, and return the path of the page.

    Parameters
    ----------
    run : Path, optional
        Run folder of the photographs: the overlays of the flagged ones are shown where it has them.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    drawings = draw_trial(result)
    svgs = {drawing.name: figure_bytes(drawing.figure, "svg") for drawing in drawings}
    files = {folder / "figures" / f"{name}.svg": svg for name, svg in svgs.items()}
    files |= {folder / "figures" / f"{d.name}.png": figure_bytes(d.figure, "png") for d in drawings}
    page = folder / "report.html"
    files[page] = render_report(result, drawings, svgs, flagged_photos(result, run)).encode()
    with writing_to(folder):
        write_files(files)
    return page


def render_report(
    result: TrialResult, drawings: Sequence[Drawing], svgs: Mapping[str, bytes], photos: Sequence[FlaggedPhoto]
) -> str:
    """The page as text.

    Parameters
    ----------
    drawings, svgs
        The figures, and the bytes of each by its name.
    photos
        The flagged photographs to show.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hairscan", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = [
        (d, _Picture(d.caption, d.alt, svg_uri(svgs[d.name]), d.figure.get_figwidth() <= NARROW_IN)) for d in drawings
    ]
    page: str = environment.get_template(_TEMPLATE).render(
        style=page_style(),
        design=result.design,
        instrument=INSTRUMENT,
        summary=summary_sentences(result),
        methods=result.methods,
        consort=_consort(result),
        figures={
            section: [picture for drawing, picture in pictures if drawing.section == section]
            for section in ("flow", "effects", "responders", "literature", "reliability")
        },
        endpoints=[_endpoint(result, name, pictures) for name in _described(result)],
        tables=_tables(result),
        is_matched="matched_change" in result.tables,
        photos=photos,
    )
    return page


def _described(result: TrialResult) -> tuple[str, ...]:
    """The endpoints whose description stands on the page: those of the design, and the count where it was measured."""
    counted = {_COUNT} & set(result.tables["describe"]["endpoint"]) - set(result.design.endpoints)
    return (*result.design.endpoints, *counted)


def _endpoint(result: TrialResult, endpoint: str, pictures: Sequence[tuple[Drawing, _Picture]]) -> dict[str, Any]:
    """What the page says of one endpoint."""
    return {
        "name": capital(words_of(endpoint).label),
        "pictures": [p for drawing, p in pictures if drawing.section == "endpoint" and drawing.endpoint == endpoint],
        "table": describe_table(
            in_order(result.tables["describe"], (), result.design.arms), endpoint, f"{result.design.level} CI"
        ),
        "note": _COUNT_WORDS if endpoint == _COUNT else "",
    }


def _consort(result: TrialResult) -> list[tuple[str, str]]:
    """What a reader must know by CONSORT-AI, then every other fact."""
    facts = dict(result.facts)
    software = [name for name in facts if name.startswith(("hairscan", "model", "sha256 of the model"))]
    told = {
        "Version of the software and the model (5i)": "\n".join(f"{name}: {facts.pop(name)}" for name in software),
        "Photographs that are taken (4a-ii)": _input_words(result),
        "Poor photographs (5iii)": facts.pop("poor photographs", ""),
        "Human part (5iv)": f"Corrections by hand: {facts.pop('human corrections', 'none recorded')}.",
        "Error analysis (19)": "Flagged photographs, failures, warnings and repeated measurements are listed below.",
    }
    return [(name, value) for name, value in {**told, **facts}.items() if value]


def _input_words(result: TrialResult) -> str:
    """Which photographs were given, as far as the run tells."""
    photos = result.data.photos
    scales = photos["um_per_px"].dropna()
    devices = sorted({str(device) for device in photos.get("device", ()) if device})
    told = "Close-up photographs of the scalp"
    if len(scales):
        low, high = scales.min(), scales.max()
        told += f", {low:.3g} µm per px" if low == high else f", {low:.3g} to {high:.3g} µm per px"
    return told + (f", devices: {', '.join(devices)}." if devices else ".")


def _tables(result: TrialResult) -> dict[str, PageTable | None]:
    """The tables of the page by name; None where there is nothing to tell."""
    design, tables = result.design, result.tables
    effects = _in_order(result, "effects")
    rest = other_effects(effects)
    sensitivity = _full(_in_order(result, "sensitivity"))
    ci = f"{design.level} CI"
    of_pairs = design.layout == "split-scalp"
    noun = "pairs" if of_pairs else "subjects per arm"

    def at_primary(table: Any) -> Any:
        return table[table["visit"] == design.primary_visit]

    made: dict[str, tuple[Any, Any]] = {
        "flow": (tables["flow"], flow_table),
        "exclusions": (tables["exclusions"], lambda t: _plain(t, "Left out, and why", _MOST_EXCLUSIONS, "exclusions")),
        "pairs": (_in_order(result, "pairs"), lambda t: pairs_table(t, ci)),
        "effects": (primary_effects(effects), lambda t: _effects(t, f"Primary analysis ({PRIMARY_METHOD})", ci)),
        "other_effects": (
            at_primary(rest),
            lambda t: effects_table(t, "Other analyses, primary visit", ci, with_method=True),
        ),
        "sensitivity": (
            at_primary(sensitivity),
            lambda t: effects_table(t, "Sensitivity to missing visits, primary visit", ci, with_method=True),
        ),
        "matched_change": (tables.get("matched_change", ()), lambda t: matched_change_table(t, ci)),
        "matched_effects": (
            _in_order(result, "matched_effects"),
            lambda t: _effects(t.drop(columns="p_adjusted"), f"Change of matched hairs ({PRIMARY_METHOD})", ci),
        ),
        "effect_sizes": (
            _full(_in_order(result, "effect_sizes")),
            lambda t: effect_sizes_table(t, ci, of_pairs=of_pairs),
        ),
        "responders": (
            _full(_in_order(result, "responders")),
            lambda t: responders_table(t, responder_rule(design, t), ci),
        ),
        "reliability": (_in_order(result, "reliability"), lambda t: reliability_table(t, ci)),
        "agreement": (_in_order(result, "bland_altman"), lambda t: agreement_table(t, ci)),
        "sample_size": (at_primary(_in_order(result, "sample_size")), lambda t: sample_size_table(t, noun)),
        "literature": (tables["literature"], literature_page_table),
        "warnings": (tables["warnings"], lambda t: _plain(t, "Warnings", _MOST_WARNINGS, "warnings")),
        "failures": (result.data.failures, lambda t: _plain(t, "Not measured at all", _MOST_PHOTOS, "failures")),
        "flagged_photos": (
            tables["flagged_photos"].drop(columns="flags"),
            lambda t: _plain(t, "Photographs with flags", _MOST_PHOTOS, "flagged_photos"),
        ),
    }
    return {name: make(table) if len(table) else None for name, (table, make) in made.items()}


def _in_order(result: TrialResult, name: str) -> Any:
    """The rows of the design's endpoints, where the trial has such a table; the others are in the CSV only."""
    if name not in result.tables:
        return ()
    return in_order(of_design(result.tables[name], result.design), result.design.endpoints, result.design.arms)


def _plain(table: Any, caption: str, limit: int, file: str) -> PageTable:
    return plain_table(table, caption, limit=limit, file=f"tables/{file}.csv")


def _effects(table: Any, caption: str, ci: str) -> PageTable:
    return effects_table(table, caption, ci, with_method=False)


def _full(table: Any) -> Any:
    return table[table["set"] == "full"]
