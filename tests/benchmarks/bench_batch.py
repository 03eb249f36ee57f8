"""Photographs per second of ``hairscan batch`` with one and two workers, and the share of time outside `score_photo`.

Run ``python tests/benchmarks/bench_batch.py [FOLDER] [--um-per-px X] [--photos N]``; without a folder the real
photographs are taken where they are there, else phantoms of 1280 x 1024 px are drawn. Each run is the command itself,
from its start to its end, with overlays and tables.
"""

import argparse
import csv
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hairscan.batch.executors import n_cores
from hairscan.phantom import render_scene, sample_scene
from hairscan.phantom.files import write_phantom

REAL = Path(__file__).parents[3] / "shared" / "data" / "fdu" / "tiles"
SCORE_STAGES = ("read_s", "segment_s", "trace_s", "measure_s", "endpoints_s")


def main():
    """Print the throughput of each number of workers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--um-per-px", type=float, default=2.78)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    with TemporaryDirectory() as work:
        photos = Path(work) / "photos"
        gather(arguments.folder, photos, arguments.photos, arguments.um_per_px)
        print(f"{len(list(photos.iterdir()))} photographs, {n_cores()} cores")
        for workers in arguments.workers:
            report(photos, Path(work) / f"run{workers}", workers, arguments.um_per_px)


def gather(folder, photos, n_photos, um_per_px):
    """Copy the photographs, spread over the folder, or draw them."""
    photos.mkdir()
    folder = folder or (REAL if REAL.is_dir() else None)
    if folder is None:
        for seed in range(n_photos):
            rng = np.random.default_rng(seed)
            scene = sample_scene("clipped", rng, width_px=1280, height_px=1024, um_per_px=um_per_px)
            write_phantom(render_scene(scene, rng), photos, f"p{seed:03d}", seed=seed)
        for other in (*photos.glob("*.csv"), *photos.glob("*.json")):
            other.unlink()
        return
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png", ".tif"))
    for path in found[:: max(1, len(found) // n_photos)][:n_photos]:
        shutil.copy(path, photos)


def report(photos, out, workers, um_per_px):
    """Run the command and print what it took."""
    command = [sys.executable, "-m", "hairscan", "batch", str(photos), "--out", str(out), "--workers", str(workers)]
    start, began = time.perf_counter(), time.time()
    done = subprocess.run(
        [*command, "--um-per-px", str(um_per_px), "--device", "cpu"], check=True, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    with (out / "timings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert re.search(rf"{len(rows)} measured", done.stdout)
    first_written = min(path.stat().st_mtime for path in (out / ".parts").iterdir()) - began
    inside_s = [sum(float(row[stage]) for stage in SCORE_STAGES) for row in rows]
    overlays_s = [float(row["overlay_s"]) for row in rows]
    # Until the first photograph is begun: Python, the libraries, the network.
    start_s = first_written - inside_s[0] - overlays_s[0]
    of_work = (seconds - start_s) * workers
    print(
        f"  {workers} workers  {len(rows) / (seconds - start_s):6.2f} photos/s after a start of {start_s:.1f} s; "
        f"of the workers' time {1 - sum(inside_s) / of_work:.0%} outside score_photo, "
        f"{sum(overlays_s) / of_work:.0%} for the overlays"
    )


if __name__ == "__main__":
    main()
