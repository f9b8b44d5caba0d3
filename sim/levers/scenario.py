"""A scenario: dated levers on a case, as a difference from another scenario.

Frozen and small: it travels to worker processes whole. Everything that can be wrong with it is
said when it is opened, at the line where it stands.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from ruamel.yaml import YAML

from sim.case.case import Case
from sim.case.files import MOST_YAML, exists, read_input
from sim.case.messages import InputError, Problem, Problems
from sim.levers.boundaries import MergeCommunities, RedrawCommunities
from sim.levers.channels import AgencyService, OnlineService
from sim.levers.checking import bind_all
from sim.levers.conversion import ConvertVillage
from sim.levers.enlarging import EnlargeFacility
from sim.levers.facilities import AddFacility, AddProgramme, CloseFacility
from sim.levers.grouping import Regroup
from sim.levers.hours import ExtendHours
from sim.levers.lever import Lever
from sim.levers.matters import OneWindow, RouteMatters
from sim.levers.parting import SplitCommunity, TransferSettlements
from sim.levers.premises import CoLocate, KeepServicePoints
from sim.levers.reading import ScenarioFile, read_chain, read_entries
from sim.levers.residents import CommunityFund, PropertyManagement, RecruitVolunteers
from sim.levers.services import BuyServices
from sim.levers.site import Site
from sim.levers.staff import CertifyStaff, MoveStaff, SetStaffStandard, TrainStaff
from sim.levers.stations import AddStation
from sim.levers.streets import OpenStreet
from sim.levers.tasks import AdmissionList, FundingFollowsTask, ServiceFirst
from sim.levers.townships import MergeTownships, SetUpStreet
from sim.levers.unit_facilities import OpenUnitFacility
from sim.levers.words import Lang, amount
from sim.levers.work import CutBurden

LEVERS: dict[str, type[Lever]] = {
    lever.kind: lever
    for lever in (
        # boundaries
        RedrawCommunities,
        MergeCommunities,
        SplitCommunity,
        TransferSettlements,
        ConvertVillage,
        MergeTownships,
        SetUpStreet,
        Regroup,
        # facilities
        AddFacility,
        AddProgramme,
        EnlargeFacility,
        CloseFacility,
        KeepServicePoints,
        CoLocate,
        OpenUnitFacility,
        ExtendHours,
        OpenStreet,
        # channels
        OnlineService,
        AgencyService,
        BuyServices,
        SetStaffStandard,
        MoveStaff,
        TrainStaff,
        CertifyStaff,
        RecruitVolunteers,
        PropertyManagement,
        CommunityFund,
        CutBurden,
        RouteMatters,
        OneWindow,
        AddStation,
        AdmissionList,
        FundingFollowsTask,
        ServiceFirst,
    )
}


@dataclass(frozen=True)
class Scenario:
    """Levers in the order of their dates, with the place where each one's date stands.

    title: {"en", "zh"}. base: the file that it names as its base. left_out: levers and rows of
    levers that the experiment's scope leaves out, by what they are.
    """

    name: str
    title: dict[str, str] = field(hash=False)
    levers: tuple[Lever, ...]
    places: tuple[tuple[Path, int, int], ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    about: str = ""
    base: Path | None = None
    warnings: tuple[Problem, ...] = field(default=(), repr=False)

    @staticmethod
    def open(path: str | Path, case: Case, horizon: tuple[date, int] | None = None) -> Scenario:
        """The scenario at `path`, checked against the case; `InputError` with all faults.

        horizon: first day and weeks of an experiment, in which its dates must lie.
        """
        path, problems = Path(path), Problems()
        site = Site.of(case, path.parent, problems)
        chain, whole = read_chain(path, site.roots, problems)
        site.sure, site.anything = whole, not whole
        found = [e for d in reversed(chain) for e in read_entries(d, LEVERS, problems)]
        bound, faulty = bind_all(found, site)
        if horizon is not None:
            for lever, place in (*bound, *faulty):
                _check_date(lever, place, *horizon, problems)
            for lever, place in bound:
                _check_opening(lever, place, *horizon, problems)
        problems.found = list(dict.fromkeys(problems.found))  # steps of a lever say the same
        problems.found.sort(key=lambda p: (str(p.path), p.line or 0, p.column or 0))
        problems.raise_errors()
        own = ScenarioFile.model_validate(chain[0].data)
        return Scenario(
            name=path.stem,
            title=own.title.model_dump(),
            levers=tuple(lever for lever, _ in bound),
            places=tuple(place for _, place in bound),
            left_out=tuple(sorted(site.left_out.items())),
            about=own.about,
            base=chain[1].path if len(chain) > 1 else None,
            warnings=tuple(problems),
        )

    @property
    def first_date(self) -> date | None:
        """Date of the first lever, None where there is none."""
        return self.levers[0].date if self.levers else None

    @cached_property
    def digest(self) -> str:
        """Hash of all that its levers do, tables included."""
        content = json.dumps([lever.content() for lever in self.levers], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def resolved(self) -> str:
        """The whole chain of bases as one scenario without a base, as YAML."""
        written = {id(x): x for x in (lever.written() for lever in self.levers)}.values()
        levers = [
            {x.kind: x.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
            for x in written
        ]
        out, yaml = io.StringIO(), YAML()
        yaml.default_flow_style = False
        yaml.dump({"title": dict(self.title), "levers": levers}, out)
        return out.getvalue()

    def describe(self, lang: str = "en") -> list[str]:
        """One sentence a lever, in the order in which they act, and what the scope leaves out."""
        language: Lang = "zh" if lang == "zh" else "en"
        said = [lever.describe(language) for lever in self.levers]
        if not said:
            said.append("没有任何措施。" if language == "zh" else "No levers: all stays as it is.")
        return said + [_left_out(what, n, language) for what, n in self.left_out]


def open_in_case(path: Path) -> tuple[Case, Scenario]:
    """The scenario at `path` and the case that it lies in; `InputError` with the faults of both."""
    problems = Problems()
    if read_input(path, MOST_YAML, problems) is None:
        raise InputError(problems)
    if not any(exists(path.parent / name) for name in ("case.yaml", "settlements.csv")):
        message = f"no case lies around {path.name}"
        hint = "a scenario lies in the directory of its case, beside case.yaml and the tables"
        raise InputError([Problem("missing-case", message, path, hint=hint)])
    try:
        case = Case.open(path.parent)
    except InputError as error:
        problems = Problems(list(error.problems))
        check_form(path, path.parent, problems)
        raise InputError(problems) from None
    return case, Scenario.open(path, case)


def check_form(path: Path, folder: Path, problems: Problems) -> None:
    """Says what is wrong with the form of a scenario and its bases; folder: of a case that
    cannot be opened."""
    chain, _ = read_chain(path, [folder], problems)
    for document in chain:
        for _ in read_entries(document, LEVERS, problems):
            pass


def _check_date(
    lever: Lever, place: tuple[Path, int, int], start: date, weeks: int, problems: Problems
) -> None:
    end = start + timedelta(weeks=weeks - 1)
    if not start <= lever.date <= end:
        problems.error(
            "date-outside",
            f"{lever.kind} on {lever.date} lies outside the experiment's weeks",
            *place,
            hint=f"choose a date from {start} to {end}, or change start and weeks",
        )


def _check_opening(
    lever: Lever, place: tuple[Path, int, int], start: date, weeks: int, problems: Problems
) -> None:
    end = start + timedelta(weeks=weeks - 1)
    if lever.date <= end < lever.shows:
        problems.warning(
            "opens-late",
            f"what this {lever.kind} adds opens on {lever.shows}, after the experiment's last week "
            f"({end}): no run of it shows it",
            *place,
            hint="choose an earlier date, fewer weeks to build, or more weeks of the experiment",
        )


def _left_out(what: str, number: int, lang: Lang) -> str:
    nouns = {"settlement": "居民点", "community": "社区（村）"}
    if lang == "zh":
        return f"范围以外，未计入：{number}个{nouns.get(what, f'{what}措施')}。"
    noun = amount(number, what if what in nouns else "lever")
    return f"Outside the scope and left out: {noun}{'' if what in nouns else f' {what}'}."
