"""Levers are checked against the case one after the other, in the order of their dates.

Everything that can be said is said at once: a lever with a fault of form has its other ids checked
all the same, and so have the levers after it. Nothing is said that an earlier fault may have
caused: once a faulty lever leaves it open what units there are, only ids that no lever can have
made are called unknown, and what it cannot have changed (`sim.levers.doubt`) is checked as before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from sim.case.messages import Problem, Problems
from sim.levers.doubt import leave_open
from sim.levers.lever import Lever
from sim.levers.reading import SOME_DAY, Entry
from sim.levers.site import Site, Standing

Placed = tuple[Lever, tuple[Path, int, int]]

# what holds of one key whatever the faults of others: in the scenario, and in tables it names
OF_ONE_KEY = {
    "closed-already", "damaged-id", "ended", "missing-file", "named-twice", "no-place",
    "not-a-file", "not-adjacent", "outside-case", "two-mergers", "two-townships", "unknown-id",
}  # fmt: skip
OF_ALL_TABLES = {
    "id-taken", "orphan-settlement", "seat-outside", "unit-without-settlement", "unknown-id",
}  # fmt: skip


def bind_all(entries: Iterable[Entry], site: Site) -> tuple[list[Placed], list[Placed]]:
    """The levers that are ready to run, in the order of their dates, and those at fault whose
    dates are known; each with the place of its date."""
    found, bound, faulty = list(entries), [], []
    before, said = site.copy(), Said(site.problems)
    undated = [entry for entry in found if entry.date is None]
    for entry in undated:
        site.standing = _standing(entry, SOME_DAY)
        leave_open(site, entry.kind, entry.part)
    for entry, step in _steps(found, site):
        site.standing = _standing(entry, step.date)
        place = site.standing.document.path, *site.standing.place("date")
        so_far = len(site.problems.found)
        ready = step.bind(site) if entry.lever is not None else None
        if entry.lever is None:
            _say_the_rest(entry, site, said)
        if ready is not None:
            bound.append((ready, place))
        elif entry.lever is None or site.problems.has_errors(so_far) or not site.sure:
            leave_open(site, entry.kind, step)
            step.note(site)
            faulty.append((step, place))
    before.anything, before.named = site.anything, site.named | set(site.units)
    before.named |= set(site.townships)
    before.loose, before.adrift = set(before.units), set(before.units)  # at whatever day
    for entry in undated:
        if entry.part is not None:
            before.standing = _standing(entry, SOME_DAY)
            _say_the_rest(entry, before, said)
    return bound, faulty


def _steps(entries: Iterable[Entry], site: Site) -> list[tuple[Entry, Lever]]:
    """The steps in which levers act, by their dates; a lever with faults of form counts as one."""
    steps: list[tuple[Entry, Lever]] = []
    for entry in entries:
        if entry.lever is not None:
            steps += [(entry, step) for step in entry.lever.stages(site)]
        elif entry.part is not None and entry.date is not None:
            steps.append((entry, entry.part))
    return sorted(steps, key=lambda step: step[1].date)


def _standing(entry: Entry, day: date) -> Standing:
    return Standing(entry.document, entry.keys, day)


class Said:
    """What has been said so far, found again without a search: a file may have thousands of faults
    of one kind."""

    def __init__(self, problems: Problems) -> None:
        self._problems, self._known = problems, 0
        self._said: set[Problem] = set()
        self._places: set[tuple] = set()

    def add_new(self, problems: Iterable[Problem]) -> None:
        """Adds what has not been said, nor of the same sign that it is damaged."""
        found = self._problems.found
        for p in found[self._known :]:
            self._said.add(p)
            self._places.add((p.path, p.line, p.column))
        self._known = len(found)
        for p in problems:
            again = p.code == "damaged-id" and (p.path, p.line, p.column) in self._places
            if p not in self._said and not again:
                found.append(p)


def _say_the_rest(entry: Entry, at: Site, said: Said) -> None:
    """Says what is wrong with the sound keys of a faulty lever, tried on a copy of `at`."""
    if entry.part is None:
        return
    trial = at.copy()
    trial.sure = False
    entry.part.bind(trial)
    said.add_new(p for p in trial.problems if p.severity == "error" and _holds(p, entry))


def _holds(problem: Problem, entry: Entry) -> bool:
    if problem.path == entry.document.path:
        return problem.code in OF_ONE_KEY
    return problem.code not in OF_ALL_TABLES
