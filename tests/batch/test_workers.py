"""Runs with processes of their own: how many there are, and what happens when some die."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hairscan.batch.executors import DIED, DaskCrew, LocalCrew
from hairscan.batch.work import Measured
from hairscan.errors import ClusterError, DeviceError

N_PHOTOS = 5
PATIENCE_S = 120

DEADLY = """
import os, signal
from hairscan.report.overlay import draw_overlay

def draw(photo, result):
    if photo.name == "p1.png":
        os.kill(os.getpid(), signal.SIGKILL)
    return draw_overlay(photo, result)
"""


def start(photos, out, *options):
    command = [sys.executable, "-m", "hairscan", "batch", photos, "--out", out, "--device", "cpu", *options]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell starts what it runs in the background deaf to Ctrl-C, and so would be what that starts.
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(happens):
    deadline = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def parts(out):
    return list((out / ".parts").glob("*.json")) if (out / ".parts").is_dir() else []


def processes_of(session):
    """Ids of the living processes of a session, where the system lists them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, its_session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_run_that_was_killed_goes_on_and_gives_the_same_bytes(phantoms, reference, contents, tmp_path):
    out = tmp_path / "run"
    killed = start(phantoms, out, "--workers", 1)
    wait_until(lambda: len(parts(out)) >= 2)
    killed.kill()
    killed.communicate()
    kept = {path: path.stat().st_mtime_ns for path in parts(out)}
    assert 2 <= len(kept) < N_PHOTOS
    assert not (out / "images.csv").exists()
    wait_until(lambda: not processes_of(killed.pid))
    again = start(phantoms, out, "--workers", 2)
    stdout, stderr = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0, stderr
    assert f"{N_PHOTOS} measured, {len(kept)} of them before, 0 failed" in stdout
    assert f"{N_PHOTOS}/{N_PHOTOS} photos, 0 failed" in stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert contents(out) == contents(reference)


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal's Ctrl-C")
def test_ctrl_c_ends_with_one_line_that_says_how_to_go_on(phantoms, tmp_path):
    out, many = tmp_path / "run", tmp_path / "many"
    many.mkdir()
    for number in range(40):  # not to be through before the interrupt comes
        shutil.copy(phantoms / f"p{number % N_PHOTOS}.png", many / f"p{number:02d}.png")
    stopped = start(many, out, "--um-per-px", 4, "--workers", 2)
    wait_until(lambda: parts(out))
    os.killpg(stopped.pid, signal.SIGINT)
    stdout, stderr = stopped.communicate(timeout=PATIENCE_S)
    assert stopped.returncode == 130
    assert stdout == ""
    assert stderr.splitlines()[-1].startswith("stopped: what was measured is kept in")
    assert "Traceback" not in stderr
    assert parts(out)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_the_photograph_that_workers_die_of_is_found_and_the_rest_is_measured(
    phantoms, reference, run, contents, tmp_path, monkeypatch
):
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path))
    from deadly import draw

    with LocalCrew(2) as crew:
        done, _ = run(phantoms, tmp_path / "run", crew=crew, draw=draw)
    assert [(failure.image, failure.error) for failure in done.failures] == [("p1.png", DIED)]
    expected = [row for row in csv.reader((reference / "images.csv").open(newline="")) if row[0] != "p1.png"]
    assert list(csv.reader((tmp_path / "run" / "images.csv").open(newline=""))) == expected


def test_a_device_that_is_not_there_ends_the_run_in_one_line(phantoms, run, tmp_path):
    from hairscan.batch.work import Settings

    with LocalCrew(1) as crew, pytest.raises(DeviceError, match="unknown device"):
        run(phantoms, tmp_path / "run", crew=crew, settings=Settings(device="cudaa"))


def test_a_scheduler_that_is_not_there_is_said_in_one_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("hairscan.batch.executors._CONNECT_TIMEOUT", "200ms")
    with pytest.raises(ClusterError, match="no Dask scheduler answers"):
        DaskCrew("127.0.0.1:1")


def test_dask_workers_give_the_same_run_and_one_that_is_killed_costs_nothing(
    phantoms, reference, run, contents, tmp_path
):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    seen = []
    with cluster, DaskCrew(cluster.scheduler_address) as crew:
        victim = next(iter(cluster.workers.values())).pid

        def watch(outcome):
            seen.append(outcome)
            if len(seen) == 2:
                os.kill(victim, signal.SIGKILL)

        run(phantoms, tmp_path / "run", crew=crew, watch=watch)
    assert all(isinstance(outcome, Measured) for outcome in seen)
    assert sorted(outcome.result.photo.image for outcome in seen) == [f"p{n}.png" for n in range(N_PHOTOS)]
    assert contents(tmp_path / "run") == contents(reference)
