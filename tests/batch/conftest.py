"""What the tests of many photographs share: small phantoms, and a crew that works in the test's own process."""

import shutil
from concurrent.futures import Future

import numpy as np
import pytest

from hairscan.batch.manifest import manifest_of_folder
from hairscan.batch.run import run_batch
from hairscan.batch.work import Settings
from hairscan.phantom import render_scene, sample_scene
from hairscan.phantom.files import write_phantom
from hairscan.report.overlay import draw_overlay

N_PHOTOS = 5


class SameProcess:
    """A crew of one that works at once; `images` is what it measured or kept."""

    deaths = ()
    refusals = ()
    threads = 1
    size = 1

    def submit(self, measure, job):
        future = Future()
        try:
            future.set_result(measure(job))
        except Exception as error:
            future.set_exception(error)
        return future

    def renew(self):
        raise AssertionError("nobody dies here")


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """Folder of small photographs with sidecars; not to be changed."""
    folder = tmp_path_factory.mktemp("phantoms")
    for number in range(N_PHOTOS):
        rng = np.random.default_rng(number)
        scene = sample_scene("clipped", rng, width_px=480, height_px=400, um_per_px=5.0)
        write_phantom(render_scene(scene, rng), folder, f"p{number}", seed=number)
    for truth in folder.glob("*.hairs.csv"):
        truth.unlink()
    return folder


@pytest.fixture
def photos(phantoms, tmp_path):
    """Copy of the photographs, to be changed."""
    return shutil.copytree(phantoms, tmp_path / "photos")


def run_here(photos, out, *, settings=None, manifest=None, crew=None, draw=draw_overlay, watch=None):
    seen = []
    done = run_batch(
        manifest or manifest_of_folder(photos),
        out,
        settings or Settings(device="cpu"),
        crew or SameProcess(),
        draw=draw,
        versions={},
        watch=watch or seen.append,
    )
    return done, seen


@pytest.fixture(scope="session")
def run():
    """Run in this process; give the run and what became of each photograph, in order."""
    return run_here


@pytest.fixture(scope="session")
def same_process():
    """The class of the crew that works in this process."""
    return SameProcess


@pytest.fixture(scope="session")
def contents():
    """Give the bytes of every file of a run folder that must not depend on when and how it was made."""

    def read(out):
        files = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in files.items() if name not in ("run.json", "timings.csv")}

    return read


@pytest.fixture(scope="session")
def reference(phantoms, tmp_path_factory):
    """Run folder of the photographs, made in one go."""
    out = tmp_path_factory.mktemp("reference") / "run"
    run_here(phantoms, out)
    return out
