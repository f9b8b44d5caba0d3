"""Writes the tables of README.md and experiments/README.md from results that are there.

Run `sim demo`, and where the city's table is to be new `sim run experiments/meishan-reform.yaml`,
then `python docs/tables.py`.
"""

import re
from pathlib import Path

from sim.experiment.results import Study

ROOT = Path(__file__).parents[1]
SCENARIOS = ("reform", "reform-keep-points", "reform-plus", "facilities-only")
ROWS = (
    ("access.government.minutes", "all", "minutes to government matters", 1, 1),
    ("access.community.minutes", "all", "minutes to community affairs", 1, 1),
    ("access.elder_care.share_15min", "all", "within 15 minutes of elder day care, %", 100, 1),
    ("access.basket.minutes", "all", "minutes a trip, all needs together", 1, 2),
    ("use.government.unmet", "all", "government matters given up, %", 100, 1),
    ("use.government.wait", "all", "wait at the government counter, min", 1, 1),
    ("workload.offices.load", "all", "load of offices (demand over capacity)", 1, 3),
    ("workload.offices.overhead_per_1000", "all", "fixed overhead, hours a year per 1,000 persons",
     1, 0),
    ("use.home_care.visits", "all", "home visits a week", 1, 0),
    ("cost.total.per_head", "all", "public cost, yuan a year and person", 1, 0),
    ("satisfaction.residents.score", "all", "satisfaction, 0-100", 1, 1),
    ("equity.losers.share", "all", "households that lose, %", 100, 1),
)  # fmt: skip


def main() -> None:
    """Rewrites the marked parts of both files."""
    demo = Study.open(ROOT / "results" / "demo")
    last, early = _index(demo.compare()), _index(demo.compare(window="first-half-year"))
    marked = {"table": _table(last), "directions": _directions(last, early)}
    city = ROOT / "results" / "meishan-reform"
    if city.is_dir():
        study = Study.open(city)
        last, early = _index(study.compare()), _index(study.compare(window="first-half-year"))
        marked |= {"city": _table(last), "city-directions": _directions(last, early)}
    for path in (ROOT / "README.md", ROOT / "experiments" / "README.md"):
        text = path.read_text(encoding="utf-8")
        for name, content in marked.items():
            text = _fill(text, name, content)
        path.write_text(text, encoding="utf-8")


def _index(frame):
    return {(r.scenario, r.outcome, r.group): r for r in frame.itertuples(index=False)}


def _fill(text: str, name: str, content: str) -> str:
    pattern = rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda m: m[1] + content + m[2], text, flags=re.S)


def _number(value: float, scale: float, digits: int, sign: bool = False) -> str:
    value = round(value * scale, digits) + 0.0
    return f"{value:{'+' if sign and value else ''},.{digits}f}".replace("-", "−")


def _table(last) -> str:
    head = ["", "before", *SCENARIOS]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for outcome, group, label, scale, digits in ROWS:
        records = [last[s, outcome, group] for s in SCENARIOS]
        cells = []
        for r in records:
            change = _number(r.difference, scale, digits, sign=True)
            half = (r.high - r.low) / 2 * scale
            shown = f" ± {_number(half, 1, digits)}" if round(half, digits) else ""
            word = {"no clear difference": " (not clear)", "no difference": ""}.get(r.verdict, "")
            cells.append(f"{change}{shown}{word}")
        base = _number(records[0].base_value, scale, digits)
        lines.append(f"| {label} | {base} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _directions(last, early) -> str:
    def change(window, outcome, scenario="reform", group="all", scale=1.0, digits=1):
        return _number(window[scenario, outcome, group].difference, scale, digits, sign=True)

    def value(window, outcome, scenario="reform", scale=1.0, digits=2):
        r = window[scenario, outcome, "all"]
        return f"{_number(r.base_value, scale, digits)} to {_number(r.value, scale, digits)}"

    counter = "equity.losers.counter_minutes"
    lost = last["reform", counter, "all"].difference
    left = last["reform-keep-points", counter, "all"].difference
    near = last["reform", counter, "seat_0_500m"].difference
    far = last["reform", counter, "seat_2000m"].difference
    old = last["reform", counter, "old"].difference
    young = last["reform", counter, "adults"].difference
    overhead = last["reform", "workload.offices.overhead_per_1000", "all"].difference
    dip = early["reform", "use.home_care.visits", "all"]
    back = last["reform", "use.home_care.visits", "all"]
    load = early["reform", "workload.offices.load", "all"].difference
    rows = [
        (
            "the reform lowers fixed overhead per head",
            overhead < 0,
            value(last, "workload.offices.overhead_per_1000", digits=0)
            + " hours per 1,000 persons",
        ),
        (
            "it raises minutes to counter matters",
            lost > 0,
            f"{change(last, counter)} min (government {change(last, 'access.government.minutes')}, "
            f"community {change(last, 'access.community.minutes')})",
        ),
        (
            "most far from the kept seat",
            far > near,
            f"{_number(far, 1, 1, True)} min beyond 2 km, {_number(near, 1, 1, True)} within 500 m",
        ),
        (
            "most for the old",
            old > young,
            f"{_number(old, 1, 2, True)} min for persons 60+, "
            f"{_number(young, 1, 2, True)} for 15-59",
        ),
        (
            "keeping points removes most of that",
            left < 0.5 * lost,
            f"{_number(left, 1, 1, True)} instead of {_number(lost, 1, 1, True)} min",
        ),
        ("in the first months load rises", load > 0, value(early, "workload.offices.load")),
        (
            "and home visits fall",
            dip.difference < 0,
            f"{value(early, 'use.home_care.visits', digits=0)} a week in the first half year",
        ),
        (
            "and they recover within two years",
            back.value > 0.95 * back.base_value,
            f"{100 * back.value / back.base_value:.1f} % of the base in the last year",
        ),
    ]
    lines = ["| expected | comes out | figures |", "|---|---|---|"]
    lines += [f"| {what} | {'yes' if so else '**no**'} | {figures} |" for what, so, figures in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
