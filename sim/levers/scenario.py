"""A scenario: dated levers on a case, as a difference from another scenario.

Frozen and small: it travels to worker processes whole. Everything that can be wrong with it is
said when it is opened, at the line where it stands.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from sim.case.case import Case
from sim.case.messages import Problem, Problems, did_you_mean
from sim.case.yaml import Document, validate
from sim.levers.boundaries import MergeCommunities, RedrawCommunities
from sim.levers.facilities import AddFacility, CloseFacility
from sim.levers.lever import Lever, Site

LEVERS: dict[str, type[Lever]] = {
    lever.kind: lever for lever in (RedrawCommunities, MergeCommunities, AddFacility, CloseFacility)
}


class Title(BaseModel):
    """A title in two languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: str
    zh: str


class ScenarioFile(BaseModel):
    """The keys of a scenario file; levers are checked one by one."""

    model_config = ConfigDict(extra="forbid")
    title: Title
    base: str | None = None
    about: str = ""
    levers: list[dict[str, Any]] = []


@dataclass(frozen=True)
class Scenario:
    """Levers in the order of their dates, with the place each stands at.

    title: {"en", "zh"}. left_out: rows of levers that the experiment's scope leaves out, by what
    they are.
    """

    name: str
    title: dict[str, str]
    levers: tuple[Lever, ...]
    places: tuple[tuple[Path, int, int], ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    about: str = ""
    warnings: tuple[Problem, ...] = field(default=(), repr=False)

    @staticmethod
    def open(path: str | Path, case: Case) -> Scenario:
        """The scenario at `path`, checked against the case; `InputError` with all faults."""
        path, problems = Path(path), Problems()
        chain = _chain(path, problems)
        problems.raise_errors()
        found = sorted(
            (x for document, file in reversed(chain) for x in _levers(document, file, problems)),
            key=lambda x: x[0].date,
        )
        site = Site.of(case, path.parent, problems)
        bound = []
        for lever, file, place in found:
            site.path, site.place, site.folder = file, place, file.parent
            ready = lever.bind(site)
            if ready is not None:
                bound.append((ready, (file, *place)))
        problems.raise_errors()
        own = ScenarioFile.model_validate(chain[0][0].data)
        return Scenario(
            name=path.stem,
            title=own.title.model_dump(),
            levers=tuple(b[0] for b in bound),
            places=tuple(b[1] for b in bound),
            left_out=tuple(sorted(site.left_out.items())),
            about=own.about,
            warnings=tuple(problems),
        )

    @property
    def first_date(self) -> date | None:
        """Date of the first lever, None where there is none."""
        return self.levers[0].date if self.levers else None

    @property
    def digest(self) -> str:
        """Hash of all that its levers do, tables included."""
        content = [[x.kind, x.model_dump(mode="json")] for x in self.levers]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()

    def resolved(self) -> str:
        """The whole chain of bases as one scenario without a base, as YAML."""
        from io import StringIO

        levers = [
            {x.kind: x.model_dump(mode="json", exclude_defaults=True, exclude={"plan", "before",
                                                                               "share"})}
            for x in self.levers
        ]
        out, yaml = StringIO(), YAML()
        yaml.default_flow_style = False
        yaml.dump({"title": dict(self.title), "levers": levers}, out)
        return out.getvalue()

    def describe(self, lang: str = "en") -> list[str]:
        """One sentence a lever."""
        return [lever.describe("zh" if lang == "zh" else "en") for lever in self.levers]

    def check_horizon(self, start: date, weeks: int, problems: Problems) -> None:
        """Adds a fault for each lever whose date lies outside the weeks of an experiment."""
        end = start + timedelta(weeks=weeks - 1)
        for lever, (path, line, column) in zip(self.levers, self.places, strict=True):
            if not start <= lever.date <= end:
                problems.error(
                    "date-outside",
                    f"{lever.kind} on {lever.date} lies outside the experiment's weeks",
                    path, line, column,
                    hint=f"choose a date from {start} to {end}, or change start and weeks",
                )  # fmt: skip


def _chain(path: Path, problems: Problems) -> list[tuple[Document, Path]]:
    """The scenario and its bases, itself first."""
    chain: list[tuple[Document, Path]] = []
    seen: list[Path] = []
    file: Path | None = path
    while file is not None:
        if file.resolve() in seen:
            names = " -> ".join(p.name for p in [*seen, file.resolve()])
            document, at = chain[-1]
            problems.error("base-loop", f"the bases form a circle: {names}", at,
                           *document.place(("base",)), hint="let one of them have no base")
            break
        seen.append(file.resolve())
        document = Document.read(file, problems)
        spec = validate(document, ScenarioFile, problems) if document is not None else None
        if document is None or spec is None:
            break
        chain.append((document, file))
        if spec.base is None:
            break
        base = file.parent / spec.base
        if not base.is_file():
            near = [p.name for p in file.parent.glob("*.yaml")]
            problems.error("missing-base", f"there is no scenario {spec.base}", file,
                           *document.place(("base",), value=True),
                           hint=did_you_mean(spec.base, near))
            break
        file = base
    return chain


def _levers(
    document: Document, file: Path, problems: Problems
) -> list[tuple[Lever, Path, tuple[int, int]]]:
    out = []
    for i, entry in enumerate(document.data.get("levers") or []):
        place = document.place(("levers", i))
        if len(entry) != 1:
            problems.error("one-lever", "each item of levers has one key, the kind of lever",
                           file, *place, hint="start every lever with its own `- `")
            continue
        (kind,) = entry
        if kind not in LEVERS:
            hint = did_you_mean(kind, LEVERS) or f"levers are {', '.join(sorted(LEVERS))}"
            problems.error("unknown-lever", f"there is no lever {kind!r}", file,
                           *document.place(("levers", i, kind)), hint=hint)
            continue
        lever = validate(document, LEVERS[kind], problems, ("levers", i, kind))
        if lever is not None:
            out.append((lever, file, document.place(("levers", i, kind))))
    return out

