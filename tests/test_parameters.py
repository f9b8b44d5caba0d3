"""Claims about parameters: each is read, each changes an outcome, none hides in a rule."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sim.case.case import Case
from sim.case.parameters import CONFIDENCE, Parameter, Parameters
from sim.levers.scenario import Scenario
from sim.model import simulate
from sim.outcomes.recorder import Record, Records
from sim.outcomes.terms import PLACED
from sim.world.world import World
from tests.cases import TOWN, UNITS, read_rows, write_small_case, write_streets, write_table
from tests.levers import EAST, WEST, one_township, write_scenario
from tests.worlds import EMPTY, START

RULES = Path(__file__).parents[1] / "sim" / "processes"
WAYS = ("build", "rebuild", "buy", "rent", "allot", "leaseback", "share")
COMPOUNDS = ("commodity", "resettlement", "old_courtyard", "village")
# so that meals and doctors are crowded, attrition reaches the standard, and counters are staffed
PLAIN = {
    "online.offered": 1, "agency.offered": 1, "needs.meals_users": 1, "needs.health": 5,
    "staff.exit": 0.6, "work.tasks": 10, "staff.certified_by_training": 1,
    "groups.aligned": 1,
}  # fmt: skip

VILLAGES = {"date": "2020-01-13", "scope": {"kinds": ["village"]}}
WORK_LEVERS = (
    {"route_matters": {**VILLAGES, "shares": {"community": 0.2, "station": 0.8}}},
    {"one_window": VILLAGES},
    {"admission_list": {"date": "2020-12-07"}},
    {"funding_follows_task": VILLAGES},
    {"service_first": {"date": "2020-06-01", "scope": {"kinds": ["village"]}}},
    {"add_station": {"date": "2020-01-13", "settlement": f"{UNITS[3]}03"}},
    {"add_station": {"date": "2020-01-20", "radius_m": 300}},
    {"add_station": {"date": "2020-01-20", "least_persons": 100}},
)


@dataclass(frozen=True)
class Noted(Parameters):
    """Parameters that note which of them are read."""

    read: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> float:
        self.read.add(name)
        return super().__getitem__(name)


@pytest.fixture(scope="module")
def busy(tmp_path_factory) -> tuple[Case, Scenario]:
    """A case and a scenario in which everything occurs that a parameter can bear on: all compounds,
    capacities by rule, a merger of townships, of 社区 and of villages, every way to get a floor."""
    folder = write_small_case(tmp_path_factory.mktemp("busy") / "case", 75)
    one_township(folder)
    homes = read_rows(folder / "settlements.csv")
    for i, row in enumerate(homes):
        row["compound"] = COMPOUNDS[i % 4]
        row["terrain"] = ("plain", "hill")[i // 2 % 2]
    write_table(folder / "settlements.csv", homes)
    places = read_rows(folder / "facilities.csv")
    for row in places:
        row["capacity"] = ""
        row["floor_m2"] = "7" if row["services"] == "culture" else row["floor_m2"]
        row["floor_m2"] = "45" if row["id"].startswith(("E-", "N-")) else row["floor_m2"]
    write_table(folder / "facilities.csv", places)
    offices = read_rows(folder / "offices.csv")
    for row, workers in zip(offices, (3, 3, 3, 2, 1, 1), strict=True):
        # fewer than the work asks for, and more than the standard once they are merged
        row.update(committee=workers - 1, community_worker=0, window=0, social_worker=1)
    write_table(folder / "offices.csv", offices)
    units = read_rows(folder / "reform_units.csv")
    units[0]["seat_settlement"] = f"{UNITS[0]}02"  # where no point is: one is opened
    write_table(folder / "reform_units.csv", units)
    case = Case.open(folder)
    redraw = {"lineage": "reform_lineage.csv", "units": "reform_units.csv"}
    more = {"service_points": "keep", "staff": "attrition"}
    levers = [
        {"redraw_communities": {
            "date": "2020-01-13", **redraw, "townships": "reform_townships.csv",
            "township_points": "keep"}},
        {"buy_services": {"date": "2020-01-13", "class": "visits_high", "yuan_year": 20000}},
        *WORK_LEVERS,
        {"merge_communities": {"date": "2020-01-20", "communities": list(EAST), **more}},
        {"train_staff": {"date": "2020-01-20", "share": 0.9}},
        {"community_fund": {"date": "2020-01-20"}},
        *({"property_management": {"date": "2020-01-20", "compounds": [compound], "form": form}}
          for compound, form in zip(COMPOUNDS, ("self", "entrusted", "joint"), strict=False)),
        *({"add_facility": {"date": "2020-01-06", "services": ["culture"], "floor_m2": 30,
                            "settlement": f"{UNITS[i % 4]}0{2 + i % 3}", "way": way}}
          for i, way in enumerate(WAYS)),
        *({"add_facility": {"date": "2020-01-27", "services": [service], "way": "share",
                            "settlement": f"{UNITS[3]}04"}} for service in PLACED),
        {"open_unit_facility": {"date": "2020-01-27", "services": ["sports"],
                                "community": UNITS[1]}},
        {"close_facility": {"date": "2020-02-03", "facility": f"TH-{TOWN}"}},
        {"merge_communities": {"date": "2020-07-27", "communities": [*WEST, EAST[0]],
                               "imposed": True, **more}},
        {"cut_burden": {"date": "2020-12-07", "certificates": 0.5}},
    ]  # fmt: skip
    return case, Scenario.open(write_scenario(folder, *levers), case)


@pytest.fixture(scope="module")
def streets(tmp_path_factory) -> tuple[Case, Scenario]:
    """A case with streets, one of which is opened."""
    folder = write_streets(write_small_case(tmp_path_factory.mktemp("streets") / "case"))
    lever = {"open_street": {"date": "2020-01-27", "from": "n30", "to": "n31"}}
    case = Case.open(folder)
    return case, Scenario.open(write_scenario(folder, lever), case)


def run(busy: tuple[Case, Scenario], parameters: Parameters, world: World | None = None) -> Records:
    case, scenario = busy
    return simulate(
        world or World.of(case, parameters), scenario, EMPTY, parameters=parameters,
        start=START, weeks=54, seed=1, replicate=0, record=Record(4, 8, 8),
    )  # fmt: skip


def test_every_parameter_is_read(busy, streets) -> None:
    parameters = Noted(Parameters.load(PLAIN).entries)
    for where in (busy, streets):
        run(where, parameters)
    assert sorted({p.name for p in parameters} - parameters.read) == []


def ends(p: Parameter) -> list[float]:
    """Other values of a parameter: the ends of its range."""
    return [x for x in (p.high, p.low) if x != p.value]


@pytest.mark.slow
def test_every_parameter_changes_an_outcome(busy, streets) -> None:
    idle = idle_in(busy, list(Parameters.load(PLAIN)))
    idle = idle_in(streets, [p for p in idle if p.name.endswith(".street")]) + [
        p for p in idle if not p.name.endswith(".street")
    ]
    assert not idle, ", ".join(p.name for p in idle)


def idle_in(busy: tuple[Case, Scenario], parameters: list[Parameter]) -> list[Parameter]:
    """The parameters that change no outcome of a case and scenario."""
    plain = Parameters.load(PLAIN)
    world = World.of(busy[0], plain)
    base = run(busy, plain, world).outcomes["value"].tolist()
    losers = run(busy, plain, world).losers["value"].tolist()
    idle = []
    for p in parameters:
        made_by_it = p.name.startswith("persons.") or p.name == "needs.meals_users"
        for value in ends(p):
            records = run(busy, plain.override({p.name: value}), None if made_by_it else world)
            if records.outcomes["value"].tolist() != base:
                break
            if records.losers["value"].tolist() != losers:
                break
        else:
            idle.append(p)
    return idle


@pytest.mark.parametrize("p", list(Parameters.load()), ids=lambda p: p.name)
def test_every_parameter_says_where_it_comes_from(p: Parameter) -> None:
    assert p.low <= p.value <= p.high and p.low < p.high
    assert p.unit and p.source and p.confidence in CONFIDENCE
    if p.source.startswith("assumption"):
        assert p.confidence == "C"


# --- numbers in the rules that are no parameters --------------------------------------------

UNITS_AND_SIGNS = {0, 1, -1, 2, 60, 52, 1000, 10_000}  # minutes, weeks, per 1,000, per 10,000
ALLOWED = {
    # published formulas
    ("counters.day_wait.wait_at", 4): "a day that starts empty: T / 4 (Kimber & Hollis 1979)",
    ("counters.day_wait.wait_at", 8): "the same formula: 8 q / T",
    ("learning.drift", 0.5): "what a half-life is",
    # units
    ("cost.price_of_way", 12): "months a year",
    ("cost.week_costs", 12): "months a year",
    ("contracts.bought_hours", 12): "months a year",
    ("demography.weeks_to_new_year", 7): "days a week",
    ("volunteers.hours_given", 12): "months a year",
    ("property.complaints", 100): "per 100 households",
    # numbers of draws and of columns
    ("choice", 64): "CHOICE_OF_LINE: process numbers from 64 on",
    ("choice", -2): "NO_REACH, a code",
    ("tenure", 20): "2^20 weeks stand for ever",
    ("choice", -3): "ONLINE, a code",
    ("choice", -4): "AGENT, a code",
    ("places.prefer", -2): "nothing in reach, a code",
    ("places.prefer", 64): "items of the channel draw from 64 on",
    ("learning", 11): "number of columns of the sums",
    ("learning.settle", 255): "the most that a column of uint8 holds",
    ("needs.draw_needs", 4): "words in a block of Philox",
    ("needs.draw_needs", 3): "the last word of a block",
    # numerical method: changes nothing but speed or the last digits
    ("choice", 0.367): "gumbel(u) < 0 below it: spares logarithms, tests show that nothing changes",
    ("choice", 0.692): "gumbel(u) < 1 below it",
    ("choice", 0.873): "gumbel(u) < 2 below it",
    ("choice", 0.951): "gumbel(u) < 3 below it",
    ("choice", 0.981): "gumbel(u) < 4 below it",
    ("choice.surely_below", 4): "the last row of that table",
    ("choice.choose", 0.981): "gumbel(off) < 4 below it",
    ("choice.choose", 0.04): "gumbel(go) > -1.2 above it",
    ("choice.choose", 5.2): "4 + 1.2: going wins whatever the two draws are",
    ("tenure", 1e-12): "guards a logarithm",
    ("places.steady_numbers", 40): "rounds of bisection",
    ("places.steady_numbers", 1e-9): "guards floor() against a last digit",
    ("places.weeks_on_list", 1e-9): "likewise",
    ("places.start_steady", 1e-9): "likewise",
    ("places.fill", 1e-9): "likewise",
    ("counters", 8): "ROUNDS of false position",
    ("counters.counter_waits", 1e-9): "guards a division",
    ("work.visit_hours", 1e-9): "guards a division",
    ("burden.items_left", 12): "months a year",
    ("burden.share_of_hours", 1e-9): "guards a division",
}


class Numbers(ast.NodeVisitor):
    """Numbers of a module by the function they stand in; indices of arrays aside."""

    def __init__(self, module: str):
        self.place, self.found = [module], set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.place.append(node.name)
        for part in node.body:  # not the decorator, whose text is a signature
            self.visit(part)
        self.place.pop()

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            plain = isinstance(part, ast.Constant | ast.Slice)
            if not plain:
                self.visit(part)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            self.note(-node.operand.value)
        else:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.note(node.value)

    def note(self, value: object) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.found.add((".".join(self.place), value))


def numbers(text: str, module: str) -> set[tuple[str, float]]:
    """Bare numbers of a module that are neither units nor signs."""
    visitor = Numbers(module)
    visitor.visit(ast.parse(text))
    return {(place, x) for place, x in visitor.found if x not in UNITS_AND_SIGNS}


def test_no_number_in_a_rule_should_have_been_a_parameter() -> None:
    found = set()
    for path in sorted(RULES.glob("*.py")):
        if path.stem != "reference":  # twins of the kernels: the same numbers again
            found |= numbers(path.read_text("utf-8"), path.stem)
    assert sorted(found - set(ALLOWED), key=str) == []
    assert sorted(set(ALLOWED) - found, key=str) == []  # and what is allowed is still there


def test_a_bare_number_is_found() -> None:
    text = "def rule(x, p):\n    return 0.3 * x[3] + p['a.b'] * 60 + x[: 7] - max(-4, x)\n"
    assert numbers(text, "m") == {("m.rule", 0.3), ("m.rule", -4)}
