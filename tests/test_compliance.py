"""Claims about the rules of the documents: a library, what each asks, who keeps it."""

import re
from collections import Counter

import numpy as np
import pytest

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.case.rules import authorities, rules_of
from sim.outcomes.access import Distances
from sim.outcomes.catalogue import OUTCOMES
from sim.outcomes.compliance import (
    MEASURES,
    WEEKLY,
    Area,
    compliance,
    floor_per_100,
    service_floor,
    share_of,
)
from sim.outcomes.rules import as_markdown, conflicts, judged, library
from sim.world.boundaries import RURAL, TOWN, URBAN
from sim.world.world import World
from tests.cases import name_rules, write_small_case
from tests.worlds import small_model

RULES = {r.id: r for r in library()}


def area_of(model) -> Area:
    state = model.state
    state.touch()
    return Area(state, Distances.of(state, model.constants.pace))


@pytest.fixture
def model():
    return small_model(100)


def share(model, rule: str) -> float | None:
    return share_of(RULES[rule], area_of(model))


# --- the library ------------------------------------------------------------------------------


def test_every_rule_is_judged_or_says_why_not():
    assert len(library()) == len(RULES) == 54
    metrics = {bool(r.not_judged): set() for r in library()}
    for r in library():
        metrics[bool(r.not_judged)].add(r.metric)
    assert metrics[False] == set(MEASURES) and set(WEEKLY) <= set(MEASURES)
    assert not metrics[False] & metrics[True]


def test_every_judged_rule_is_an_outcome_of_the_catalogue():
    listed = {name for name in OUTCOMES if name.startswith("compliance.")}
    assert listed == {r.outcome for r in judged()}
    assert all(re.fullmatch(r"\w+\.\w+\.\w+", name) for name in OUTCOMES)


def test_rules_that_ask_different_things_stand_side_by_side():
    together = [[r.id for r in rules] for rules in conflicts()]
    assert ["NT-20m2", "CD2017-30m2", "SC2018-8-30m2", "MS145-40m2"] in together
    assert ["SC2018-5-urban-min", "MS145-3-1-urban-min"] in together
    assert ["SC2018-8-cover-rural", "WJ2017-cover-rural"] in together


def test_the_list_of_rules_names_each_once():
    rows = [line for line in as_markdown().split("\n") if line.startswith("| ")]
    for r in library():
        named = f"`{r.outcome}`" if not r.not_judged else f"| {r.id} |"
        assert sum(named in row for row in rows) == 1


def test_what_is_asked_of_each_and_of_a_share():
    each, enough = RULES["SC2018-5-rural-max"], RULES["WJ2017-cover-rural"]
    assert each.kept(np.array([1500.0, 1501.0])).tolist() == [True, False]
    assert each.target == 1 and each.met(1.0) and not each.met(0.99)
    assert enough.kept(np.array([0, 1, 3])).tolist() == [False, True, True]
    assert enough.target == 0.8 and enough.met(0.8) and not enough.met(0.79)
    assert not RULES["MS145-park-95"].met(0.95)  # over 95 %


def test_a_case_is_measured_by_the_rules_of_the_nation_and_of_those_it_names(tmp_path):
    assert {r.authority for r in library()} >= {"national", *authorities()} - {"national"}
    answered = {}
    for named in ((), ("chengdu",), ("sichuan", "meishan"), authorities()):
        folder = name_rules(write_small_case(tmp_path / str(len(named))), named)
        world = World.of(Case.open(folder), Parameters.load())
        (saved := tmp_path / f"world-{len(named)}").mkdir()
        world.save(saved)
        assert World.open(saved).rules == world.rules == tuple(named)
        area = area_of(small_model(world=world))
        answered[named] = compliance(area, weekly=False) | compliance(area, weekly=True)
        asked = {r.outcome for r in rules_of(named)}
        assert answered[named].keys() <= {(name, "all") for name in asked}
    everything = answered[authorities()]
    assert all(a.items() <= everything.items() for a in answered.values())
    few = {name for name, _ in answered[()]}
    assert few == {f"compliance.{x}.share" for x in (
        "NAT_18_workers", "GB50180_15", "GB50180_10", "GB50180_5")}  # fmt: skip
    assert {name for name, _ in answered["chengdu",]} - few == {
        "compliance.CD2017_30m2.share",
        "compliance.GREEN_300.share",
        "compliance.CIRCLE_15.share",
    }


@pytest.mark.parametrize(("word", "hint"), [("sichuna", "sichuan"), ("national", "leave it out")])
def test_an_authority_without_rules_is_said_at_its_line(tmp_path, word, hint):
    folder = name_rules(write_small_case(tmp_path / "c"), ["meishan", word])
    with pytest.raises(InputError) as error:
        Case.open(folder)
    (p,) = error.value.problems
    assert (p.code, p.line) == ("bad-value", 9) and word in p.message + p.hint
    assert hint in p.message + p.hint


# --- measured one by one ----------------------------------------------------------------------


def test_sizes_are_those_of_resident_households_and_persons(model):
    h, area = model.state.households, area_of(model)
    unit = model.state.boundaries.unit_of[h.settlement]
    for u in range(4):
        present = h.present[unit == u].sum(axis=1)
        assert area.homes[u] == (present > 0).sum()
        assert area.population[u] == present.sum()
    assert area.homes.sum() < h.settlement.size  # some are away altogether


@pytest.mark.parametrize(("kind", "rule"), [
    (URBAN, "SC2018-5-urban-max"), (TOWN, "SC2018-5-town-max"), (RURAL, "SC2018-5-rural-max"),
])  # fmt: skip
def test_a_rule_is_asked_of_units_of_its_type_only(model, kind, rule):
    units = model.state.boundaries.units
    for u in units:
        u.type = kind
    assert share(model, rule) == 1
    units[0].type = (kind + 1) % 3
    assert share(model, rule) == 1
    for u in units:
        u.type = (kind + 1) % 3
    assert share(model, rule) is None  # nobody is concerned


def test_service_floor_is_that_of_the_stations_of_the_unit(model):
    state = model.state
    f, floor = state.facilities, service_floor(area_of(model))
    households = np.bincount(state.boundaries.unit_of[state.households.settlement])
    assert floor == pytest.approx(100 * 200 / households)
    for metres, rule in ((20, "NT-20m2"), (30, "SC2018-8-30m2"), (40, "MS145-40m2")):
        assert share(model, rule) == (floor >= metres).mean()
    found = floor_per_100(area_of(model))["access.service_floor.per_100_households", "all"]
    assert found == pytest.approx(100 * 800 / households.sum())
    points = np.array([i.startswith("P-") for i in f.id])
    f.floor[points] /= 4
    shares = [share(model, r) for r in ("NT-20m2", "SC2018-8-30m2", "MS145-40m2")]
    assert shares == sorted(shares, reverse=True)


def test_a_unit_without_a_station_is_not_covered(model):
    f = model.state.facilities
    assert share(model, "MS145-cover") == share(model, "SC2018-8-cover-rural") == 1
    f.closed[[i.startswith("P-999902") for i in f.id]] = 0  # those of both villages
    assert share(model, "MS145-cover") == 0.5
    assert share(model, "SC2018-8-cover-rural") == 0
    assert share(model, "SC2018-8-cover-urban") == 1


def test_shares_of_persons_count_persons(model):
    state, area = model.state, area_of(model)
    distances = area.distances
    urban = np.array([u.type == URBAN for u in state.boundaries.units])[state.boundaries.unit_of]
    persons = state.census.people[:, :, :3].sum(axis=2) * urban[:, None]
    near = np.ones(persons.shape, bool)
    for service in ("elder_care", "nursery", "shop", "health", "culture", "green"):
        near &= distances.service(state, service) <= 15
    assert share(model, "CIRCLE-15") == pytest.approx((persons * near).sum() / persons.sum())
    circles = [share(model, r) for r in ("GB50180-10", "GB50180-15")]
    assert circles == sorted(circles)


def test_floor_and_places_per_person_of_the_whole(model):
    state = model.state
    residents = state.households.present.sum()
    f = state.facilities
    for rule, service, per, column in (
        ("MS145-nursery-4.5", "nursery", 1000, "capacity"),
        ("MS145-sports-2.6", "sports", 1, "floor"),
    ):
        j = state.lines.services.index(service)
        values = f.capacity[:, j] if column == "capacity" else f.floor
        asked = RULES[rule].value * residents / per
        values[f.offers[:, j]] *= asked / values[f.offers[:, j]].sum()
        assert share(model, rule) == pytest.approx(1)
        values[f.offers[:, j]] *= 0.99
        assert share(model, rule) == 0


def test_what_townships_have(model):
    assert share(model, "NT-township-1500") == 0
    f = model.state.facilities
    f.floor[f.id.index("TC-999901001")] = 1500
    assert share(model, "NT-township-1500") == 0.5
    assert share(model, "MS145-elder-complex") == 1  # the only street has one
    assert share(model, "MS145-elder-township") == 0.5
    assert share(model, "MS145-3-1-town-seat") == 1


def test_staff_is_counted_at_work(model):
    w, o = model.state.workers, model.state.offices
    first = o.id.index("O-999901001001")
    posts = np.flatnonzero(w.office == first)
    w.certified[:] = False
    assert share(model, "MS145-social-work-urban") == share(model, "MS145-certified-15") == 0
    w.certified[posts[:2]] = True
    assert share(model, "MS145-social-work-urban") == 0.5
    of_units = o.unit >= 0
    assert share(model, "MS145-certified-15") == pytest.approx(2 / o.workers[of_units].sum())
    w.hired[posts[0]] = 999  # the post is vacant
    assert share(model, "MS145-social-work-urban") == 0


def test_six_basics_stand_in_the_unit_itself(model):
    f = model.state.facilities
    assert share(model, "MS145-six-basics") == 0
    seat = {i[-12:]: slot for slot, i in enumerate(f.id) if i.startswith("H-")}
    for slot in seat.values():
        f.offers[slot] = True
    assert share(model, "MS145-six-basics") == 1


# --- all together -----------------------------------------------------------------------------


def test_every_rule_is_judged_once_by_week_or_by_change(model):
    area = area_of(model)
    still, weekly = compliance(area, weekly=False), compliance(area, weekly=True)
    assert not still.keys() & weekly.keys()
    answered = {name for name, _ in still | weekly}
    concerned = {r.outcome for r in judged() if r.applies_to != "town" or "town-seat" in r.id}
    assert answered == concerned  # the case has no 社区 of a town
    assert all(0 <= v <= 1 for v in (still | weekly).values())


def test_what_the_case_does_not_know_is_not_judged(model):
    f, service = model.state.facilities, model.state.lines.services
    f.closed[f.offers[:, service.index("nursery")]] = 0
    assert share(model, "MS145-nursery-4.5") == 0  # closed: known, and none
    f.offers[:, service.index("nursery")] = False
    model.state.in_case[service.index("nursery")] = False
    for rule in ("MS145-nursery-4.5", "CIRCLE-15", "MS145-six-basics", "GB50180-15"):
        assert share(model, rule) is None
    assert share(model, "CIRCLE-5") is not None
    f.offers[:, service.index("community")] = False
    model.state.in_case[service.index("community")] = False
    assert floor_per_100(area_of(model)) == {}


def test_ids_of_rules_are_unique_and_complete():
    assert max(Counter(r.id for r in library()).values()) == 1
    assert all(r.document and r.quote and r.year and r.kind for r in library())
