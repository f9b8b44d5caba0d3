"""The documentation says what the code does."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from docs import odd
from sim.outcomes import rules
from sim.outcomes.catalogue import as_markdown

ROOT = Path(__file__).parents[1]


def test_the_list_of_outcomes_is_the_catalogue():
    """Refresh it with: python -c "from sim.outcomes.catalogue import as_markdown as m;
    open('docs/outcomes.md', 'w', encoding='utf-8').write(m())"."""
    assert (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8") == as_markdown()


def test_the_list_of_rules_is_the_library():
    """Refresh it with: python -c "from sim.outcomes.rules import as_markdown as m;
    open('docs/rules.md', 'w', encoding='utf-8').write(m())"."""
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules.as_markdown()


def test_the_odd_description_is_that_of_the_code():
    """Refresh it with: python docs/odd.py"""
    assert (ROOT / "docs" / "odd.md").read_text(encoding="utf-8") == odd.as_markdown()


@pytest.mark.parametrize("table", [e[2] for e in odd.ENTITIES], ids=lambda t: t.__name__)
def test_every_state_variable_is_explained(table):
    said = inspect.getdoc(table) or ""
    assert [f.name for f in fields(table) if not re.search(rf"\b{f.name}\b", said)] == []


def test_the_odd_description_has_its_seven_elements():
    heads = re.findall(r"^## (\d) ", odd.as_markdown(), re.MULTILINE)
    assert heads == list("1234567")


def test_every_test_that_the_verification_names_is_there():
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) > 25
    missing = [
        f"{file}::{test}"
        for file, test in named
        if f"def {test}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]
    assert missing == []
