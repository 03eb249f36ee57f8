"""``hairscan doctor``: what is installed, which network, which device."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer

from hairscan.files import Record


class ModelHealth(Record):
    """One network that came with the package; `problem` is None when it is whole and runs."""

    name: str
    folder: str
    sha256: str | None
    problem: str | None


class Health(Record):
    """What `hairscan doctor --json` prints; `ready` says whether a photograph can be scored."""

    hairscan_version: str
    python_version: str
    system: str
    libraries: dict[str, str | None]
    models: list[ModelHealth]
    devices: list[str]
    missing_from_extras: dict[str, list[str]]
    ready: bool


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON and nothing else.")] = False,
) -> None:
    """Say what is installed, whether the networks are whole, and on which devices they can run.

    Ends with exit code 1 when no photograph can be scored.
    """
    health = examine()
    if as_json:
        typer.echo(health.model_dump_json(indent=2))
    else:
        for line in _lines(health):
            typer.echo(line)
    if not health.ready:
        raise typer.Exit(1)


def examine() -> Health:
    """Find out what is installed and what runs."""
    from hairscan.cli.versions import LIBRARIES, installed_version, missing_from_extras
    from hairscan.version import __version__

    libraries = {name: installed_version(name) for name in LIBRARIES}
    can_run = libraries["onnxruntime"] is not None
    models = _models() if can_run else []
    return Health(
        hairscan_version=__version__,
        python_version=platform.python_version(),
        system=platform.platform(),
        libraries=libraries,
        models=models,
        devices=_devices(models),
        missing_from_extras={extra: missing for extra, missing in missing_from_extras().items() if missing},
        ready=None not in libraries.values() and any(m.name == "default" and m.problem is None for m in models),
    )


def _models() -> list[ModelHealth]:
    """Health of every network that came with the package."""
    from hairscan.errors import HairscanError
    from hairscan.segment import load_model, model_folders
    from hairscan.segment.spec import whole_file

    health = []
    for name, folder in model_folders().items():
        try:
            spec = load_model(folder, "cpu").spec
            if spec.weights_sha256 is not None:
                whole_file(folder / "weights.safetensors", spec.weights_sha256)
            found = ModelHealth(name=name, folder=str(folder), sha256=spec.sha256, problem=None)
        except HairscanError as error:
            found = ModelHealth(name=name, folder=str(folder), sha256=None, problem=str(error))
        health.append(found)
    return health


def _devices(models: list[ModelHealth]) -> list[str]:
    """Devices that really run the default network, first the one that ``--device auto`` takes."""
    for model in models:
        if model.name == "default" and model.problem is None:
            from hairscan.segment.device import usable_devices
            from hairscan.segment.model import read_spec

            return usable_devices(Path(model.folder), read_spec(Path(model.folder)))
    return []


def _lines(health: Health) -> list[str]:
    """Findings as lines for a person."""
    lines = [f"hairscan {health.hairscan_version}, Python {health.python_version}, {health.system}", "", "libraries"]
    lines += [f"  {name:24} {version or 'MISSING: pip install ' + name}" for name, version in health.libraries.items()]
    lines += ["", "networks"]
    for model in health.models:
        state = model.problem or f"whole, sha256 {model.sha256}"
        lines += [f"  {model.name:24} {state}", f"  {'':24} {model.folder}"]
    lines += [] if health.models else ["  none found: install hairscan again"]
    lines += ["", f"devices                    {', '.join(health.devices) or 'none'}"]
    for extra, missing in health.missing_from_extras.items():
        lines.append(f"extra {extra:20} not installed: {', '.join(missing)}  (pip install 'hairscan[{extra}]')")
    return [*lines, "", "ready to score" if health.ready else "NOT ready to score: mend what is named above"]
