"""The documentation says what the code does."""

from pathlib import Path

from sim.outcomes.catalogue import as_markdown

ROOT = Path(__file__).parents[1]


def test_the_list_of_outcomes_is_the_catalogue():
    """Refresh it with: python -c "from sim.outcomes.catalogue import as_markdown as m;
    open('docs/outcomes.md', 'w', encoding='utf-8').write(m())"."""
    assert (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8") == as_markdown()
