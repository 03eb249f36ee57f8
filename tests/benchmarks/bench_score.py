"""Times one photograph stage by stage, beside a Sato ridge filter on the same picture, and asks for the memory.

Run ``python tests/benchmarks/bench_score.py [PHOTO] [--um-per-px X] [--model MODEL] [--large]``; without a photograph a
real one of 1280 x 1024 px is taken where it is there, else a phantom is drawn. The two are timed in turn, in one run.
The stages add up to the result from decoded pixels, which is compared with the filter. Below stands what ``hairscan
score --out`` does besides: decoding the file (here a JPEG), drawing the overlay, writing the run folder. ``--large``
scores a 48-megapixel mosaic of the photograph too.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from skimage.filters import sato

from hairscan.batch.run_folder import RunRecord, now_utc, write_run
from hairscan.cli.versions import library_versions
from hairscan.phantom import render_scene, sample_scene
from hairscan.photo import read_photo, read_rgb
from hairscan.report.overlay import draw_overlay
from hairscan.score import score_read_photo
from hairscan.segment import Segmenter, load_model

RUNS = 11
FILES = ("decode", "overlay", "write")
REAL = Path(__file__).parents[3] / "shared" / "data" / "fdu" / "tiles" / "220106_A207_2.jpg"
LARGE_PX = (8000, 6000)
# Asked of the process itself: what the system reports of a child includes the parent it was forked from.
SCORE = """
import sys
from pathlib import Path
from hairscan.cli import main
try:
    main()
finally:
    lines = Path("/proc/self/status").read_text().splitlines()
    print("peak_kb", next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
"""


class TimedBackend:
    """A backend that adds up the seconds inside the network."""

    def __init__(self, backend):
        self._backend = backend
        self.seconds = 0.0

    def __getattr__(self, name):
        return getattr(self._backend, name)

    def run(self, images):
        start = time.perf_counter()
        maps = self._backend.run(images)
        self.seconds += time.perf_counter() - start
        return maps


def photo_to_score(path):
    """Pixels of the photograph that was given, or of the usual one."""
    if path is not None or REAL.is_file():
        return read_rgb(path or REAL)[0]
    rng = np.random.default_rng(0)
    return render_scene(sample_scene("clipped", rng, width_px=1280, height_px=1024, um_per_px=2.78), rng).rgb


def time_stages(rgb, um_per_px, model):
    """Seconds of every stage, of the whole, of Sato's filter and of the files, each a list with one entry per run."""
    loaded = load_model(model, "cpu")
    backend = TimedBackend(loaded.backend)
    segmenter = Segmenter(loaded.spec, backend)
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    times = {}
    # The first run, in which memory is asked for and libraries wake up, does not count.
    for run in range(RUNS + 1):
        backend.seconds = 0.0
        start = time.perf_counter()
        photo = read_photo(rgb, um_per_px=um_per_px)
        read = time.perf_counter()
        result = score_read_photo(photo, segmenter)
        end = time.perf_counter()
        sato(gray, sigmas=(2, 4, 6))
        ridges = time.perf_counter() - end
        seconds = {"field": read - start, **result.seconds, "network": backend.seconds, "whole": end - start}
        for name, value in {**seconds, "sato": ridges, **time_files(photo, result)}.items():
            times.setdefault(name, []).extend([value] * (run > 0))
    return times, result


def time_files(photo, result):
    """Seconds of what ``hairscan score`` does around the result, by the names of `FILES`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        cv2.imwrite(str(path), cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2BGR))
        start = time.perf_counter()
        read_rgb(path)
        decoded = time.perf_counter()
        picture = draw_overlay(photo, result)
        drawn = time.perf_counter()
        record = RunRecord(now_utc(), now_utc(), {}, library_versions())
        write_run(Path(folder) / "out", [result], record, overlays={photo.name: picture})
        return dict(zip(FILES, (decoded - start, drawn - decoded, time.perf_counter() - drawn), strict=True))


def print_stages(rgb, times, result):
    """Print one line per stage."""
    whole, network, ridges = (times.pop(name) for name in ("whole", "network", "sato"))
    files = {name: times.pop(name) for name in FILES}
    of_whole = median(whole)
    print(f"{rgb.shape[1]} x {rgb.shape[0]} px, {result.photo.hair_count} hairs, {RUNS} runs: median (fastest), share")
    for name, seconds in [*times.items(), ("  inside the network", network), ("decoded pixels to result", whole)]:
        share = median(seconds) / of_whole
        print(f"  {name:26s} {median(seconds) * 1e3:7.1f} ms ({min(seconds) * 1e3:.1f}) {share:6.0%}")
    print(f"  {'skimage.filters.sato':26s} {median(ridges) * 1e3:7.1f} ms ({min(ridges) * 1e3:.1f})")
    print(f"  result : sato              {of_whole / median(ridges):8.2f}")
    for name, seconds in files.items():
        print(f"  besides: {name:17s} {median(seconds) * 1e3:7.1f} ms ({min(seconds) * 1e3:.1f})")


def score_in_process(rgb, um_per_px, model):
    """Seconds and peak megabytes of ``hairscan score`` with its tables and its overlay."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        command = [sys.executable, "-c", SCORE, "score", str(path), "--um-per-px", str(um_per_px), "--model", model]
        start = time.perf_counter()
        done = subprocess.run([*command, "--out", f"{folder}/out"], check=True, capture_output=True, text=True)
        return time.perf_counter() - start, int(done.stderr.split("peak_kb")[1]) / 1024


def mosaic(rgb):
    """48 megapixels of the photograph, mirrored from tile to tile so that hairs go on across the seams."""
    pair = np.concatenate([rgb, rgb[:, ::-1]], axis=1)
    block = np.concatenate([pair, pair[::-1]])
    repeats = [-(-want // have) for want, have in zip(LARGE_PX[::-1], block.shape, strict=False)]
    return np.tile(block, (*repeats, 1))[: LARGE_PX[1], : LARGE_PX[0]]


def main():
    """Print the timings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--um-per-px", type=float, default=2.78)
    parser.add_argument("--model", default="default", help="a model's name, or its folder: an exported bundle is one")
    parser.add_argument("--large", action="store_true", help="score 48 megapixels too")
    arguments = parser.parse_args()
    rgb, how = photo_to_score(arguments.photo), (arguments.um_per_px, arguments.model)
    print_stages(rgb, *time_stages(rgb, *how))
    seconds, peak_mb = zip(*(score_in_process(rgb, *how) for _ in range(3)), strict=True)
    print(f"  hairscan score, cold start {median(seconds):8.2f} s ({min(seconds):.2f}), peak {max(peak_mb):.0f} MB")
    if arguments.large:
        seconds, peak_mb = score_in_process(mosaic(rgb), *how)
        print(f"  {LARGE_PX[0]} x {LARGE_PX[1]} px            {seconds:8.2f} s, peak {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
