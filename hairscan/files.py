"""Files that are all written or not at all, and folders that one process at a time writes to."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from pydantic import BaseModel, ConfigDict

from hairscan.errors import OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NEIGHBOUR = re.compile(r"\.\d+-\d+")


class Record(BaseModel):
    """What stands in a file: it has no field but its own, and none of them changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def write_files(files: Mapping[Path, bytes | Path]) -> None:
    """Write every file, or none, as `replacing` does, but one after the other: there may be thousands.

    Parameters
    ----------
    files : mapping of path to bytes or path
        What each file shall hold, or the file of which it shall be a copy.

    Raises
    ------
    OSError
        Where a file cannot be written or copied, or a folder has its name.
    """
    with _neighbours(list(files)) as neighbours:
        for path, neighbour in neighbours.items():
            content = files[path]
            with _open_neighbour(path, neighbour) as file:
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        copyfileobj(source, file)
                else:
                    file.write(content)


@contextmanager
def replacing(paths: Sequence[Path]) -> Iterator[list[IO[bytes]]]:
    """Open a neighbour of every path to write to; once all are whole they are renamed onto their paths, in this order.

    After an error nothing is changed. Folders that are missing are made, and taken away again where nothing could be
    written to them.

    Raises
    ------
    OSError
        Where a file cannot be written, or a folder has its name.
    """
    with _neighbours(paths) as neighbours, ExitStack() as opened:
        yield [opened.enter_context(_open_neighbour(path, neighbour)) for path, neighbour in neighbours.items()]


@contextmanager
def _neighbours(paths: Sequence[Path]) -> Iterator[dict[Path, Path]]:
    """Name a neighbour of every path; what was written to them is renamed onto the paths, or removed after an error."""
    missing = sorted({folder for path in paths for folder in path.parents if not folder.exists()}, reverse=True)
    neighbours = {path: path.with_name(f".{os.getpid()}-{number}") for number, path in enumerate(paths)}
    try:
        yield neighbours
        _check_free(paths)
        for path, neighbour in neighbours.items():
            neighbour.replace(path)
    except BaseException:
        for neighbour in neighbours.values():
            with suppress(OSError):
                neighbour.unlink()
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def _check_free(paths: Sequence[Path]) -> None:
    """Raise OSError where Windows would not let a file be replaced since a program, such as a spreadsheet, has it."""
    if sys.platform == "win32":
        for path in paths:
            if path.exists():
                path.open("r+b").close()


def check_replaceable(folder: Path, fields: Iterable[str], names: Sequence[str], what: str) -> None:
    """Make sure that a folder holds an earlier result of a command, or none of the files that the command writes.

    Parameters
    ----------
    fields
        What the first of the files, a JSON object, says where the command wrote it.
    names
        The files and folders.
    what
        What the result is called.

    Raises
    ------
    OutputError
        Where one of them is of something else.
    """
    try:
        is_earlier = set(fields) <= set(json.loads((folder / names[0]).read_bytes()))
    except (OSError, ValueError, TypeError):
        is_earlier = False
    for name in () if is_earlier else names:
        if (folder / name).exists():
            raise OutputError(f"{folder / name} is of no earlier {what} and would be replaced: name another folder")


def json_bytes(content: BaseModel | Mapping[str, object]) -> bytes:
    """A file of JSON that a person can read, too: UTF-8, indented, ended by a line feed."""
    text = content.model_dump_json(indent=2) if isinstance(content, BaseModel) else json.dumps(content, indent=2)
    return (text + "\n").encode()


def cannot_read(path: Path, error: OSError) -> str:
    """What is said of a file or folder that is there and cannot be read."""
    return f"{path} cannot be read: {error.strerror or error}"


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Say of any error of the system that this file or folder cannot be written.

    Raises
    ------
    OutputError
        In place of OSError.
    """
    try:
        yield
    except OSError as error:
        what = error.strerror or error
        raise OutputError(f"cannot write to {path}: {what}; free some space or name another folder") from error


def remove_neighbours(folder: Path) -> None:
    """Remove what a process that was killed while it wrote to the folder left behind."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if _NEIGHBOUR.fullmatch(path.name):
            path.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process that asks for it out of the folder, which is made where it is missing.

    The system gives the lock back when the process ends, however it ends.

    Raises
    ------
    OutputError
        When another process has the folder, or it cannot be written to.
    """
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("ab")
    with file:
        try:
            _lock(file)
        except OSError as error:
            raise OutputError(f"another hairscan writes to {folder}: wait for it, or name another folder") from error
        yield


def _open_neighbour(path: Path, neighbour: Path) -> IO[bytes]:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder there")
    path.parent.mkdir(parents=True, exist_ok=True)
    return neighbour.open("wb")


def _lock(file: IO[bytes]) -> None:
    """Take the lock of a file at once, or raise OSError."""
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
