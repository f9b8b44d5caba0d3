"""What a faulty lever leaves open, and what is certain in spite of it.

Whatever its faults are mended to, what a lever can have changed ends somewhere: a merger of
communities stays in its townships and moves no unit to another, a transfer stays in its counties,
levers on townships leave the settlements of every unit alone.
"""

from __future__ import annotations

from collections.abc import Collection

from sim.levers.lever import Lever
from sim.levers.site import Site


def open_all(site: Site) -> None:
    """Leaves everything open: nobody knows what is done before."""
    site.sure, site.anything = False, True
    site.loose |= set(site.units)
    site.adrift |= set(site.units)


def leave_open(site: Site, kind: type[Lever] | None, part: Lever | None) -> None:
    """Leaves open what a faulty lever would have made of the units; part: what can be used of it,
    kind: None where nobody can tell."""
    if kind is not None and not kind.redraws:
        return
    site.sure = False
    reached = part.may_reach(site) if part is not None else None
    reached = set(site.units) if reached is None else reached
    if kind is None or kind.reshapes:
        site.loose |= reached
    if kind is None or kind.moves:
        site.adrift |= reached
    ids = part.may_make(site) if part is not None else None
    if ids is None:
        site.anything = True
    else:
        site.named |= set(ids)


def units_in_doubt(site: Site, units: Collection[str]) -> bool:
    """Whether it is open what these units are."""
    known = all(u in site.units for u in units)
    return not known or not (site.loose | site.adrift).isdisjoint(units)


def townships_in_doubt(site: Site, townships: Collection[str]) -> bool:
    """Whether it is open what lies in these townships."""
    if not all(t in site.townships for t in townships):
        return True
    counties = {site.townships[t].county for t in townships}  # which no unit leaves
    adrift = not site.adrift.isdisjoint(under(site, counties=counties))
    return adrift or units_in_doubt(site, under(site, townships=townships))


def under(
    site: Site, *, counties: Collection[str] = (), townships: Collection[str] = ()
) -> set[str]:
    """Units in these counties, and in these townships."""
    within = {*townships, *(t.id for t in site.townships.values() if t.county in counties)}
    return {u.id for u in site.units.values() if u.township in within}


def in_counties_of(site: Site, townships: Collection[str]) -> set[str] | None:
    """The units of the counties of those of these townships that are known, None without any."""
    counties = {site.townships[t].county for t in townships if t in site.townships}
    return under(site, counties=counties) if counties else None
