"""The hairs of one site through all its visits: what was matched two by two becomes one history per hair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeGuard

from hairscan.types import Hair
from hairscan.visits.compare import Comparison
from hairscan.visits.matching import ComparedHair, Status

_DOUBTFUL = 0.5


class Seen(StrEnum):
    """What a visit shows of a hair."""

    PRESENT = "present"
    ABSENT = "absent"
    UNDECIDED = "undecided"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A hair at one visit.

    Attributes
    ----------
    hair : Hair or None
        Where it is present; its id is -1 where only another visit showed where to look.
    confidence : float or None
        How sure the status is, 0 to 1; None where the place is not shown.
    """

    status: Seen
    hair: Hair | None = None
    confidence: float | None = None


UNDECIDED = Sighting(Seen.UNDECIDED, None, _DOUBTFUL)
NOT_SHOWN = Sighting(Seen.NOT_SHOWN)


@dataclass(slots=True)
class History:
    """One hair: what each visit, by its place in time, shows of it.

    Attributes
    ----------
    of_baseline : bool
        Whether the baseline traced it.
    disputed : set of int
        Visits of which two comparisons say the opposite: undecided for good.
    """

    of_baseline: bool
    at: dict[int, Sighting] = field(default_factory=dict)
    disputed: set[int] = field(default_factory=set)

    def add(self, visit: int, seen: Sighting) -> None:
        """Take note of what one more comparison says of a visit.

        What was decided outweighs what was not, a hair that was seen is not unseen, and one that was found absent and
        present is undecided: a contradiction never becomes a change.
        """
        known = self.at.get(visit)
        if visit in self.disputed:
            return
        if known is None or known.status is Seen.UNDECIDED:
            self.at[visit] = seen
        elif known.status is Seen.ABSENT and seen.status is Seen.PRESENT:
            self.dispute(visit)

    def dispute(self, visit: int) -> None:
        """Make a visit undecided for good."""
        self.disputed.add(visit)
        self.at[visit] = UNDECIDED

    def holds(self, visit: int, hair: Hair) -> bool:
        """Whether a hair of a visit can be nothing but this one."""
        known = self.at[visit].hair
        return visit in self.disputed or (known is not None and known.hair_id == hair.hair_id)


Pair = tuple[int, int]
"""Two visits, by their places in time, the baseline of the comparison first."""


def hair_histories(
    base: int, with_baseline: Mapping[int, Comparison], between: Mapping[Pair, Comparison]
) -> list[History]:
    """History of every hair of a common area: those of the baseline first, then as they came.

    Parameters
    ----------
    base : int
        Place of the baseline in time.
    with_baseline : mapping
        Comparison of the baseline with each visit that could be compared.
    between : mapping
        Comparisons of such visits with each other, in time; not of the baseline.

    Notes
    -----
    A hair of the baseline is what the comparisons with the baseline say. Hairs that the baseline does not have are
    followed from visit to visit. Where a chain of matches leads from such a hair to one of the baseline, the two are
    one hair, and a visit at which it was taken for lost or gained is undecided.
    """
    found = _Histories(base, with_baseline)
    for (earlier, later), comparison in between.items():
        for one in comparison.hairs:
            if _is_traced(one.baseline) and _is_traced(one.followup):
                found.join(earlier, one.baseline, later, one.followup)
    pairs = {**{(base, visit): comparison for visit, comparison in with_baseline.items()}, **between}
    found.begin_others(pairs)
    found.tell_neighbours(between)
    visits = [base, *with_baseline]
    for history in found.histories:
        for visit in visits:
            history.at.setdefault(visit, NOT_SHOWN if history.of_baseline or visit == base else UNDECIDED)
    return sorted(found.histories, key=lambda history: _order(history, base))


class _Histories:
    """Histories that grow, and whose every traced hair is."""

    def __init__(self, base: int, with_baseline: Mapping[int, Comparison]) -> None:
        self.base = base
        self.histories: list[History] = []
        self._owner: dict[tuple[int, int], History] = {}
        self._against: dict[tuple[int, int], Sighting] = {}
        for visit, comparison in with_baseline.items():
            for one in comparison.hairs:
                self._begin(visit, one)

    def _begin(self, visit: int, one: ComparedHair) -> None:
        """Take note of a hair of a comparison with the baseline."""
        before, after = _sightings(one)
        if one.followup is not None and one.followup.hair_id >= 0:
            self._against[visit, one.followup.hair_id] = before
        if one.baseline is None or one.baseline.hair_id < 0:
            return
        own = Sighting(Seen.PRESENT, one.baseline, one.baseline.confidence)
        history = self._owner.get((self.base, one.baseline.hair_id)) or self._new(self.base, own, of_baseline=True)
        history.add(visit, after)
        if _is_traced(after.hair):
            self._owner[visit, after.hair.hair_id] = history

    def join(self, earlier: int, one: Hair, later: int, other: Hair) -> None:
        """Take note that a hair of a visit is a hair of a later one."""
        first, second = self._owner.get((earlier, one.hair_id)), self._owner.get((later, other.hair_id))
        if first is None:
            first = self._new(earlier, _present(one), of_baseline=False) if second is None else None
        if first is None and second is not None:
            self._lead(second, earlier, one)
        elif first is not None and second is None:
            self._lead(first, later, other)
        elif first is not None and second is not None and first is not second and not first.of_baseline:
            self._merge(first, second)

    def begin_others(self, pairs: Mapping[Pair, Comparison]) -> None:
        """Begin a history for every hair that has none, and tell those of no baseline hair what the baseline shows."""
        traced = {
            (visit, hair.hair_id): hair
            for (earlier, later), comparison in pairs.items()
            for one in comparison.hairs
            for visit, hair in ((earlier, one.baseline), (later, one.followup))
            if _is_traced(hair)
        }
        for (visit, hair_id), hair in sorted(traced.items(), key=lambda item: item[0]):
            if (visit, hair_id) not in self._owner:
                self._new(visit, _present(hair), of_baseline=False)
        for history in self.histories:
            if not history.of_baseline:
                seen = [self._against.get((visit, s.hair.hair_id)) for visit, s in history.at.items() if s.hair]
                if (verdict := _agreed(filter(None, seen))) is not None:
                    history.at[self.base] = verdict

    def tell_neighbours(self, between: Mapping[Pair, Comparison]) -> None:
        """Tell each history what the visits next to its own say of it."""
        for (earlier, later), comparison in between.items():
            for one in comparison.hairs:
                before, after = _sightings(one)
                for visit, seen, other, told in ((earlier, before, later, after), (later, after, earlier, before)):
                    owner = self._owner.get((visit, seen.hair.hair_id)) if _is_traced(seen.hair) else None
                    if owner is not None and not _is_traced(told.hair):
                        _tell(owner, other, told)
            self._say_not_shown(earlier, later, comparison)

    def _say_not_shown(self, earlier: int, later: int, comparison: Comparison) -> None:
        """Tell the hairs of two visits that the comparison does not hold: their place is not in the common area."""
        for visit, other, half in ((earlier, later, "baseline"), (later, earlier, "followup")):
            held = {hair.hair_id for one in comparison.hairs if (hair := getattr(one, half)) is not None}
            for (at, hair_id), owner in self._owner.items():
                if at == visit and hair_id not in held and not owner.of_baseline:
                    owner.at.setdefault(other, NOT_SHOWN)

    def _new(self, visit: int, seen: Sighting, *, of_baseline: bool) -> History:
        history = History(of_baseline, {visit: seen})
        self.histories.append(history)
        if seen.hair is not None:
            self._owner[visit, seen.hair.hair_id] = history
        return history

    def _lead(self, history: History, visit: int, hair: Hair) -> None:
        """Follow a history to a hair that had none; where the baseline lacks that hair, the visit is disputed."""
        said = self._against.get((visit, hair.hair_id))
        if history.of_baseline and said is not None and said.status is Seen.ABSENT:
            if history.at.get(visit, NOT_SHOWN).status is not Seen.PRESENT:
                history.dispute(visit)
        else:
            history.add(visit, _present(hair))
        if history.holds(visit, hair):
            self._owner[visit, hair.hair_id] = history

    def _merge(self, other: History, history: History) -> None:
        """Add a hair of no baseline to the hair of the baseline that it turned out to be."""
        self.histories.remove(other)
        for visit, seen in other.at.items():
            if seen.hair is None:
                continue
            del self._owner[visit, seen.hair.hair_id]
            self._lead(history, visit, seen.hair)


def _tell(history: History, visit: int, seen: Sighting) -> None:
    """Tell a history what a neighbouring visit shows; a hair of the baseline only learns that it is there."""
    if history.of_baseline and seen.status is not Seen.PRESENT:
        return
    history.add(visit, seen)


def _sightings(one: ComparedHair) -> tuple[Sighting, Sighting]:
    """What both visits of a comparison show of a hair."""
    missing = {Status.LOST: Seen.ABSENT, Status.GAINED: Seen.ABSENT}.get(one.status, Seen.UNDECIDED)
    before, after = (
        Sighting(missing, None, one.confidence) if hair is None else Sighting(Seen.PRESENT, hair, one.confidence)
        for hair in (one.baseline, one.followup)
    )
    return before, after


def _agreed(seen: Iterable[Sighting]) -> Sighting | None:
    """What several comparisons say of one visit together; None where they say nothing."""
    said = list(seen)
    decided = [one for one in said if one.status is not Seen.UNDECIDED]
    if len({one.status for one in decided}) == 1:
        return decided[0]
    return UNDECIDED if said else None


def _is_traced(hair: Hair | None) -> TypeGuard[Hair]:
    return hair is not None and hair.hair_id >= 0


def _present(hair: Hair) -> Sighting:
    return Sighting(Seen.PRESENT, hair, hair.confidence)


def _order(history: History, base: int) -> tuple[bool, int, int]:
    """Place of a hair among those of its site."""
    visit = base if history.of_baseline else min(_own(history))
    hair = history.at[visit].hair
    return not history.of_baseline, visit, -1 if hair is None else hair.hair_id


def _own(history: History) -> Iterator[int]:
    """Visits that traced a hair."""
    return (visit for visit, seen in history.at.items() if _is_traced(seen.hair))
