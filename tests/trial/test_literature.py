"""The table of published trials, and what is said about comparing with it."""

import re

import pandas as pd
import pytest

from hairscan.trial.literature import AGAINST, CHANGE, literature_table, published_effects, published_trials
from hairscan.trial.parameters import PARAMETERS

KINDS = {"exosome", "prp", "conditioned medium", "cell extract", "minoxidil", "finasteride", "microneedling", "placebo"}
EFFECTS = pd.DataFrame({"endpoint": ["density_per_cm2", "mean_width_um"], "week": [12.0, 24.0]})


@pytest.fixture(scope="module")
def published():
    return published_trials()


def words_of(published, **names):
    table = literature_table(published, EFFECTS)
    chosen = table[(table[list(names)] == pd.Series(names)).all(axis=1)]
    assert len(chosen) == 1
    return chosen["not_comparable"].iloc[0]


def test_every_number_has_a_source_and_says_how_it_was_read(published):
    assert published["source_url"].str.match(r"https?://\S+\.\S+").all()
    assert published["verified"].str.match(r"abstract$|registry$|secondary$|derived: \S").all()
    assert set(published["kind"]) == KINDS
    assert set(published["comparison"]) == {CHANGE, AGAINST}
    assert ((published["comparison"] == AGAINST) == (published["control"] != "")).all()
    assert published["unit"].ne("").all()


def test_a_derived_number_is_what_its_arithmetic_gives(published):
    derived = published[published["verified"].str.fullmatch(r"derived: [\d.()/ +-]+(?: cm2)?")]
    assert len(derived) > 10
    for row in derived.to_dict("records"):
        arithmetic = row["verified"].removeprefix("derived: ").removesuffix(" cm2")
        assert re.fullmatch(r"[\d.()/ +-]+", arithmetic)
        assert row["effect"] == pytest.approx(eval(arithmetic), abs=0.051), row["study"]


def test_an_interval_holds_its_effect_and_a_number_without_one_says_so(published):
    bounded = published[published["effect_low"].notna()]
    assert (bounded["effect_low"] < bounded["effect"]).all()
    assert (bounded["effect"] < bounded["effect_high"]).all()
    assert (bounded["uncertainty_kind"] == "95 % CI").all()
    bare = published[published["uncertainty_kind"] == "none"]
    assert bare[["effect_low", "effect_high", "sd"]].isna().all(axis=None)


def test_numbers_of_the_trials_most_compared_with(published):
    prp = published_effects(published, "density_per_cm2", AGAINST).set_index("study")["effect"]
    assert prp["Kieling"] == 27.55
    assert prp["Split-scalp PRP, JAAD"] == pytest.approx(170.96 - 151 - (166.72 - 151.04))
    assert prp["Piraccini"] == pytest.approx(20.2 - 6.7)


def test_published_deltas_stand_beside_nothing(published):
    deltas = published[published["unit"] == "Cliff's delta"]
    assert len(deltas)
    for endpoint in PARAMETERS:
        for comparison in (CHANGE, AGAINST):
            assert "Cliff's delta" not in set(published_effects(published, endpoint, comparison)["unit"])
    assert literature_table(deltas, EFFECTS)["not_comparable"].str.contains("other unit: Cliff's delta").all()


def test_only_hairs_per_cm2_stand_beside_hairs_per_cm2(published):
    for comparison in (CHANGE, AGAINST):
        rows = published_effects(published, "density_per_cm2", comparison)
        assert set(rows["unit"]) == {"hairs/cm2"}
        assert rows["effect"].notna().all()
    assert set(published_effects(published, "mean_width_um", CHANGE)["unit"]) == {"um"}
    assert published_effects(published, "terminal_30um_per_cm2", AGAINST).empty


def test_words_about_what_cannot_be_compared(published):
    words = words_of(published, study="Tak", arm="vehicle", endpoint="hair_count")
    assert words == (
        "change of a control; other denominator: percent of the baseline; "
        "device: phototrichogram; no SD and no interval"
    )
    words = words_of(published, study="Cruciani", endpoint="hair_count")
    assert words.startswith("other denominator: hairs in 0.65 cm2")
    assert "no SD" not in words
    words = words_of(published, study="Hoffmann", endpoint="cumulative_width_mm_per_cm2", week=26)
    assert words.startswith("no control arm; ")
    assert "not an endpoint of this trial; other unit: mm" in words
    words = words_of(published, study="Aggarwal", comparison=AGAINST, endpoint="density_per_cm2")
    assert words.startswith("control is microneedling")
    assert words.endswith("time not stated")
    words = words_of(published, study="Propecia trials", endpoint="density_per_cm2")
    assert words.endswith("other time: week 52, here 24")
    assert "cut-off of terminal hairs not stated" in words_of(
        published, study="Gupta, network meta-analysis", endpoint="terminal_per_cm2"
    )
    assert words_of(published, study="Lee").startswith("no number published; no control arm")


def test_a_trial_without_visits_can_still_be_set_beside_the_others(published):
    table = literature_table(published, EFFECTS.iloc[:0])
    assert len(table) == len(published)
    assert not table["not_comparable"].str.contains("other time").any()
