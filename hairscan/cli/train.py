"""``hairscan train``: a recipe and annotated photographs become a model folder."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

_OWN = ("env.json", "config.yaml", "checkpoint.pt", "metrics.jsonl", "curves.png", "model")
"""What a run writes."""


def train(
    recipe: Annotated[
        Path | None,
        typer.Argument(help="Training recipe, such as configs/default.yaml; fine-tuning without one."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint, the metrics and the model.")] = Path("trained"),
    data: Annotated[
        Path | None, typer.Option(help="Annotated photographs: tiles/, vectors.csv, fields.csv. Not for phantoms only.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Model, by name or folder, whose weights to begin with.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train the network; a run that was stopped goes on where it was."""
    from hairscan.batch.run_folder import check_writable
    from hairscan.errors import DataError
    from hairscan.files import check_replaceable, locked, write_files, writing_to
    from hairscan.segment import find_model
    from hairscan.segment.model import read_spec
    from hairscan.training.photo_files import check_apart, check_photos
    from hairscan.training.recipe import fine_tuning, read_recipe
    from hairscan.training.vectors import check_parts, read_samples

    if recipe is None and start is None:
        raise DataError("give a training recipe such as configs/default.yaml, or --from MODEL to fine-tune that model")
    settings = read_recipe(recipe or fine_tuning())
    if data is None and settings.phantom_share < 1.0:
        raise DataError("this recipe learns from photographs: give their folder with --data, or set phantom_share: 1")
    samples = []
    if data is not None:
        samples = read_samples(data)
        check_parts(samples, data)
        check_photos(sample for sample in samples if sample.part != "validation")
        check_apart(samples)
    begin = None if start is None else find_model(start)
    if begin is not None and recipe is None:
        # A recipe may take a model to another scale; fine-tuning keeps it as it is.
        settings = settings.model_copy(update={"um_per_px": read_spec(begin).um_per_px})
    check_writable(out)
    check_replaceable(out, ["begun_with_sha256"], _OWN, "training")
    try:
        from hairscan.training.export import export_model
        from hairscan.training.loop import choose_device, train_network
    except ModuleNotFoundError as error:
        raise DataError(f"training needs {error.name}: pip install 'hairscan[train]'") from error
    from hairscan.training.confidence import calibrate_model
    from hairscan.version import __version__

    model = out / "model"
    with writing_to(out), locked(out):
        network = train_network(settings, samples, out, choose_device(device), begin)
        # A model without its confidence would count wrongly: none is there until it is whole.
        with TemporaryDirectory(prefix=".model-", dir=out) as folder:
            partial = Path(folder)
            export_model(network, settings, partial, version=__version__)
            spec = calibrate_model(partial, [sample for sample in samples if sample.part == "tune"])
            write_files({model / path.name: path for path in sorted(partial.iterdir())})
    typer.echo(f"{model}  sha256 {spec.sha256[:12]}  (use it with --model {model})")
