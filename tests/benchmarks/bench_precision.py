"""Times one network side by side: in torch, and as a bundle of every precision in ONNX Runtime, on the CPU.

Run ``python tests/benchmarks/bench_precision.py [--model NAME] [--threads N]``. The variants take turns, so that other
work on the machine slows all of them alike. Prints the size of the file, the median and the fastest time of one
640 x 512 px input (a photograph of 1280 x 1024 px at 2.78 um/px), its ratio to fp32, and the peak memory of a process
that loads the network and runs it once; the same process without a network is printed beside it.
Needs the train extra; peak memory is read where Linux keeps it.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from hairscan.segment import find_model
from hairscan.segment.onnx_backend import OnnxBackend
from hairscan.training.bundle import write_bundle

ROUNDS = 15
PRECISIONS = ("int8", "fp16", "fp32")
SHAPE = (1, 3, 512, 640)


def run_of(path, threads):
    """Give a function that runs the network of this file once."""
    image = np.random.default_rng(0).random(SHAPE, np.float32)
    if path.suffix == ".onnx":
        network = OnnxBackend(path, "cpu", threads)
        return lambda: network.run(image)
    import torch

    from hairscan.segment.torch_backend import TorchBackend

    torch.set_num_threads(threads)
    backend = TorchBackend(path, "cpu")
    return lambda: backend.run(image)


def peak_mb(path, threads):
    """Peak memory of a fresh process that runs the network of this file once, or only imports where there is none."""
    command = [sys.executable, __file__, "--threads", str(threads), "--once", *([] if path is None else [str(path)])]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_once(path, threads):
    """Run the network of a file in this process and print the most memory that it has had, MB."""
    if path is not None:
        run_of(path, threads)()
    # Not getrusage: that starts from the peak of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    print(int(status[status.index("VmHWM:") + 1]) / 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--once", type=Path, nargs="?", const=Path(), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once is not None:
        run_once(arguments.once if arguments.once.name else None, arguments.threads)
        return
    with TemporaryDirectory() as folder:
        paths = {}
        for precision in PRECISIONS:
            write_bundle(arguments.model, precision, Path(folder) / precision)
            paths[precision] = Path(folder) / precision / "model.onnx"
        paths["torch"] = find_model(arguments.model) / "weights.safetensors"
        peaks = {name: peak_mb(path, arguments.threads) for name, path in paths.items()}
        runs = {name: run_of(path, arguments.threads) for name, path in paths.items()}
        sizes = {name: path.stat().st_size / 1e6 for name, path in paths.items()}
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(ROUNDS + 1):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                if turn:
                    seconds[name].append(time.perf_counter() - start)
    print(f"{SHAPE[3]} x {SHAPE[2]} px, {arguments.threads} threads, {ROUNDS} rounds")
    print("          file, MB   median (fastest), ms   time : fp32   peak memory, MB")
    for name, times in seconds.items():
        ratio = median(a / b for a, b in zip(times, seconds["fp32"], strict=True))
        spread = f"{median(times) * 1e3:.1f} ({min(times) * 1e3:.1f})"
        print(f"  {name:6s} {sizes[name]:9.2f}   {spread:>20s}   {ratio:11.2f}   {peaks[name]:15.0f}")
    print(f"  a process without a network {peak_mb(None, arguments.threads):36.0f}")


if __name__ == "__main__":
    main()
