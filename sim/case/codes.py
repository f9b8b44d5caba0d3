"""What the codes of problems mean and how to mend them, from ``sim/data/codes.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sim.case.messages import InputError, Problem, did_you_mean


@dataclass(frozen=True)
class Code:
    """A code explained: means and mend by language (en, zh); example may be empty."""

    name: str
    means: Mapping[str, str]
    mend: Mapping[str, str]
    example: str = ""

    def to_text(self, lang: str = "en") -> str:
        """The explanation for the terminal."""
        lines = [self.name, f"  {self.means[lang]}", f"  {self.mend[lang]}"]
        if self.example:
            lines += ["", *(f"    {line}" for line in self.example.splitlines())]
        return "\n".join(lines)

    def to_json(self, lang: str = "en") -> dict[str, str]:
        """The explanation as plain data."""
        said = {"means": self.means[lang], "mend": self.mend[lang], "example": self.example}
        return {"code": self.name, **said}


@cache
def codes() -> dict[str, Code]:
    """All codes, in the order of the file."""
    from ruamel.yaml import YAML

    text = resources.files("sim.data").joinpath("codes.yaml").read_text(encoding="utf-8")
    return {
        name: Code(
            name,
            {lang: entry[lang]["means"] for lang in ("en", "zh")},
            {lang: entry[lang]["mend"] for lang in ("en", "zh")},
            entry.get("example", ""),
        )
        for name, entry in YAML(typ="safe", pure=True).load(text).items()
    }


def explained(name: str) -> Code:
    """The code of this name; `InputError` where there is none."""
    known = codes()
    if name not in known:
        hint = did_you_mean(name, known) or "`sim explain` lists the codes"
        raise InputError([Problem("unknown-code", f"there is no code {name!r}", hint=hint)])
    return known[name]
