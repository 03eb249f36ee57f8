from pathlib import Path

import pytest
import yaml

from hairscan.errors import TrialError
from hairscan.trial.design import Design, read_design

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture
def problems(tmp_path):
    """Lines of the error that a design gives."""

    def read(settings):
        path = tmp_path / "design.yaml"
        path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
        with pytest.raises(TrialError) as error:
            read_design(path)
        return [*error.value.problems] or [str(error.value)]

    return read


@pytest.mark.parametrize("name", ["trial-parallel.yaml", "trial-split-scalp.yaml"])
def test_the_examples_are_designs(name):
    design = read_design(CONFIGS / name)
    assert design.layout in name
    assert design.control in design.arms
    assert len(design.sha256) == 64


def test_a_key_given_twice_is_named_with_its_line(problems, settings):
    text = yaml.safe_dump({**settings, "alpha": 0.05}, sort_keys=False)
    n_lines = len(text.splitlines())
    twice = (
        "alpha: 0.01\nexclude: [{subject: S1, reason: dyed, reason: cut}]\nexclude:\n- {subject: S2, reason: moved}\n"
    )
    assert problems(text + twice) == [
        f"design.yaml line {n_lines + 1}: alpha stands in line {n_lines} already: keep one of them",
        f"design.yaml line {n_lines + 3}: exclude stands in line {n_lines + 2} already: keep one of them",
        f"design.yaml line {n_lines + 2}: reason stands in line {n_lines + 2} already: keep one of them",
    ]
    # 0 and "0" name the same visit
    number = text.replace("  '0': 0", "  '0': 0\n  0: 3")
    assert number != text
    assert "0 stands in line" in problems(number)[0]


def test_the_level_of_intervals_belongs_to_alpha(tmp_path, settings):
    assert Design(**settings).level == "95 %"
    assert Design(**{**settings, "alpha": 0.001}).level == "99.9 %"


def test_names_of_visits_may_be_numbers(tmp_path, settings):
    path = tmp_path / "design.yaml"
    path.write_text(yaml.safe_dump({**settings, "visits": {0: 0, 12: 12}, "baseline": 0, "primary_visit": 12}))
    design = read_design(path)
    assert design.visits == {"0": 0, "12": 12}
    assert design.later_visits == ("12",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"baseline": "3"}, "baseline: 3 is not one of the visits (0, 12, 24)"),
        ({"baseline": "12"}, "baseline: 12 (week 12) is not the first visit"),
        ({"primary_visit": "0"}, "primary_visit: 0 is the baseline"),
        ({"endpoints": ["density"]}, "endpoints: density is no endpoint: choose among density_per_cm2,"),
        ({"endpoints": ["hair_count", "hair_count"]}, "endpoints: hair_count stands twice"),
        ({"alpha": 5}, "alpha is 5: should be less than 0.5"),
        ({"layout": "cross-over"}, "layout is 'cross-over': choose parallel or split-scalp"),
        ({"treatments": []}, "treatments: give at least 1"),
        ({"treatments": ["placebo"]}, "treatments: placebo is the control"),
        ({"colour": "red"}, "colour is not a setting: choose among title,"),
        ({"visits": {"0": 0, "a": 12, "b": 12, "24": 24}}, "visits: a and b are both in week 12"),
        ({"responder": {"endpoint": "hair_count", "change": 2}}, "responder: hair_count is not among the endpoints"),
        ({"responder": {"endpoint": "mean_width_um"}}, "responder.percent: say either a change or a percent"),
        ({"exclude": [{"subject": "S1"}]}, "exclude.0.reason is missing"),
        ({"exclude": [{"subject": "S1", "reason": "x"}] * 2}, "exclude: S1 stands twice"),
        ({"implausible": {"hair_count": 0}}, "implausible: every change must be greater than 0"),
        ({"differences": {"hair_count": [-1]}}, "differences: every difference must be greater than 0"),
        ({"unusable_flags": ["dirty"]}, "unusable_flags: no photograph has the flag dirty"),
        ({"layout": "split-scalp", "control": None}, "control: a split-scalp trial compares two sides"),
        ({"layout": "split-scalp", "covariates": ["age"]}, "covariates: the two sides of a subject share them"),
        ({"control": False}, "control is False: put the name in quotes"),
    ],
)
def test_every_problem_has_its_line(problems, settings, changes, words):
    lines = problems({**settings, **changes})
    assert len(lines) == 1
    assert words in lines[0]


def test_all_problems_at_once(problems, settings):
    settings = {**settings, "alpha": 2, "baseline": "x", "endpoints": ["density"], "multiplicity": "none"}
    del settings["title"]
    assert len(problems(settings)) == 5


@pytest.mark.parametrize("text", ["a: [", "- 1", ""])
def test_not_a_design(problems, text):
    assert len(problems(text)) == 1


def test_missing_file():
    with pytest.raises(TrialError, match=r"configs/trial-parallel\.yaml"):
        read_design(Path("nowhere.yaml"))
