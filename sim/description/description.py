"""A scenario described: what its levers say, and what they come to against another scenario."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim.case.messages import InputError, Problem
from sim.description.account import Account, Touched
from sim.description.replay import carry_out
from sim.description.words import Named, differences
from sim.levers.scenario import Scenario, open_in_case
from sim.levers.words import Lang


@dataclass(frozen=True)
class Description:
    """A scenario beside another one of the same case; other: None for the case before any lever.

    same: the levers of both do the same.
    """

    scenario: Scenario
    other: Scenario | None
    same: bool
    before: Account
    after: Account
    touched: Touched

    @staticmethod
    def open(path: Path, against: Path | None = None) -> Description:
        """Describes the scenario at `path` against another, by default against its base.

        Raises `InputError` with the faults of either.
        """
        case, scenario = open_in_case(path)
        if against is not None and against.resolve().parent != path.resolve().parent:
            message = "this scenario belongs to another case"
            hint = f"name a scenario in {path.parent}"
            raise InputError([Problem("other-case", message, against, hint=hint)])
        base = against or scenario.base
        other = Scenario.open(base, case) if base is not None else None
        levers = other.levers if other else ()
        before, after = carry_out(case, [levers, scenario.levers])
        return Description(
            scenario,
            other,
            [x.content() for x in levers] == [x.content() for x in scenario.levers],
            Account.of(before),
            Account.of(after),
            Touched.between(before, after),
        )

    def to_text(self, lang: str) -> str:
        """Title, a sentence a lever, and in how far it differs, in words."""
        language: Lang = "zh" if lang == "zh" else "en"
        lines = [self.scenario.title[lang], *(f"  {s}" for s in self.scenario.describe(lang)), ""]
        lines += differences(
            self._against, self.same, self.before, self.after, self.touched, language
        )
        return "\n".join(lines) + "\n"

    def to_json(self, lang: str) -> dict[str, Any]:
        """The same as plain data; the sentences of the levers in one language."""
        return {
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "levers": self.scenario.describe(lang),
            "against": self.other.name if self.other else None,
            "same": self.same,
            "households": asdict(self.touched),
            "before": asdict(self.before),
            "after": asdict(self.after),
        }

    @property
    def _against(self) -> Named | None:
        return Named(self.other.name, self.other.title) if self.other else None
