"""Writes docs/odd.md, the description of the model in the seven elements of the ODD protocol.

python docs/odd.py

State variables come from the dataclasses and what they say of themselves, the schedule from
PHASES, parameters from the yaml, modes of draws from `Process`; the rest is written here.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run as a script, from wherever

from sim.case.parameters import CONFIDENCE, Parameter, Parameters  # noqa: E402
from sim.model import PHASES  # noqa: E402
from sim.world.boundaries import Boundaries, Township, Unit  # noqa: E402
from sim.world.contracts import Contracts  # noqa: E402
from sim.world.draws import Process  # noqa: E402
from sim.world.enrolment import Enrolment  # noqa: E402
from sim.world.facilities import FacilityColumns  # noqa: E402
from sim.world.households import Households  # noqa: E402
from sim.world.ledger import CLASSES, Ledger  # noqa: E402
from sim.world.offices import OfficeColumns  # noqa: E402
from sim.world.residents import Residents  # noqa: E402
from sim.world.workers import Workers  # noqa: E402

ENTITIES = (
    ("households", "the agents; fixed columns", Households),
    ("households and settlements", "what residents carry from week to week", Residents),
    ("households and places", "day care and nursery, one table a service", Enrolment),
    ("facilities", "Mesa agents over columns", FacilityColumns),
    ("offices", "Mesa agents over columns", OfficeColumns),
    ("workers", "columns", Workers),
    ("contracts", "columns; bought of social organisations", Contracts),
    ("communities and villages", "changed by levers only", Unit),
    ("townships", "changed by levers only", Township),
    ("boundaries", "the unit and the residents' group of every settlement", Boundaries),
    ("work ledger", "hours of work by office and class", Ledger),
)

TEXT = """\
# The model in the ODD protocol

The seven elements of Grimm et al. (2020), JASSS 23(2)7. This file is written by `docs/odd.py` from
the code; a test fails when it is stale. Decisions that may be questioned stand in
[model.md](model.md), all outcomes in [outcomes.md](outcomes.md).

## 1 Purpose and patterns

The model compares packages of changes to the communities of a district, county or prefecture:
merging and redrawing units, adding and closing facilities, staff. It says what each would mean for
the way to services, waits, unmet needs, the work of those who serve, cost, and who gains or loses.
It accounts for consequences; it does not forecast what people will think or decide about them.

It is judged by patterns that nobody tuned it to: access is lost in proportion to the distance from
the seat that stays; the mean distance to a unit's own point goes with one over the root of the
number of points; the old lose most; home visits dip after a merger and recover within two years;
points kept in merged places undo most of the loss and bind staff; matters moved online empty
counters much more than they relieve offices; and hours that are freed go into home visits first.

## 2 Entities, state variables and scales

One step is one week; a lever acts in the first week that begins on or after its date. Runs last one
to ten years. Space is made of settlements (a compound, a courtyard, a hamlet), points in metres of
the case's projection; communities, townships and counties are sets of them. A county has some
65,000 households, a prefecture a million, each one to one.

{entities}

## 3 Process overview and scheduling

Every week runs the same list, `PHASES` in `sim/model.py`:

{schedule}

After the last, conservation is checked: settlements, workers, places, needs and hours of work must
close, or the run ends as failed. (Births, deaths and moves, number 2, are not in the model.) Within
a phase all agents act on what the phase before left behind, so that their order means nothing;
where places or visits are short, a keyed draw decides who comes first.

## 4 Design concepts

* **Basic principles.** Random utility for where people go, queueing for counters, fluid lists for
  places, a tour through scattered points for home visits, and a ledger in which every hour of work
  has an owner before and after every lever.
* **Emergence.** Loads, waits, refusals, lists and unmet needs come out of who goes where and of
  the hours that offices have left. Costs, the work of a list of tasks and the loss of efficiency
  after a merger are stated by rules and are not findings.
* **Adaptation.** Households choose week by week among the facilities they may use, the web and
  putting it off, weighing minutes, the wait they expect, and habit in the form of lasting tastes.
* **Objectives.** Utility in the sense of the logit; offices follow a fixed order of urgency.
* **Learning.** Expected waits move towards what was met; settlements hear of their households.
* **Prediction.** Residents expect the wait they remember; applicants the weeks that a list implies.
* **Sensing.** Households know the nearest facilities open to them and what neighbours say of waits.
* **Interaction.** Only through what is scarce: windows, rooms, places, and the hours of offices. A
  test follows these chains and finds all other households bit-identical under a lever.
* **Stochasticity.** Each draw is Philox 4x32-10 of (seed and replicate, process, week, agent,
  item): no generator is drawn in sequence, and scenarios of one replicate share every draw that
  both make. What is drawn: {draws}.
* **Collectives.** Settlements, communities, townships and offices, made by the case and changed by
  levers only.
* **Observation.** Outcomes by week, group and unit, always as differences from a base, paired by
  replicate, with an interval.

## 5 Initialization

A case gives settlements with households and persons by age, units, townships, facilities and
offices. Persons are dealt to households by keyed draws that keep every total of the case. Nobody
has a usual facility or an expected wait yet; offices have no backlog; places and lists start in the
steady state of their applications and exits, posts in that of turnover: the case counts posts, and
some are vacant or held by newcomers. Weeks before the first lever let memory settle.

## 6 Input data

None after the start but the levers of the scenario, with their dates and tables. No time series
drives the model.

## 7 Submodels

Each is a module of pure functions in `sim/processes/`, with its equation and source:

{submodels}

Classes of work, in the order in which an office does them: {classes}.

### Parameters

{parameters}
"""


def as_markdown() -> str:
    """The whole description."""
    return TEXT.format(
        entities="\n\n".join(_entity(*e) for e in ENTITIES),
        schedule="\n".join(f"* {_summary(phase)}" for phase in PHASES),
        draws=", ".join(p.name.lower().replace("_", " ") for p in Process if p < Process.BOOTSTRAP),
        submodels="\n".join(_submodel(path) for path in _rules()),
        classes=", ".join(c.replace("_", " ") for c in CLASSES),
        parameters=_parameters(),
    )


def _entity(name: str, how: str, table: type) -> str:
    """Heading, what the table says of itself, and its state variables."""
    first, *rest = re.split(r"\n\s*\n", inspect.getdoc(table) or "")
    said = [" ".join(part.split()) for part in (first, *rest)]
    names = ", ".join(f"`{f.name}`" for f in fields(table))
    return "\n\n".join([f"### {name.capitalize()} ({how})", *said, f"State variables: {names}."])


def _rules() -> list[Path]:
    """Modules of rules, by name."""
    found = (ROOT / "sim" / "processes").glob("*.py")
    return sorted(p for p in found if p.stem not in ("__init__", "reference"))


def _submodel(path: Path) -> str:
    """Link and first line of a module of rules."""
    text = re.match(r'"""(.*?)(\n\n|""")', path.read_text(encoding="utf-8"), re.DOTALL)
    assert text, path
    return f"* [`{path.stem}`](../sim/processes/{path.name}): {' '.join(text[1].split())}"


def _summary(function) -> str:
    """First paragraph of a docstring, on one line."""
    return " ".join(re.split(r"\n\s*\n", inspect.getdoc(function) or "")[0].split())


def _parameters() -> str:
    """The table of parameters, with the key of confidence."""
    key = ", ".join(f"{k} {what}" for k, what in CONFIDENCE.items())
    head = ["name", "value", "unit", "range", "confidence", "source"]
    lines = [f"Confidence: {key}.", "", f"| {' | '.join(head)} |", "|---|---:|---|---|---|---|"]
    return "\n".join([*lines, *(_row(p) for p in Parameters.load())])


def _row(p: Parameter) -> str:
    cells = (f"`{p.name}`", f"{p.value:,.10g}", p.unit, f"{p.low:,.10g} to {p.high:,.10g}",
             p.confidence, p.source)  # fmt: skip
    return f"| {' | '.join(c.replace('|', '/') for c in cells)} |"


if __name__ == "__main__":
    (ROOT / "docs" / "odd.md").write_text(as_markdown(), encoding="utf-8")
