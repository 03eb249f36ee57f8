"""Everything that is measured about comparing visits: on real photographs, on phantoms, and on growing ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hairscan.files import Record
from hairscan.segment import Segmenter
from hairscan.training.evaluate_visits import (
    PAIRS_PER_FIELD,
    VisitFigures,
    evaluate_visits,
    summarise_visits,
    visit_table,
)
from hairscan.training.growth_pairs import GrowthFigures, evaluate_growth, growth_table, summarise_growth
from hairscan.training.phantom_pairs import (
    PhantomVisitFigures,
    evaluate_phantom_visits,
    phantom_visit_table,
    summarise_phantom_visits,
)
from hairscan.training.tables import Table
from hairscan.training.vectors import Sample

_VISITS_PER_PHANTOM = 4
_GROWTHS_PER_PHANTOM = 6


class VisitEvaluation(Record):
    """Figures of one model on pairs of visits; None where there were no such pairs."""

    photographs: VisitFigures | None
    phantoms: PhantomVisitFigures | None
    growth: GrowthFigures | None


def evaluate_all_visits(
    fields: Sequence[Sequence[Sample]],
    phantoms: int,
    segmenter: Segmenter,
    *,
    part: str,
    bar: Callable[[str, int], Callable[[], None]],
) -> VisitEvaluation:
    """Figures on pairs drawn from the fields, and on several pairs for every one of `phantoms`.

    Parameters
    ----------
    bar : callable
        Told the name and number of pairs, gives what is called as each is done.
    """
    bars = (
        bar("pairs of visits", PAIRS_PER_FIELD * len(fields)),
        bar("pairs of phantoms", _VISITS_PER_PHANTOM * phantoms),
        bar("growing phantoms", _GROWTHS_PER_PHANTOM * phantoms),
    )
    real = evaluate_visits(fields, segmenter, progress=bars[0])
    rendered = evaluate_phantom_visits(_VISITS_PER_PHANTOM * phantoms, segmenter, progress=bars[1])
    grown = evaluate_growth(_GROWTHS_PER_PHANTOM * phantoms, segmenter, progress=bars[2])
    name = segmenter.name
    return VisitEvaluation(
        photographs=summarise_visits(real, model=name, part=part, fields=len(fields)) if real else None,
        phantoms=summarise_phantom_visits(rendered, model=name) if rendered else None,
        growth=summarise_growth(grown, model=name) if grown else None,
    )


def visit_tables(evaluation: VisitEvaluation) -> list[Table]:
    """The figures as tables of text."""
    tables = []
    if evaluation.photographs is not None:
        tables.append(visit_table(evaluation.photographs))
    if evaluation.phantoms is not None:
        tables.append(phantom_visit_table(evaluation.phantoms))
    if evaluation.growth is not None:
        tables.append(growth_table(evaluation.growth))
    return tables
