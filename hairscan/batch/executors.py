"""Who measures the photographs: processes on this computer, or the workers of a Dask cluster.

Both are executors of `concurrent.futures`, and `outcomes` serves both.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_end
from threading import Thread
from types import TracebackType
from typing import Protocol, Self, TypeVar

from hairscan.batch.run_folder import Failure
from hairscan.errors import ClusterError

DIED = "WorkerDied"
_DIED_MESSAGE = (
    "the process that measured it ended without a word (killed, or out of memory): free some memory or reduce the "
    "photo, and run the same command again"
)
_CONNECT_TIMEOUT = "20s"
_MOST_PROCESSES = 61
"""What `ProcessPoolExecutor` takes on Windows; a larger machine is better used as a cluster of Dask workers."""


class Task(Protocol):
    """What a worker takes in hand at once."""

    @property
    def image(self) -> str:
        """Name of the photograph, or of what else it is the work on."""


TaskT = TypeVar("TaskT", bound=Task)
OutcomeT = TypeVar("OutcomeT")


class Crew(Protocol):
    """Workers, some of which may die.

    Attributes
    ----------
    deaths : tuple of exception classes
        What a future raises whose worker died, and what submitting does where all have.
    refusals : tuple of exception classes
        What a future raises whose worker cannot even take a photograph.
    threads : int
        Threads that each worker may use for the network.
    """

    deaths: tuple[type[BaseException], ...]
    refusals: tuple[type[BaseException], ...]
    threads: int

    @property
    def size(self) -> int:
        """Photographs that are measured at once."""

    def submit(self, measure: Callable[[TaskT], OutcomeT], job: TaskT) -> Future[OutcomeT]:
        """Hand a photograph to a worker."""

    def renew(self) -> None:
        """Put new workers in the place of those that died."""


class LocalCrew:
    """Processes on this computer, each with one photograph at a time and its share of the cores."""

    deaths: tuple[type[BaseException], ...] = (BrokenExecutor,)
    refusals: tuple[type[BaseException], ...] = ()

    def __init__(self, size: int) -> None:
        self.threads = max(1, n_cores() // size)
        self._size = size
        self._pool = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def size(self) -> int:
        """Number of processes."""
        return self._size

    def submit(self, measure: Callable[[TaskT], OutcomeT], job: TaskT) -> Future[OutcomeT]:
        """Hand a photograph to a process."""
        with _interrupts_held_back():
            return self._pool.submit(measure, job)

    def renew(self) -> None:
        """Start the processes anew."""
        self._pool.shutdown(cancel_futures=True)
        self._pool = self._open()

    def _open(self) -> ProcessPoolExecutor:
        # A forked child would share ONNX Runtime's and OpenCV's threads with its parent, and hang.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._size, mp_context=context, initializer=_begin_worker)


class DaskCrew:
    """The workers of a Dask cluster.

    Raises
    ------
    ClusterError
        When Dask is not installed or no scheduler answers.
    """

    threads = 1
    # Dask's own way to say that the scheduler or a worker cannot unpack what it was sent.
    refusals: tuple[type[BaseException], ...] = (RuntimeError, ImportError, AttributeError)

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
            from distributed.scheduler import KilledWorker
        except ImportError as error:
            raise ClusterError("a cluster needs Dask: pip install 'hairscan[cluster]'") from error
        try:
            self._client = Client(address, timeout=_CONNECT_TIMEOUT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {address}: start one with 'dask scheduler' and give its address"
            ) from error
        self.deaths: tuple[type[BaseException], ...] = (KilledWorker, CancelledError)
        # Dask would take a second try of the same photograph for the first.
        self._executor: Executor = self._client.get_executor(pure=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    @property
    def size(self) -> int:
        """Number of threads of all workers that are there now, and at least 1."""
        self._check_running()
        return max(1, sum(int(n) for n in self._client.nthreads().values()))

    def submit(self, measure: Callable[[TaskT], OutcomeT], job: TaskT) -> Future[OutcomeT]:
        """Hand a photograph to the cluster."""
        return self._executor.submit(measure, job)

    def renew(self) -> None:
        """Leave it to the cluster to start its workers anew."""
        self._check_running()

    def _check_running(self) -> None:
        if self._client.status != "running":
            raise ClusterError("the Dask scheduler was lost: start it, and the same command goes on")


def outcomes(jobs: Iterable[TaskT], measure: Callable[[TaskT], OutcomeT], crew: Crew) -> Iterator[OutcomeT | Failure]:
    """Outcome of every photograph, in the order in which they come.

    No more photographs are handed out than keep the workers busy. When workers die, whatever they had in hand is
    measured again, one photograph at a time: the one that they die of is a `Failure`.

    Raises
    ------
    HairscanError
        When a worker can measure no photograph at all, or the cluster is lost.
    """
    waiting = iter(jobs)
    running: dict[Future[OutcomeT], TaskT] = {}
    suspects: list[TaskT] = []
    while True:
        while not suspects and len(running) < 2 * crew.size and (job := next(waiting, None)) is not None:
            try:
                running[crew.submit(measure, job)] = job
            except crew.deaths:
                suspects.append(job)
        if not running:
            if not suspects:
                return
            yield from (_measure_alone(job, measure, crew) for job in suspects)
            suspects = []
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            try:
                outcome = _result(future, crew)
            except crew.deaths:
                suspects.append(job)
            else:
                yield outcome


def n_workers(n_jobs: int) -> int:
    """Processes that are worth starting for so many jobs: one for each core that this process may use."""
    return max(1, min(n_cores(), n_jobs, _MOST_PROCESSES))


def n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _measure_alone(job: TaskT, measure: Callable[[TaskT], OutcomeT], crew: Crew) -> OutcomeT | Failure:
    crew.renew()
    try:
        return _result(crew.submit(measure, job), crew)
    except crew.deaths:
        return Failure(job.image, DIED, _DIED_MESSAGE)


def _result(future: Future[OutcomeT], crew: Crew) -> OutcomeT:
    try:
        return future.result()
    except crew.refusals as error:
        raise ClusterError(
            "the cluster does not know this hairscan: install the same one for its scheduler and every worker"
        ) from error


def _begin_worker() -> None:
    """Let a worker finish its photograph when the run is interrupted, and end with the process that started it.

    One that ended in the middle of sending its result would leave the run waiting for the rest of it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for_end([sentinel])
    os._exit(1)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Keep Ctrl-C for later; a process that is started meanwhile keeps it too, until it has begun."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
