"""A scenario: dated levers on a case, as a difference from another scenario.

Frozen and small: it travels to worker processes whole. Everything that can be wrong with it is
said when it is opened, at the line where it stands.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from sim.case.case import Case
from sim.case.messages import Problem, Problems, did_you_mean
from sim.case.yaml import Document, validate
from sim.levers.boundaries import MergeCommunities, RedrawCommunities
from sim.levers.channels import AgencyService, OnlineService
from sim.levers.conversion import ConvertVillage
from sim.levers.facilities import AddFacility, CloseFacility
from sim.levers.grouping import Regroup
from sim.levers.lever import Lever
from sim.levers.parting import SplitCommunity, TransferSettlements
from sim.levers.services import BuyServices
from sim.levers.site import Site, Standing
from sim.levers.townships import MergeTownships, SetUpStreet
from sim.levers.words import Lang, amount
from sim.levers.work import CutBurden

LEVERS: dict[str, type[Lever]] = {
    lever.kind: lever
    for lever in (
        RedrawCommunities,
        MergeCommunities,
        SplitCommunity,
        TransferSettlements,
        ConvertVillage,
        MergeTownships,
        SetUpStreet,
        Regroup,
        AddFacility,
        CloseFacility,
        OnlineService,
        AgencyService,
        BuyServices,
        CutBurden,
    )
}


class Title(BaseModel):
    """A title in two languages.

    en: in English; zh: in Chinese.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: str
    zh: str


class ScenarioFile(BaseModel):
    """A scenario: dated levers on a case, as a difference from another scenario.

    title: what it is called; base: file of the scenario it starts from; about: what it is for;
    levers: what is changed and when, each item one kind of lever.
    """

    model_config = ConfigDict(extra="forbid")
    title: Title
    base: str | None = None
    about: str = ""
    levers: list[dict[str, Any]] | None = None


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
    def open(path: str | Path, case: Case) -> Scenario:
        """The scenario at `path`, checked against the case; `InputError` with all faults."""
        path, problems = Path(path), Problems()
        site = Site.of(case, path.parent, problems)
        chain = _chain(path, site)
        found = [
            (stage, standing)
            for document in reversed(chain)
            for lever, standing in _levers(document, site)
            for stage in lever.stages(site)
        ]
        bound = []
        for lever, standing in sorted(found, key=lambda x: x[0].date):
            site.standing = replace(standing, date=lever.date)
            ready = lever.bind(site)
            if ready is not None:
                place = site.standing.place("date")
                bound.append((ready, (site.standing.document.path, *place)))
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

    def check_horizon(self, start: date, weeks: int, problems: Problems) -> None:
        """Adds a fault for each lever whose date lies outside the weeks of an experiment.

        The last date is the first day of the last week: a lever acts from the first week that
        begins on or after its date.
        """
        end = start + timedelta(weeks=weeks - 1)
        for lever, (path, line, column) in zip(self.levers, self.places, strict=True):
            if not start <= lever.date <= end:
                problems.error(
                    "date-outside",
                    f"{lever.kind} on {lever.date} lies outside the experiment's weeks",
                    path,
                    line,
                    column,
                    hint=f"choose a date from {start} to {end}, or change start and weeks",
                )


def _chain(path: Path, site: Site) -> list[Document]:
    """The scenario and its bases, itself first, as far as they can be read."""
    chain: list[Document] = []
    seen: list[Path] = []
    file: Path | None = path
    while file is not None:
        seen.append(file.resolve())
        document = Document.read(file, site.problems)
        if document is None:
            site.sure = False
            break
        chain.append(document)
        validate(document, ScenarioFile, site.problems)
        file = _base(document, seen, site)
    return chain


def _base(document: Document, seen: list[Path], site: Site) -> Path | None:
    """The file of a scenario's base, None where it has none or a wrong one."""
    name = document.data.get("base") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        return None
    file = document.path.parent / name
    code = message = hint = ""
    if not site.there(file):
        near = [p.name for p in document.path.parent.glob("*.yaml")]
        code, message = "missing-base", f"there is no scenario {name}"
        hint = did_you_mean(name, near) or "a base is a file beside the scenario"
    elif not site.holds(file):
        code, message = "outside-case", f"{name} lies outside the case's directory"
        hint = "copy it into the case"
    elif file.resolve() in seen:
        circle = [p.name for p in [*seen[seen.index(file.resolve()) :], file.resolve()]]
        code, message = "base-loop", f"the bases form a circle: {' -> '.join(circle)}"
        hint = "let one of them have no base"
    else:
        return file
    site.sure = False
    place = document.place(("base",), value=True)
    site.problems.error(code, message, document.path, *place, hint=hint)
    return None


def _levers(document: Document, site: Site) -> Iterator[tuple[Lever, Standing]]:
    """The levers of one file that are well-formed; the faults of the others are said."""
    entries = document.data.get("levers") if isinstance(document.data, dict) else None
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue  # said when the file as a whole was validated
        if len(entry) != 1:
            site.problems.error(
                "one-lever",
                "each item of levers has one key, the kind of lever",
                document.path,
                *document.place(("levers", i)),
                hint="start every lever with its own `- `, and indent its keys under its kind",
            )
            site.sure = False
            continue
        (kind,) = entry
        keys = ("levers", i, kind)
        lever = None
        if kind in LEVERS:
            lever = validate(document, LEVERS[kind], site.problems, keys)
        else:
            hint = did_you_mean(kind, LEVERS) or f"levers are {', '.join(sorted(LEVERS))}"
            message = f"there is no lever {kind!r}"
            place = document.place(keys)
            site.problems.error("unknown-lever", message, document.path, *place, hint=hint)
        if lever is not None:
            yield lever, Standing(document, keys, lever.date)
        elif kind not in LEVERS or LEVERS[kind].redraws:
            site.sure = False  # it might have made the units that later levers name


def _left_out(what: str, number: int, lang: Lang) -> str:
    nouns = {"settlement": "居民点", "community": "社区（村）"}
    if lang == "zh":
        return f"范围以外，未计入：{number}个{nouns.get(what, f'{what}措施')}。"
    noun = amount(number, what if what in nouns else "lever")
    return f"Outside the scope and left out: {noun}{'' if what in nouns else f' {what}'}."
