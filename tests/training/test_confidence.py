"""The fitted confidence: it orders hairs rightly, and its threshold counts as many as there are."""

import shutil

import numpy as np
import pytest
from scipy.special import expit

from hairscan.segment import find_model
from hairscan.trace.confidence import READINGS, confidence_of
from hairscan.training import confidence
from hairscan.training.confidence import Candidates, fair_threshold, fit_weights
from hairscan.training.evaluate import PHANTOM_SIZE_PX


@pytest.fixture
def photographs():
    """Candidates whose chance to be a hair rises with the root's evidence, and with nothing else."""
    rng = np.random.default_rng(0)
    out = []
    for _ in range(40):
        readings = rng.normal(size=(50, len(READINGS)))
        is_hair = rng.random(50) < expit(3.0 * readings[:, READINGS.index("root")])
        out.append(Candidates(readings, is_hair, int(is_hair.sum())))
    return out


def test_the_reading_that_matters_gets_the_weight(photographs):
    weights = np.array(fit_weights(photographs))
    root = 1 + READINGS.index("root")
    assert weights[root] == pytest.approx(3.0, abs=0.4)
    assert np.abs(np.delete(weights, root)).max() < 0.3


def test_probabilities_are_fair(photographs):
    weights = fit_weights(photographs)
    readings = np.concatenate([one.readings for one in photographs])
    is_hair = np.concatenate([one.is_hair for one in photographs])
    probability = confidence_of(readings, weights)
    assert probability.sum() == pytest.approx(is_hair.sum(), rel=0.02)


def test_the_threshold_counts_as_many_as_there_are(photographs):
    weights = fit_weights(photographs)
    threshold = fair_threshold(photographs, weights)
    counted = sum(int((confidence_of(one.readings, weights) >= threshold).sum()) for one in photographs)
    assert counted == pytest.approx(sum(one.true_count for one in photographs), rel=0.02)


def test_what_begins_at_the_border_of_a_phantom_is_no_candidate(monkeypatch):
    width, height = PHANTOM_SIZE_PX
    middle = np.array([width / 2, height / 2])
    ends = np.array([[middle, middle + 60.0], [(2.0, middle[1]), middle]])
    monkeypatch.setattr(confidence, "_shafts", lambda *_: (ends, np.zeros((2, len(READINGS)))))
    assert len(confidence._of_phantom("long", 0, None).readings) == 1


def test_photographs_whose_hairs_the_network_does_not_see_set_no_threshold(photographs, monkeypatch, tmp_path):
    bald = Candidates(np.zeros((0, len(READINGS))), np.zeros(0, bool), 0.0)
    folder = shutil.copytree(find_model("default"), tmp_path / "model")
    monkeypatch.setattr(confidence, "_of_sample", lambda *_: bald)
    monkeypatch.setattr(confidence, "_of_phantom", lambda *_: photographs[0])
    found = confidence.calibrate_model(folder, [None])
    assert found.hair_threshold == fair_threshold([photographs[0]], found.confidence_weights)
