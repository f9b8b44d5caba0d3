"""Parameters: every default number of the model, with its provenance.

The numbers live in ``sim/data/parameters.yaml``; this module reads them, applies overrides from
case, experiment and Python, and hands them out by dotted name (``travel.walking_speed``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from sim.case.messages import InputError, Problem, did_you_mean

CONFIDENCE = {
    "S": "policy document",
    "A": "official or peer-reviewed",
    "B": "secondary",
    "C": "assumption",
}


@dataclass(frozen=True)
class Parameter:
    """One number: value, unit, plausible range, source, confidence (a key of CONFIDENCE), and
    whether only whole numbers make sense."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    source: str
    confidence: str
    about: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Parameters:
    """All parameters of a run; immutable, hashable by `digest`."""

    entries: Mapping[str, Parameter]

    @staticmethod
    def load(overrides: Mapping[str, float] | None = None) -> Parameters:
        """The defaults with `overrides` (dotted name -> value) laid over them.

        Raises `InputError` naming every unknown name and every value outside its range.
        """
        return Parameters(_defaults()).override(overrides or {})

    def override(self, overrides: Mapping[str, float]) -> Parameters:
        """A copy with other values; errors as in `load`."""
        entries, problems = dict(self.entries), []
        for name, value in overrides.items():
            if name not in entries:
                hint = did_you_mean(name, entries) or "`sim parameters` lists the names"
                problems.append(Problem("unknown-parameter", f"no parameter {name!r}", hint=hint))
            elif isinstance(value, bool) or not isinstance(value, int | float):
                problems.append(Problem("bad-parameter", f"{name} must be a number, not {value!r}"))
            elif not entries[name].low <= value <= entries[name].high:
                old = entries[name]
                problems.append(
                    Problem(
                        "parameter-range",
                        f"{name} = {value:g} {old.unit} is outside {old.low:g} to {old.high:g}",
                        hint=f"the default is {old.value:g}: {old.source}",
                    )
                )
            elif entries[name].whole and value != int(value):
                message = f"{name} must be a whole number, not {value:g}"
                near = f"{int(value)} or {int(value) + 1}"
                problems.append(Problem("bad-parameter", message, hint=f"take {near}"))
            else:
                entries[name] = replace(entries[name], value=float(value))
        if problems:
            raise InputError(problems)
        return Parameters(entries)

    def __getitem__(self, name: str) -> float:
        return self.entries[name].value

    def get(self, name: str, default: float) -> float:
        """The value, or the default where there is no parameter of this name."""
        return self[name] if name in self.entries else default

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.entries.values())

    def values(self) -> dict[str, float]:
        """Dotted name -> value, for a record of what was used."""
        return {p.name: p.value for p in self}

    @property
    def digest(self) -> str:
        """Hash of all names and values; two equal digests mean equal numbers."""
        text = "\n".join(f"{p.name}={p.value!r}" for p in self)
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def _defaults() -> dict[str, Parameter]:
    from ruamel.yaml import YAML

    text = resources.files("sim.data").joinpath("parameters.yaml").read_text(encoding="utf-8")
    groups = YAML(typ="safe", pure=True).load(text)
    return {
        f"{group}.{name}": Parameter(
            name=f"{group}.{name}",
            value=float(entry["value"]),
            unit=entry["unit"],
            low=float(entry["range"][0]),
            high=float(entry["range"][1]),
            source=entry["source"],
            confidence=entry["confidence"],
            about=entry.get("about", ""),
            whole=entry.get("whole", False),
        )
        for group, entries in groups.items()
        for name, entry in entries.items()
    }
