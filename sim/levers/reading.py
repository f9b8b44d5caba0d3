"""Scenario files as they are read: the chain of bases, and the form of every lever.

What can be said without the case is said here; whether a lever fits the case, `Lever.bind` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sim.case.files import exists, inside, names_in
from sim.case.messages import Problems, did_you_mean, near_file
from sim.case.yaml import Document, KeyPath, salvage, validate
from sim.levers.lever import Lever

SOME_DAY = date(2000, 1, 1)  # stands in for a date that cannot be read


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
class Entry:
    """One item of `levers`.

    keys: where it stands in its file; kind: its class, None where nobody can tell; lever: None
    where its form is at fault; part: the lever, or what can be used of it; date: None where it
    cannot be read.
    """

    document: Document
    keys: KeyPath
    kind: type[Lever] | None
    lever: Lever | None = None
    part: Lever | None = None
    date: date | None = None


def read_chain(
    path: Path, roots: Sequence[Path], problems: Problems
) -> tuple[list[Document], bool]:
    """A scenario and its bases, itself first, as far as they can be read, and whether all can.

    roots: the directories in which they must lie.
    """
    chain: list[Document] = []
    seen: list[Path] = []
    file: Path | None = path
    if exists(path) and not inside(path, roots):
        hint = "copy the file itself into the case"
        problems.error("outside-case", f"{path.name} is a link out of the case", path, hint=hint)
        return chain, False
    while file is not None:
        seen.append(file.resolve())
        document = Document.read(file, problems)
        if document is None:
            return chain, False
        chain.append(document)
        validate(document, ScenarioFile, problems)
        name = document.data.get("base") if isinstance(document.data, dict) else None
        if not isinstance(name, str):
            return chain, name is None
        file = _base(document, name, seen, roots, problems)
    return chain, False


def _base(
    document: Document, name: str, seen: list[Path], roots: Sequence[Path], problems: Problems
) -> Path | None:
    """The file of a scenario's base, None after saying what is wrong with it."""
    file = document.path.parent / name
    if not exists(file):
        near = names_in(document.path.parent, ".yaml", ".yml")
        code, message = "missing-base", f"there is no scenario {name}"
        hint = near_file(name, near) or "a base is a file beside the scenario"
    elif not inside(file, roots):
        code, message = "outside-case", f"{name} lies outside the case's directory"
        hint = "copy it into the case"
    elif file.resolve() in seen:
        circle = [p.name for p in [*seen[seen.index(file.resolve()) :], file.resolve()]]
        code, message = "base-loop", f"the bases form a circle: {' -> '.join(circle)}"
        hint = "let one of them have no base"
    else:
        return file
    place = document.place(("base",), value=True)
    problems.error(code, message, document.path, *place, hint=hint)
    return None


def read_entries(
    document: Document, kinds: Mapping[str, type[Lever]], problems: Problems
) -> Iterator[Entry]:
    """The levers of one file, with all faults of form said; kinds: levers by their key."""
    levers = document.data.get("levers") if isinstance(document.data, dict) else None
    for i, item in enumerate(levers if isinstance(levers, list) else []):
        if not isinstance(item, dict):
            continue  # said when the file as a whole was validated
        if len(item) != 1:
            yield _not_one(document, i, item, kinds, problems)
            continue
        (kind,) = item
        keys = ("levers", i, kind)
        if kind in kinds:
            yield _entry(document, keys, kinds[kind], problems)
            continue
        hint = did_you_mean(kind, kinds) or f"levers are {', '.join(sorted(kinds))}"
        place = document.place(keys)
        message = f"there is no lever {kind!r}"
        problems.error("unknown-lever", message, document.path, *place, hint=hint)
        near = [k for name, k in kinds.items() if repr(name) in hint.partition("?")[0]]
        meant = near[0] if near and not any(k.redraws for k in near) else None
        yield Entry(document, keys, meant)


def _entry(document: Document, keys: KeyPath, kind: type[Lever], problems: Problems) -> Entry:
    lever = validate(document, kind, problems, keys)
    if lever is not None:
        return Entry(document, keys, kind, lever, lever, lever.date)
    part = salvage(document, kind, keys, {"date": SOME_DAY})
    known = part is not None and part.date != SOME_DAY
    return Entry(document, keys, kind, None, part, part.date if part and known else None)


def _not_one(
    document: Document,
    i: int,
    item: dict[str, Any],
    kinds: Mapping[str, type[Lever]],
    problems: Problems,
) -> Entry:
    problems.error(
        "one-lever",
        "each item of levers has one key, the kind of lever",
        document.path,
        *document.place(("levers", i)),
        hint="start every lever with its own `- `, and indent its keys under its kind",
    )
    named = [kinds[k] for k in item if k in kinds]
    harmless = named and not any(k.redraws for k in named)
    return Entry(document, ("levers", i), named[0] if harmless else None)
