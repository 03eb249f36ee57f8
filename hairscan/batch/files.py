"""Files that are all written or not at all, and folders that one process at a time writes to."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from hairscan.errors import OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NEIGHBOUR = re.compile(r"\.\d+-\d+")


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write every file, or none, as `replacing` does.

    Raises
    ------
    OSError
        Where a file cannot be written, or a folder has its name.
    """
    with replacing(list(files)) as neighbours:
        for neighbour, content in zip(neighbours, files.values(), strict=True):
            neighbour.write(content)


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
    missing = sorted({folder for path in paths for folder in path.parents if not folder.exists()}, reverse=True)
    neighbours = {path: path.with_name(f".{os.getpid()}-{number}") for number, path in enumerate(paths)}
    try:
        with ExitStack() as opened:
            yield [opened.enter_context(_open_neighbour(path, neighbour)) for path, neighbour in neighbours.items()]
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("ab")
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}; name another folder") from error
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
