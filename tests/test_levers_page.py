"""Claims about docs/levers.md: every example runs, and speaks of a lever that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.case.case import Case
from sim.levers.scenario import LEVERS, Scenario
from tests.cases import TOWN, write_streets
from tests.levers import WEEK, change, run

PAGE = Path(__file__).parent.parent / "docs" / "levers.md"
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE.read_text("utf-8"), re.M | re.S))
STREETS = ("open_street",)
ONE_COUNTY = ("merge_townships",)


@pytest.mark.parametrize("lever", SECTIONS)
def test_every_example_runs_and_is_told(small_case_dir: Path, lever: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", SECTIONS[lever], re.S)
    assert re.search(rf"^- {lever}:", example, re.M)
    if lever in STREETS:
        write_streets(small_case_dir)
    if lever in ONE_COUNTY:
        change(small_case_dir, "townships", TOWN, county="甲区")
    case = Case.open(small_case_dir)
    path = small_case_dir / "example.yaml"
    indented = "".join(f"  {line}\n" for line in example.splitlines())
    path.write_text(f"title: {{en: Example, zh: 示例}}\nlevers:\n{indented}", "utf-8")
    opened = Scenario.open(path, case)
    assert len(opened.describe()) == len(opened.describe("zh")) == len(opened.levers) > 0
    kinds = [x.kind for x in opened.levers[: run(case, opened, WEEK + 2).applied]]
    assert lever in kinds


def test_every_section_is_a_lever_and_names_its_keys() -> None:
    assert set(SECTIONS) <= set(LEVERS)
    assert {kind for kind, lever in LEVERS.items() if lever.redraws} <= set(SECTIONS)
    for kind, text in SECTIONS.items():
        keys = {f.alias or name for name, f in LEVERS[kind].model_fields.items()} - {"date"}
        assert not {key for key in keys if f"`{key}`" not in text}, kind
