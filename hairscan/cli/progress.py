"""How far a run is: a bar on a terminal, lines in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hairscan.batch.run_folder import Failure
from hairscan.batch.work import Kept

_LINE_EVERY_S = 10.0


class _Pace:
    """Photographs, or sites, done and failed, the rate of those measured, and the time that the rest will take."""

    def __init__(self, total: int, noun: str, now_s: float) -> None:
        self.total = total
        self.noun = noun
        self.done = 0
        self.failed = 0
        self._measured = 0
        self._start_s = now_s

    def add(self, outcome: object) -> None:
        """Take note of one of them."""
        self.done += 1
        self.failed += isinstance(outcome, Failure)
        self._measured += not isinstance(outcome, Kept | Failure)

    def text(self, now_s: float) -> str:
        """Rate, and time left where there is something left; empty before the first was measured."""
        if not self._measured or now_s <= self._start_s:
            return ""
        rate = self._measured / (now_s - self._start_s)
        n_left = self.total - self.done
        return f"{rate:.2f} {self.noun}/s" + (f", {_duration(n_left / rate)} left" if n_left else "")


@contextmanager
def watch_batch(total: int, noun: str = "photos") -> Iterator[Callable[[object], None]]:
    """Show on standard error how far a run of so many photographs, or sites, is; give what is to be told of each.

    On a terminal a bar moves. In a log a line is written every ten seconds, and one for each that failed.
    """
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    pace = _Pace(total, noun, monotonic())
    if console.is_terminal:
        with _bar(console) as progress:
            task = progress.add_task(noun, total=total, pace="")

            def move(outcome: object) -> None:
                pace.add(outcome)
                if isinstance(outcome, Failure):
                    console.print(_failure_text(outcome))
                progress.update(task, completed=pace.done, pace=pace.text(monotonic()))

            yield move
        return
    last_s = [monotonic()]

    def log(outcome: object) -> None:
        pace.add(outcome)
        if isinstance(outcome, Failure):
            console.print(_failure_text(outcome))
        now_s = monotonic()
        if now_s - last_s[0] >= _LINE_EVERY_S or pace.done == total:
            last_s[0] = now_s
            parts = (f"{pace.done}/{total} {noun}", f"{pace.failed} failed", pace.text(now_s))
            console.print(", ".join(part for part in parts if part))

    yield log


def _bar(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"), TimeElapsedColumn())
    return Progress(TextColumn("{task.description}"), *columns, console=console)


def _failure_text(failure: Failure) -> str:
    return f"failed: {failure.image}: {failure.message}"


def _duration(seconds: float) -> str:
    """Time as a person says it."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest_s:02d} s" if minutes else f"{rest_s} s"
