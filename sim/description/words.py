"""Two accounts side by side in words, English and Chinese."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.description.account import Account, Touched
from sim.levers import words
from sim.levers.words import Lang, amount, pick


@dataclass(frozen=True)
class Named:
    """A scenario by its name and title."""

    name: str
    title: dict[str, str]


@dataclass(frozen=True)
class Count:
    """A count of an account in words: key, English noun and what follows it, Chinese noun and
    measure word."""

    key: str
    noun: str
    zh: str
    where: str = ""
    measure: str = "个"

    def say(self, account: Account, lang: Lang) -> str:
        """How many there are."""
        n = round(getattr(account, self.key))
        return pick((amount(n, self.noun) + self.where, f"{self.zh}{n:,}{self.measure}"), lang)

    def change(self, before: Account, after: Account, lang: Lang) -> str:
        """How many there are, and were."""
        old, new = (round(getattr(x, self.key)) for x in (before, after))
        m = self.measure
        pair = (
            f"{amount(new, self.noun)}{self.where} instead of {old:,}",
            f"{self.zh}由{old:,}{m}变为{new:,}{m}",
        )
        return pick(pair, lang)


KINDS = Count("communities", "community", "社区"), Count("villages", "village", "村")
TOWNSHIPS = Count("townships", "township", "乡镇（街道）")
GROUPS = Count("groups", "residents' group", "居民小组")
POINTS = (
    Count("points", "service point", "社区（村）服务点", " of communities and villages"),
    Count("centres", "township centre", "乡镇（街道）便民服务中心"),
)
STATIONS = Count("stations", "service station", "乡镇（街道）政务服务站", " of townships")
KEPT = {"points": "kept_points", "centres": "kept_centres"}
STAFF = (
    Count("staff", "post", "社区（村）工作岗位", " in communities and villages"),
    Count("centre_staff", "post", "乡镇（街道）工作岗位", " in townships"),
)
FLOOR = Count("floor", "square metre", "公共服务用房", " of public floor", "平方米")
COSTS = {
    "staff": ("for staff", "人员经费"),
    "floor": ("for running public buildings", "用房运行"),
    "build": ("for building (written off over its life) and rent", "建设折旧和租金"),
    "rewards": ("for rewards to residents' units", "单位设施开放奖补"),
    "contracts": ("for services bought", "购买服务"),
    "property": ("for property management", "物业管理补贴"),
}


def differences(
    against: Named | None, same: bool, before: Account, after: Account, touched: Touched, lang: Lang
) -> list[str]:
    """How the second account differs from the first, line by line."""
    other = _named(against, lang)
    if same:
        return [pick((f"Nothing differs from {other}.", f"与{other}没有任何差别。"), lang)]
    told = [
        *_units(before, after, lang),
        *_touched(touched, lang),
        *_changes((TOWNSHIPS, GROUPS, *STAFF, FLOOR), before, after, lang),
        *_points(before, after, lang),
        *_changes((STATIONS,), before, after, lang),
        *_money(before, after, lang),
        *_facilities(before, after, lang),
    ]
    if not told:
        text = (
            f"Units, facilities, staff and floor are as in {other}; what differs is said above.",
            f"区划、设施、人员和用房与{other}相同，差别见上文。",
        )
        return [pick(text, lang)]
    head = f"Against {other}, once all this is done:", f"与{other}相比，全部落实后："
    still = _still(before, after, lang)
    return [pick(head, lang), *(f"  {line}" for line in [*told, *still])]


def _named(against: Named | None, lang: Lang) -> str:
    if against is None:
        return pick(("the case before any lever", "采取措施之前的现状"), lang)
    title = against.title[lang]
    return pick((f"{against.name} ({title})", f"{against.name}（{title}）"), lang)


def _differ(count: Count, before: Account, after: Account) -> bool:
    return round(getattr(before, count.key)) != round(getattr(after, count.key))


def _units(before: Account, after: Account, lang: Lang) -> Iterator[str]:
    """Communities and villages, and how many there are of each kind."""
    kinds = [x.change(before, after, lang) for x in KINDS if _differ(x, before, after)]
    if not kinds:
        return
    total = ""
    if before.units != after.units:
        total = pick(
            (
                f"{before.units:,} communities and villages become {after.units:,}: ",
                f"社区（村）由{before.units:,}个变为{after.units:,}个：",
            ),
            lang,
        )
    said = "，".join(kinds) if lang == "zh" else words.listed(kinds, lang)
    yield total + said + pick((".", "。"), lang)


def _touched(t: Touched, lang: Lang) -> Iterator[str]:
    """Households whose unit, township or nearest counter is another."""
    if not t.any:
        return
    share = f"{t.any / t.households:.0%}" if t.any >= t.households / 100 else "< 1%"
    farther = f"，其中{t.farther:,}户变远" if t.farther else ""
    parts = [
        (
            t.unit,
            f"{words.verb(t.unit, 'live')} in a community or village that changes",
            "户所在社区（村）变更",
        ),
        (
            t.township,
            f"{words.verb(t.township, 'belong')} to another township",
            "户所属乡镇（街道）变更",
        ),
        (
            t.counter,
            f"{'has' if t.counter == 1 else 'have'} the nearest counter for some matters elsewhere",
            f"户有事项的最近办事窗口改变{farther}",
        ),
    ]
    said = [f"{n:,} {what}" for n, what, _ in parts if n]
    said_zh = [f"{n:,}{what}" for n, _, what in parts if n]
    if lang == "zh":
        yield f"{t.households:,}户中有{t.any:,}户（{share}）受影响：{'，'.join(said_zh)}。"
        return
    far = f", {t.farther:,} of them farther away on average" if t.farther else ""
    are = "is" if t.any == 1 else "are"
    all_in_all = f"{t.any:,} of {amount(t.households, 'household')} ({share}) {are} touched"
    yield f"{all_in_all}: {words.listed(said, lang)}{far}."


def _changes(counts: Sequence[Count], before: Account, after: Account, lang: Lang) -> Iterator[str]:
    for count in counts:
        if _differ(count, before, after):
            said = count.change(before, after, lang)
            yield said + pick((".", "。"), lang)


def _points(before: Account, after: Account, lang: Lang) -> Iterator[str]:
    """Service points and township centres, and how many go on in part only."""
    for count in POINTS:
        old, new = (getattr(x, KEPT[count.key]) for x in (before, after))
        differ = _differ(count, before, after)
        if not differ and old == new:
            continue
        said = count.change(before, after, lang) if differ else count.say(after, lang)
        kept = pick(
            (
                f", {new:,} of them beside the seats, with fewer hours or windows",
                f"，其中{new:,}个在驻地以外、缩减时间或窗口",
            ),
            lang,
        )
        kept = kept if old or new else ""
        yield said + kept + pick((".", "。"), lang)


def _money(before: Account, after: Account, lang: Lang) -> Iterator[str]:
    """What the public pays more or less."""
    changes = [
        (yuan - before.costs[kind], *COSTS[kind])
        for kind, yuan in after.costs.items()
        if round(yuan) != round(before.costs[kind])
    ]
    if changes:
        total = _more(sum(d for d, _, _ in changes), lang)
        if len(changes) == 1:
            ((_, what, zh),) = changes
            yield pick((f"The public pays {total} a year {what}.", f"{zh}每年{total}。"), lang)
        elif lang == "zh":
            said = "，".join(f"{zh}{_more(d, lang)}" for d, _, zh in changes)
            yield f"公共支出每年{total}：{said}。"
        else:
            said = words.listed([f"{_more(d, lang)} {what}" for d, what, _ in changes], lang)
            yield f"The public pays {total} a year: {said}."
    once = after.merging_cost - before.merging_cost
    if round(once):
        pair = f"Once: {_more(once, lang)} for merging.", f"合并的一次性支出{_more(once, lang)}。"
        yield pick(pair, lang)


def _more(yuan: float, lang: Lang) -> str:
    """So much more or less, in the units that people speak of."""
    size = words.money(abs(yuan), lang)
    if lang == "zh":
        return f"{'增加' if yuan >= 0 else '减少'}{size}"
    return f"{size} {'more' if yuan >= 0 else 'less'}"


def _facilities(before: Account, after: Account, lang: Lang) -> Iterator[str]:
    """A table of the services that have more or fewer facilities."""
    rows = {
        words.services([service], lang): (old, after.facilities[service])
        for service, old in before.facilities.items()
        if old != after.facilities[service]
    }
    if rows:
        head = "Facilities by service, before and after:", "各类服务设施数（此前、此后、增减）："
        yield pick(head, lang)
    widest = max(map(_width, rows), default=0)
    for name, (old, new) in rows.items():
        pad = " " * (widest - _width(name))
        yield f"  {name}{pad} {old:>7,} {new:>7,} {new - old:>+7,}"


def _still(before: Account, after: Account, lang: Lang) -> Iterator[str]:
    """What stays as it is."""
    counts = (*KINDS, TOWNSHIPS, GROUPS, *POINTS, STATIONS, *STAFF, FLOOR)
    same = [
        x.say(after, lang)
        for x in counts
        if getattr(after, x.key)
        and not _differ(x, before, after)
        and (x not in POINTS or getattr(before, KEPT[x.key]) == getattr(after, KEPT[x.key]))
    ]
    if same:
        listed = words.listed(same, lang)
        yield pick((f"As before: {listed}.", f"不变：{listed}。"), lang)


def _width(text: str) -> int:
    """Columns on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
