"""Photographs per second on one device: the network alone, and from decoded pixels to the result.

Run ``python tests/benchmarks/bench_device.py --device cuda`` (or cpu). The photograph is a clipped phantom of
1280 x 1024 px at 2.78 um/px. The network alone is one call of the backend with as many pictures as it likes at once,
each of the photograph's size at the network's scale.
"""

import argparse
import os
import platform
import subprocess
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from hairscan.phantom import render_scene, sample_scene
from hairscan.photo import read_photo
from hairscan.score import score_read_photo
from hairscan.segment import load_model

UM_PER_PX = 2.78
SIZE_PX = (1280, 1024)


def main() -> None:
    """Print the throughput and what it was measured on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    segmenter = load_model("default", arguments.device)
    backend = segmenter.backend
    rng = np.random.default_rng(0)
    scene = sample_scene("clipped", rng, width_px=SIZE_PX[0], height_px=SIZE_PX[1], um_per_px=UM_PER_PX)
    rgb = render_scene(scene, rng).rgb
    photo = read_photo(rgb, um_per_px=UM_PER_PX)
    # A side at the network's scale, as a number that the network can take.
    step_px = segmenter.spec.multiple * segmenter.spec.um_per_px / UM_PER_PX
    height, width = (round(side / step_px) * segmenter.spec.multiple for side in reversed(SIZE_PX))
    images = rng.random((backend.batch, 3, height, width), np.float32)
    timings = {
        "network alone": [one / backend.batch for one in timed(lambda: backend.run(images), arguments.runs)],
        "photo to result": timed(lambda: score_read_photo(photo, segmenter), arguments.runs),
        "pixels to result": timed(
            lambda: score_read_photo(read_photo(rgb, um_per_px=UM_PER_PX), segmenter), arguments.runs
        ),
    }
    print(f"{hardware(backend.device)}: {backend.device}, {segmenter.name}, batch {backend.batch}")
    print(f"{SIZE_PX[0]} x {SIZE_PX[1]} px at {UM_PER_PX} um/px, {arguments.runs} runs, median (fastest)")
    for name, times in timings.items():
        rate, best = 1.0 / median(times), 1.0 / min(times)
        print(f"  {name:17s} {rate:8.2f} ({best:.2f}) photos/s  {median(times) * 1e3:8.1f} ms per photo")


def timed(work: Callable[[], object], runs: int) -> list[float]:
    """Seconds of every run; the first, which warms up, is left out."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times[1:]


def hardware(device: str) -> str:
    """Name of what ran it."""
    if not device.startswith("cuda"):
        return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]


if __name__ == "__main__":
    main()
