from math import nan

import numpy as np
import pytest

from hairscan.training.growth_pairs import GrowthAgreement, evaluate_growth, growth_table, summarise_growth
from hairscan.visits.growth import Phase

A, T, U = Phase.ANAGEN, Phase.TELOGEN, Phase.UNDECIDED


def agreement(errors, true, found, phases):
    errors = np.array(errors, float)
    return GrowthAgreement(True, errors, errors / 5.0, 2 * errors, np.array(true), np.array(found, float), phases)


def test_figures_are_those_of_the_hairs():
    one = agreement([10.0, -5.0, nan, nan], [300.0, 0.0, 400.0, 0.0], [305.0, -2.0, nan, nan], (A, T, A, U))
    two = agreement([5.0, 500.0], [350.0, 0.0], [352.0, 200.0], (A, A))
    figures = summarise_growth([one, two], model="m").figures
    assert figures["elongation_bias_um"].value == pytest.approx(127.5)
    assert figures["gross_share"].value == pytest.approx(0.25)
    assert figures["z_sd"].value == pytest.approx(np.std([2.0, -1.0, 1.0], ddof=1))
    assert figures["traced_sd_um"].value == pytest.approx(2 * figures["elongation_sd_um"].value)
    assert figures["rate_bias_um_per_day"].value == pytest.approx((305 + 352 + 200) / 3 - 350)
    assert figures["share_error"].value == pytest.approx(4 / 5 - 3 / 6)
    assert figures["undecided_share"].value == pytest.approx(1 / 6)
    assert figures["wrong_share"].value == pytest.approx(1 / 5)
    assert figures["measured"].value == 1.0


def test_a_refused_pair_counts_as_not_measured_and_nothing_else():
    none = np.zeros(0)
    refused = GrowthAgreement(False, none, none, none, none, none, ())
    kept = agreement([1.0, 2.0], [300.0, 0.0], [301.0, 1.0], (A, T))
    figures = summarise_growth([refused, kept], model="m")
    assert (figures.pairs, figures.hairs) == (2, 2)
    assert figures.figures["measured"].value == 0.5
    assert figures.figures["elongation_bias_um"].value == 1.5
    table = growth_table(summarise_growth([refused], model="m"))
    assert dict(table.rows)["elongation error, mean, µm"] == ""


def test_a_pair_goes_the_whole_way_and_its_table_names_what_it_rests_on(segmenter):
    told = []
    agreements = evaluate_growth(1, segmenter, progress=lambda: told.append(1))
    assert told == [1]
    table = growth_table(summarise_growth(agreements, model="default"))
    assert agreements[0].measured
    assert len(agreements[0].phase) >= 5
    assert "No real growth pair" in " ".join(table.note.split())
    assert table.headings == ("figure", "default")
