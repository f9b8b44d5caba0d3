"""Claims about the page of levers: it has a section for each, and every example on it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sim.case.case import Case
from sim.levers.scenario import LEVERS, Scenario
from sim.world.weeks import week_of
from tests.cases import TOWN, write_small_case, write_streets
from tests.levers import START, change, run

PAGE = (Path(__file__).parent.parent / "docs" / "levers.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))


def examples(section: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", SECTIONS[section], re.M | re.S)


def test_every_lever_has_its_section() -> None:
    assert set(SECTIONS) == set(LEVERS)


@pytest.mark.parametrize("kind", SECTIONS)
def test_an_example_runs_and_says_what_it_does(kind: str, tmp_path: Path) -> None:
    assert examples(kind), "a section has an example"
    folder = write_small_case(tmp_path / "small")
    if kind == "open_street":
        write_streets(folder)
    if kind == "merge_townships":
        change(folder, "townships", TOWN, county="甲区")
    case = Case.open(folder)
    for text in examples(kind):
        assert kind in {key for item in YAML(typ="safe").load(text) for key in item}
        path = case.path / "example.yaml"
        path.write_text(f"title: {{en: An example, zh: 示例}}\nlevers:\n{text}", "utf-8")
        opened = Scenario.open(path, case)
        assert {w.code for w in opened.warnings} <= {"size-band"}, "units of the case are small"
        sentences = opened.describe("en"), opened.describe("zh")
        assert all(len(s) == len(opened.levers) and all(s) for s in sentences)
        first, last = (opened.levers[i].date for i in (0, -1))
        model = run(case, opened, week_of(last, first) + 2, begin=first)
        assert model.applied == len(opened.levers) and first >= START


def test_every_key_of_a_lever_stands_in_its_section() -> None:
    said_once = {"date", "scope", "pilot", "waves", "ramp"}
    for kind, lever in LEVERS.items():
        keys = {field.alias or name for name, field in lever.model_fields.items()} - said_once
        missing = sorted(k for k in keys if f"`{k}`" not in SECTIONS[kind])
        assert not missing, f"{kind}: {', '.join(missing)}"
