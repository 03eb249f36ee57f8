"""``hairscan export``: a model becomes a bundle for other programs, and a bundle is checked where it will run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hairscan.cli.number import number

if TYPE_CHECKING:
    from hairscan.segment.spec import Precision


def export(
    out: Annotated[Path | None, typer.Option(help="Folder for the bundle.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 (where nothing is said), fp16 or int8.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Name or folder of the network; the shipped one without it.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Annotated photographs, to calibrate int8 on beside phantoms.")
    ] = None,
    um_per_px: Annotated[
        float | None, typer.Option(parser=number, help="Scale of the photographs whose fields.csv tells none.")
    ] = None,
    verify: Annotated[Path | None, typer.Option(help="Bundle to check; nothing is written.")] = None,
) -> None:
    """Write a model as a bundle for other programs, or check one with --verify (exit code 1 where it fails)."""
    if (out is None) == (verify is None):
        raise typer.BadParameter("give either --out, to write a bundle, or --verify, to check one")
    if verify is not None:
        given = {"--precision": precision, "--model": model, "--data": data, "--um-per-px": um_per_px}
        for name, value in given.items():
            if value is not None:
                raise typer.BadParameter(f"a bundle is checked as it is: leave {name} out", param_hint=name)
        _verify(verify)
        return
    if data is not None and precision != "int8":
        raise typer.BadParameter("only int8 is calibrated on photographs: leave --data out", param_hint="--data")
    if um_per_px is not None and data is None:
        raise typer.BadParameter(
            "it is the scale of the photographs of --data: leave --um-per-px out", param_hint="--um-per-px"
        )
    if out is not None:
        _write(out, precision or "fp32", model or "default", data, um_per_px)


def _verify(bundle: Path) -> None:
    from hairscan.errors import ModelError
    from hairscan.training.verify import describe, verify_bundle

    try:
        spec, difference = verify_bundle(bundle)
    except ModelError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{bundle} is whole: {describe(spec, difference)}")


def _write(out: Path, precision: str, model: str, data: Path | None, um_per_px: float | None) -> None:
    from typing import cast

    from hairscan.errors import DataError
    from hairscan.training.vectors import read_samples

    samples = read_samples(data, um_per_px=um_per_px) if data is not None else []
    try:
        from hairscan.training.bundle import write_bundle
    except ModuleNotFoundError as error:
        raise DataError(f"exporting needs {error.name}: pip install 'hairscan[train]'") from error
    from hairscan.training.verify import describe

    spec, difference = write_bundle(model, cast("Precision", precision), out, samples=samples)
    size_mb = (out / "model.onnx").stat().st_size / 1e6
    typer.echo(f"{out}  {size_mb:.1f} MB, sha256 {spec.sha256[:12]}: {describe(spec, difference)}")
