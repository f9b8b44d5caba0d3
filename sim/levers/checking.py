"""Levers are checked against the case one after the other, in the order of their dates.

Everything that can be said is said at once: a lever with a fault of form has its other ids checked
all the same, and so have the levers after it. Nothing is said that an earlier fault may have
caused: once a faulty lever leaves it open what units there are, only ids that no lever can have
made are called unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sim.case.messages import Problem
from sim.levers.lever import Lever
from sim.levers.reading import SOME_DAY, Entry
from sim.levers.site import Site, Standing

# what holds of one key whatever the faults of others: in the scenario, and in tables it names
OF_ONE_KEY = {
    "closed-already", "damaged-id", "ended", "missing-file", "named-twice", "no-place",
    "not-a-file", "outside-case", "unknown-id",
}  # fmt: skip
OF_ALL_TABLES = {
    "id-taken", "orphan-settlement", "seat-outside", "unit-without-settlement", "unknown-id",
}  # fmt: skip


def bind_all(entries: Iterable[Entry], site: Site) -> list[tuple[Lever, Standing]]:
    """The levers that are ready to run, with where they stand, in the order of their dates."""
    found, bound = list(entries), []
    before = site.copy()
    undated = [entry for entry in found if entry.date is None]
    for entry in undated:
        site.standing = _standing(entry, SOME_DAY)
        _doubt(entry.kind, entry.part, site)
    for day, entry in sorted(((e.date, e) for e in found if e.date), key=lambda pair: pair[0]):
        site.standing = _standing(entry, day)
        faults = len(site.problems.errors)
        if entry.lever is None:
            _say_the_rest(entry, site, site)
            _doubt(entry.kind, entry.part, site)
            continue
        ready = entry.lever.bind(site)
        if ready is not None:
            bound.append((ready, site.standing))
        elif len(site.problems.errors) > faults:
            _doubt(entry.kind, entry.lever, site)
    before.anything, before.named = site.anything, site.named | set(site.units)
    before.named |= set(site.townships)
    for entry in undated:
        if entry.part is not None:
            before.standing = _standing(entry, SOME_DAY)
            _say_the_rest(entry, before, site)
    return bound


def _standing(entry: Entry, day: date) -> Standing:
    return Standing(entry.document, entry.keys, day)


def _doubt(kind: type[Lever] | None, part: Lever | None, site: Site) -> None:
    """Leaves open what a faulty lever would have made of the units."""
    if kind is not None and not kind.redraws:
        return
    site.sure = False
    ids = part.may_make(site) if part is not None else None
    if ids is None:
        site.anything = True
    else:
        site.named |= set(ids)


def _say_the_rest(entry: Entry, at: Site, site: Site) -> None:
    """Says what is wrong with the sound keys of a faulty lever, tried on a copy of `at`."""
    if entry.part is None:
        return
    trial = at.copy()
    trial.sure = False
    entry.part.bind(trial)
    said = {(p.path, p.line, p.column) for p in site.problems}
    site.problems.found += [
        p
        for p in trial.problems
        if p.severity == "error"
        and _holds(p, entry)
        and p not in site.problems.found
        and not (p.code == "damaged-id" and (p.path, p.line, p.column) in said)
    ]


def _holds(problem: Problem, entry: Entry) -> bool:
    if problem.path == entry.document.path:
        return problem.code in OF_ONE_KEY
    return problem.code not in OF_ALL_TABLES
