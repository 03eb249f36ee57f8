"""``hairscan data``: annotated photographs become a folder to train and evaluate with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hairscan.cli.number import number

if TYPE_CHECKING:
    from hairscan.training.vectors import Sample

app = typer.Typer(help="Prepare annotated photographs.", no_args_is_help=True)


@app.callback()
def data() -> None:
    """Prepare annotated photographs."""


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Annotation file (.json), or the folder of all of them.")],
    layout: Annotated[Literal["labelme", "coco"], typer.Option("--format", help="What wrote the annotations.")],
    um_per_px: Annotated[float, typer.Option(parser=number, help="Scale of the photographs, micrometres per pixel.")],
    out: Annotated[Path, typer.Option(help="New folder: tiles/, vectors.csv, fields.csv.")],
    subjects: Annotated[
        Path | None, typer.Option(help="CSV with columns image, subject: who is in each photograph.")
    ] = None,
) -> None:
    """Turn hairs drawn in LabelMe (lines) or as COCO keypoints (root, tip) into a folder to train with."""
    from hairscan.batch.manifest import first_names
    from hairscan.errors import DataError
    from hairscan.training.annotations import Layout
    from hairscan.training.convert import find_photos, read_subjects, unannotated_photos, write_training_folder
    from hairscan.training.vectors import read_samples

    known = None if subjects is None else read_subjects(subjects)
    photos, problems = find_photos(source, Layout(layout), known)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise DataError(f"{len(problems)} problems in {source}, named above: mend them; nothing was written")
    left_out = unannotated_photos(source, photos)
    write_training_folder(photos, out, um_per_px=um_per_px)
    for line in _lines(read_samples(out)):
        typer.echo(line)
    if left_out:
        typer.echo(
            f"left out    {len(left_out)} photographs that no annotation names: {first_names(left_out)}; "
            "where one is bald, save an annotation without a hair"
        )
    if known is None:
        typer.echo(
            "note: every photograph was taken to be of another person. Where that is not so, give --subjects: "
            "figures flatter when one person is in two parts.",
            err=True,
        )
    typer.echo(f"{out}  (train with: hairscan train --from default --data {out} --out RUN)")


def _lines(samples: list[Sample]) -> list[str]:
    """What the folder holds, part by part and kind by kind."""
    from hairscan.training.vectors import PARTS

    lines = []
    for part in PARTS:
        chosen = [sample for sample in samples if sample.part == part]
        hairs = sum(len(sample.kinds) for sample in chosen)
        lines.append(
            f"{part:12}{len(chosen):5} photographs of {len({s.group for s in chosen})} subjects, {hairs} hairs"
        )
    kinds = Counter(kind for sample in samples for kind in sample.kinds)
    lines.append("kinds       " + (", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "none"))
    if kinds["abnormal"]:
        lines.append("            abnormal: pieces of bent hairs, and what was labelled so; neither taught nor judged")
    bare = [sample.name for sample in samples if not sample.kinds]
    if bare:
        lines.append(f"bare        {len(bare)} photographs without a hair, taken to be bald: {', '.join(bare[:5])}")
    return lines
