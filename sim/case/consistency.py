"""What the tables of a case must say about each other.

References exist; every unit has settlements, a seat among them and one office; ages add up to
persons; households are not empty. All checks run on whole columns.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.case.messages import Problems
from sim.case.schema import AGES, OPERATORS, TOWNSHIP_KINDS, UNIT_KINDS
from sim.case.tables import MOST, Table, is_in


def check_tables(
    tables: Mapping[str, Table],
    streets: tuple[Table, Table] | None,
    services: Table | None,
    problems: Problems,
) -> None:
    """Adds every contradiction between the tables that could be read to `problems`."""
    townships, communities = tables.get("townships"), tables.get("communities")
    settlements, offices = tables.get("settlements"), tables.get("offices")
    facilities, neighbours = tables.get("facilities"), tables.get("neighbours")
    contracts = tables.get("contracts")
    for table in tables.values():
        _check_lookalikes(table, problems)
    if settlements:
        _check_persons(settlements, problems)
    if townships and communities:
        communities.unknown(problems, "township", townships.frame["id"], "townships")
        communities.fault(
            problems,
            is_in(communities.frame["id"], townships.frame["id"]),
            "duplicate-id",
            "id '{value}' is that of a township too",
            "levers name units and townships by their ids: give one of the two another",
        )
        _check_members(townships, communities, "township", problems)
    if communities and settlements:
        settlements.unknown(problems, "community", communities.frame["id"], "communities")
        _check_members(communities, settlements, "community", problems)
        unit_of = settlements.frame.drop_duplicates("id").set_index("id")["community"]
        _check_seats(communities, unit_of, "unit", problems)
        if townships:
            upper = communities.frame.drop_duplicates("id").set_index("id")["township"]
            upper = upper.where(is_in(upper, townships.frame["id"]))
            _check_seats(townships, unit_of.map(upper), "township", problems)
    if offices and communities and townships:
        _check_offices(offices, communities, townships, problems)
    if offices and settlements:
        offices.unknown(problems, "settlement", settlements.frame["id"], "settlements")
    if contracts and offices:
        _check_contracts(contracts, offices, problems)
    if neighbours and settlements:
        _check_neighbours(neighbours, settlements, problems)
    if facilities and settlements:
        facilities.unknown(problems, "settlement", settlements.frame["id"], "settlements")
    if facilities and offices:
        operators = pd.concat([offices.frame["id"], pd.Series(OPERATORS)])
        facilities.unknown(problems, "operator", operators, "offices, nor market or public")
    if facilities and services:
        _check_services(facilities, services, problems)
        if offices:
            _check_counters(facilities, services, offices, problems)
            if townships:
                _check_centres(townships, facilities, services, offices, problems)
    if streets:
        nodes, edges = streets
        for end in ("from", "to"):
            edges.unknown(problems, end, nodes.frame["id"], "streets_nodes")


def _check_lookalikes(table: Table, problems: Problems) -> None:
    """Ids that only width (１ and 1) or case (a and A) tells apart are one to the eye."""
    if table.frame.columns[0] != "id":
        return
    ids = table.frame["id"]
    folded = ids.map(lambda x: unicodedata.normalize("NFKC", x).casefold())
    first = dict(zip(folded[::-1], ids[::-1], strict=True))
    others = folded.map(first)
    table.fault(
        problems,
        (others != ids) & (ids != ""),
        "lookalike-id",
        f"id '{{value}}' differs from another of {table.path.name} only in the width or case of "
        "its signs",
        {i: f"it looks like {o!r}: if they are two, name them apart" for i, o in
         zip(ids, others, strict=True) if i != o},
        severity="warning",
    )  # fmt: skip


def _check_persons(settlements: Table, problems: Problems) -> None:
    frame = settlements.frame
    ages, persons, households = frame[list(AGES)].sum(axis=1), frame["persons"], frame["households"]
    sound = (frame[["persons", "households", *AGES]] >= 0).all(axis=1)
    settlements.fault(
        problems,
        (ages != persons) & sound,
        "age-sum",
        "the age columns of settlement '{value}' do not add up to its persons",
        "correct persons or the six age columns",
    )
    settlements.fault(
        problems,
        (households > persons) & sound,
        "households",
        "settlement '{value}' has more households than persons",
        "a household has at least one person",
    )
    settlements.fault(
        problems,
        (households == 0) & (persons > 0),
        "households",
        "settlement '{value}' has persons but no household",
        "give the number of households",
    )
    if len(frame) and (persons == 0).all():
        problems.error(
            "no-persons",
            "nobody lives in this case",
            settlements.path,
            hint="fill in households, persons and the age columns",
        )


def _check_members(upper: Table, lower: Table, column: str, problems: Problems) -> None:
    empty = ~is_in(upper.frame["id"], lower.frame[column])
    if column == "community":
        code, whole, part = "unit-without-settlement", "unit", "settlement"
    else:
        code, whole, part = "township-without-unit", "township", "unit"
    upper.fault(
        problems,
        empty,
        code,
        f"{whole} '{{value}}' has no {part}",
        f"add its {part}s to {lower.path.name}, or remove the line",
    )


def _check_seats(units: Table, unit_of: pd.Series, noun: str, problems: Problems) -> None:
    """The seat is a settlement, and one of the unit's own."""
    unknown = units.unknown(problems, "seat_settlement", unit_of.index.to_series(), "settlements")
    home = units.frame["seat_settlement"].map(unit_of)
    elsewhere = (home.notna() & (home != units.frame["id"])).to_numpy() & ~unknown
    units.fault(
        problems,
        elsewhere,
        "seat-outside",
        f"seat_settlement '{{value}}' lies in another {noun}",
        f"name a settlement of the {noun} itself",
        "seat_settlement",
    )


def _check_offices(
    offices: Table, communities: Table, townships: Table, problems: Problems
) -> None:
    frame = offices.frame
    low, high = frame["kind"].isin(UNIT_KINDS), frame["kind"].isin(TOWNSHIP_KINDS)
    offices.unknown(problems, "community", communities.frame["id"], "communities", blank=True)
    offices.unknown(problems, "township", townships.frame["id"], "townships", blank=True)
    offices.fault(
        problems,
        low & (frame["community"] == ""),
        "office-place",
        "office '{value}' names no community",
        "fill in its community",
    )
    offices.fault(
        problems,
        high & (frame["township"] == ""),
        "office-place",
        "office '{value}' names no township",
        "fill in its township",
    )
    offices.fault(
        problems,
        high & (frame["community"] != ""),
        "office-place",
        "office '{value}' of a township names a community",
        "leave the cell empty",
    )
    upper = communities.frame.drop_duplicates("id").set_index("id")["township"]
    said = frame["community"].map(upper)
    fair = is_in(said, townships.frame["id"]) & (frame["township"] != "")
    contrary = low & fair & (frame["township"] != said)
    offices.fault(
        problems,
        contrary,
        "office-place",
        "office '{value}' names a township in which its community does not lie",
        "correct the one or the other",
    )
    for which, units, column, code in (
        (low, communities, "community", "community-without-office"),
        (high, townships, "township", "township-without-office"),
    ):
        own = frame[column].where(which, "")
        offices.fault(
            problems,
            own.duplicated() & (own != ""),
            "second-office",
            f"{column} '{{value}}' has an office already",
            "join the two lines",
            column,
        )
        units.fault(
            problems,
            ~units.frame["id"].isin(own),
            code,
            f"{column} '{{value}}' has no office",
            "add a line to offices",
        )


def _check_contracts(contracts: Table, offices: Table, problems: Problems) -> None:
    """Organisations work for communities and villages, which have the work that can be bought."""
    contracts.unknown(problems, "office", offices.frame["id"], "offices")
    higher = offices.frame["id"][offices.frame["kind"].isin(TOWNSHIP_KINDS)]
    contracts.fault(
        problems,
        is_in(contracts.frame["office"], higher),
        "contract-office",
        "'{value}' is the office of a township, which has none of this work",
        "name the office of a community or village",
        "office",
    )


def _check_neighbours(neighbours: Table, settlements: Table, problems: Problems) -> None:
    frame, known = neighbours.frame, settlements.frame["id"]
    unknown = np.zeros(len(frame), dtype=bool)
    for column in ("settlement", "neighbour"):
        unknown |= neighbours.unknown(problems, column, known, "settlements")
    neighbours.fault(
        problems,
        (frame["settlement"] == frame["neighbour"]) & ~unknown,
        "own-neighbour",
        "settlement '{value}' is called its own neighbour",
        "remove the line",
        "settlement",
    )
    low = frame["settlement"].where(frame["settlement"] < frame["neighbour"], frame["neighbour"])
    high = frame["neighbour"].where(frame["settlement"] < frame["neighbour"], frame["settlement"])
    twice = pd.DataFrame({"low": low, "high": high}).duplicated()
    neighbours.fault(
        problems,
        twice & ~unknown,
        "pair-twice",
        "this pair of settlement '{value}' stands in the table already",
        "remove the line",
        "settlement",
    )


def _check_services(facilities: Table, services: Table, problems: Problems) -> None:
    said = facilities.frame["services"].str.split(";").explode().str.strip()
    wrong = said[~is_in(said, services.frame["id"])]
    names = ", ".join(services.frame["id"])
    for row, word in list(wrong.items())[:MOST]:
        problems.error(
            "unknown-service",
            f"the service '{word}' is not known",
            facilities.path,
            facilities.line_of(int(str(row))),
            hint=f"known: {names}; more than one with ';'",
        )
    if len(wrong) > MOST:
        problems.error("unknown-service", f"and {len(wrong) - MOST} more", facilities.path)


def _check_centres(
    townships: Table, facilities: Table, services: Table, offices: Table, problems: Problems
) -> None:
    """Matters of the township's tier are done at a counter that its own office runs."""
    frame = offices.frame
    high = frame["kind"].isin(TOWNSHIP_KINDS)
    there = facilities.frame["operator"][counters(facilities.frame, services.frame)]
    served = frame["township"][high & is_in(frame["id"], there)]
    known = frame["township"][high]  # one without an office is told of
    townships.fault(
        problems,
        is_in(townships.frame["id"], known) & ~is_in(townships.frame["id"], served),
        "no-centre",
        "township '{value}' has no centre: its office runs no counter, so nobody does matters of "
        "its tier there",
        "add a facility with government to facilities.csv whose operator is the township's office",
        severity="warning",
    )


def counters(facilities: pd.DataFrame, services: pd.DataFrame) -> np.ndarray:
    """Which facilities have a counter, bool by row."""
    of_counters = set(services.loc[services["mode"] == "counter", "id"])
    said = facilities["services"].str.split(";").explode().str.strip()
    return np.asarray(said.isin(of_counters).groupby(level=0).any().reindex(facilities.index))


def _check_counters(facilities: Table, services: Table, offices: Table, problems: Problems) -> None:
    """Somebody has to sit at a counter: it is run by an office that has windows."""
    staffed = offices.frame.loc[offices.frame["windows"] > 0, "id"]
    known = is_in(
        facilities.frame["operator"], pd.concat([offices.frame["id"], pd.Series(OPERATORS)])
    )
    facilities.fault(
        problems,
        counters(facilities.frame, services.frame)
        & known
        & ~is_in(facilities.frame["operator"], staffed),
        "unstaffed-counter",
        "the counter '{value}' is not run by an office with windows",
        "name an office as its operator, and give that office windows",
    )
