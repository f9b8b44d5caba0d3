"""Input folders: of made-up prefectures, written from a few lines of text, and the real one."""

from __future__ import annotations

from pathlib import Path

MEISHAN = Path(__file__).parents[1] / "scenarios" / "meishan" / "input"
HEADER = "code,county_code,county,township_code,township,township_kind,name,kind"
COUNTIES = """code,county,seat_lon,seat_lat,area_km2,registered
990101,North,104.0,30.2,,
990102,South,104.0,30.0,,
"""

# North: the town of Alder takes in Birch, whose seat lives on as a community; one village of two
# that merge keeps its name. South: one township only, its kinds and its affixes those of Chinese
# lists, a new community that only a split can fill.
BEFORE = f"""{HEADER}
990101100001,990101,North,990101100,Alder镇,镇,Mill社区居民委员会,社区
990101100201,990101,North,990101100,Alder镇,镇,Oak村民委员会,村
990101100202,990101,North,990101100,Alder镇,镇,Elm村委会,村
990101200001,990101,North,990101200,Birch乡,乡,Market社区居民委员会,社区
990101200201,990101,North,990101200,Birch乡,乡,Ford村民委员会,村
990101200202,990101,North,990101200,Birch乡,乡,Lake村民委员会,村
990102001001,990102,South,990102001,城关街道,街道,东风居委会,社区
990102001002,990102,South,990102001,城关街道,街道,红旗社区居委员会,社区
"""
AFTER = f"""{HEADER}
990101100001,990101,North,990101100,Alder镇,镇,Mill社区居民委员会,社区
990101100002,990101,North,990101100,Alder镇,镇,Birch社区居民委员会,社区
990101100201,990101,North,990101100,Alder镇,镇,Oak村村民委员会,村
990101100203,990101,North,990101100,Alder镇,镇,Ford村民委员会,村
990102001001,990102,South,990102001,城关街道,街道,东风社区居民委员会,社区
990102001002,990102,South,990102001,城关街道,街道,红旗社区居民委员会,社区
990102001003,990102,South,990102001,城关街道,街道,新华社区居民委员会,社区
"""


def write_prefecture(
    folder: Path,
    before: str = BEFORE,
    after: str = AFTER,
    counties: str = COUNTIES,
    totals: str = "title: Made up\n",
    **others: str,
) -> Path:
    """Writes an input folder and returns it; others: texts by the stem of their CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "units_before.csv": before,
        "units_after.csv": after,
        "county_facts.csv": counties,
        "totals.yaml": totals,
        **{f"{stem}.csv": text for stem, text in others.items()},
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8-sig")
    return folder


def shuffled(text: str) -> str:
    """The rows of a table in another order."""
    head, *rows = text.splitlines()
    return "\n".join([head, *sorted(rows, key=lambda row: row[::-1])]) + "\n"
