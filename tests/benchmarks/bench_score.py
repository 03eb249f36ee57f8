"""Times one photograph stage by stage, beside a Sato ridge filter on the same picture.

Run ``python tests/benchmarks/bench_score.py [PHOTO] [--um-per-px X]``; without a photograph a phantom is drawn.
Prints the median and the fastest of several runs in turn, and the peak memory of the process.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from hairscan.phantom import render_scene, sample_scene
from hairscan.photo import read_photo, read_rgb
from hairscan.score import score_read_photo
from hairscan.segment import load_model

RUNS = 7


def drawn() -> np.ndarray:
    """A clipped phantom of 1280 x 1024 px."""
    rng = np.random.default_rng(0)
    return render_scene(sample_scene("clipped", rng, width_px=1280, height_px=1024, um_per_px=2.78), rng).rgb


def main() -> None:
    """Print the timings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--um-per-px", type=float, default=2.78)
    arguments = parser.parse_args()
    rgb = drawn() if arguments.photo is None else read_rgb(arguments.photo)[0]
    segmenter = load_model("default", "cpu")
    stages: dict[str, list[float]] = {}
    whole, sato = [], []
    for run in range(RUNS + 1):
        start = time.perf_counter()
        photo = read_photo(rgb, um_per_px=arguments.um_per_px)
        field = time.perf_counter() - start
        result = score_read_photo(photo, segmenter)
        total = time.perf_counter() - start
        if run == 0:
            # Memory is read before the Sato filter, which needs more than the walk, is even imported.
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        from skimage.filters import sato as sato_filter

        start = time.perf_counter()
        sato_filter(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), sigmas=(2, 4, 6))
        elapsed = time.perf_counter() - start
        if run == 0:
            continue
        whole.append(total)
        sato.append(elapsed)
        for name, seconds in {"field": field, **result.seconds}.items():
            stages.setdefault(name, []).append(seconds)
    print(f"{rgb.shape[1]} x {rgb.shape[0]} px, {result.photo.hair_count} hairs, {RUNS} runs, median (fastest), ms")
    for name, times in [*stages.items(), ("decoded pixels to result", whole), ("skimage.filters.sato", sato)]:
        print(f"  {name:26s} {median(times) * 1e3:7.1f} ({min(times) * 1e3:.1f})")
    print(f"  result : sato              {median(whole) / median(sato):7.2f}")
    print(f"  peak memory                {peak_mb:7.0f} MB")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        command = [sys.executable, "-m", "hairscan", "score", str(path), "--um-per-px", str(arguments.um_per_px)]
        command += ["--out", folder + "/out"]
        cold = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            cold.append(time.perf_counter() - start)
    print(f"  cold start, s              {median(cold):7.2f} ({min(cold):.2f})")


if __name__ == "__main__":
    main()
