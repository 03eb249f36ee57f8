"""How likely an agreement is by chance."""

from __future__ import annotations

from math import log, log10

from scipy.special import betainc

_LEAST = 1e-300


def log10_false_alarms(tests: float, trials: int, hits: int, chance: float) -> float:
    """Decimal logarithm of how many of so many tests would show so many hits by chance: below -3 it is no accident.

    Parameters
    ----------
    tests : float
        How many hypotheses were tried.
    trials, hits : int
        Of how many items how many agree.
    chance : float
        Probability that one item agrees by chance.

    Notes
    -----
    The expected number of false alarms of a-contrario detection (Desolneux, Moisan and Morel 2000): the tests times
    the binomial tail ``P(X >= hits) = I_chance(hits, trials - hits + 1)``.

    Examples
    --------
    >>> round(log10_false_alarms(100, 10, 3, 0.01), 1)
    -1.9
    """
    if hits <= 0:
        return log10(max(tests, 1.0))
    tail = float(betainc(hits, trials - hits + 1, min(chance, 1.0))) if hits <= trials else 0.0
    return log10(max(tests, 1.0)) + log10(max(tail, _LEAST))


def log10_both(first: float, second: float) -> float:
    """Decimal logarithm of how often chance gives two independent agreements together, each given as a logarithm.

    Notes
    -----
    Fisher's method for two: a product of chances, c, is smaller than c in ``c (1 - ln c)`` of the cases. What is no
    evidence (0 or more) only adds its tests.

    Examples
    --------
    >>> round(log10_both(-2.0, -2.0), 1)
    -3.0
    """
    together = first + second
    if first >= 0 or second >= 0:
        return together
    return together + log10(1.0 - log(10.0) * together)
