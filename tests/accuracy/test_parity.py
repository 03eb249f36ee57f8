"""Gates on precision: the same 40 photographs counted and measured by torch, and by a bundle of every precision."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from hairscan.phantom import render_scene, sample_scene
from hairscan.photo import read_photo
from hairscan.score import score_read_photo
from hairscan.segment import load_model, model_folders
from hairscan.segment.torch_backend import TorchBackend
from hairscan.training.bundle import write_bundle
from hairscan.training.vectors import read_samples

pytestmark = pytest.mark.accuracy

FDU = Path(__file__).resolve().parents[3] / "shared" / "data" / "fdu"
PHOTOS = 40
UM_PER_PX = 2.78
MAX_COUNT_CHANGE = {"fp32": 0.01, "fp16": 0.01, "int8": 0.02}
MAX_WIDTH_CHANGE_UM = {"fp32": 0.5, "fp16": 0.5, "int8": 1.0}


@pytest.fixture(scope="module")
def photos():
    """Photographs of the validation part, or phantoms of what they show where the data is not here."""
    if FDU.is_dir():
        samples = [sample for sample in read_samples(FDU, um_per_px=UM_PER_PX) if sample.part == "validation"]
        return [read_photo(s.image, um_per_px=UM_PER_PX) for s in samples[:: len(samples) // PHOTOS][:PHOTOS]]
    return [read_photo(drawn(index), um_per_px=4.0) for index in range(PHOTOS)]


def drawn(index):
    rng = np.random.default_rng((2**29, index))
    scene = sample_scene("clipped", rng, width_px=800, height_px=640, um_per_px=4.0)
    return render_scene(scene, rng).rgb


@pytest.fixture(scope="module")
def measure(photos):
    """Give the count of every photograph, and the mean width of all counted hairs, um."""

    def run(segmenter):
        results = [score_read_photo(photo, segmenter) for photo in photos]
        widths_um = [
            hair.width_px * photo.scale.um_per_px
            for photo, result in zip(photos, results, strict=True)
            for hair in result.traced
            if hair.counted
        ]
        return np.array([result.photo.hair_count for result in results]), float(np.nanmean(widths_um))

    return run


@pytest.fixture(scope="module")
def by_torch(measure, segmenter):
    return measure(replace(segmenter, backend=TorchBackend(model_folders()["default"] / "weights.safetensors", "cpu")))


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_bundle_counts_and_measures_as_torch_does(precision, measure, by_torch, tmp_path, capsys):
    calibration = read_samples(FDU, um_per_px=UM_PER_PX) if precision == "int8" and FDU.is_dir() else []
    write_bundle("default", precision, tmp_path, samples=calibration)
    counts, width_um = measure(load_model(tmp_path, "cpu"))
    true_counts, true_width_um = by_torch
    change = counts.sum() / true_counts.sum() - 1.0
    with capsys.disabled():
        print(
            f"\n{precision} beside torch, {len(counts)} photographs: count {change:+.4f} of {true_counts.sum()} in "
            f"total, {np.abs(counts - true_counts).mean():.2f} hairs per photograph, "
            f"{(counts != true_counts).mean():.0%} of them changed; mean width {width_um - true_width_um:+.3f} um"
        )
    assert abs(change) <= MAX_COUNT_CHANGE[precision]
    assert abs(width_um - true_width_um) <= MAX_WIDTH_CHANGE_UM[precision]
