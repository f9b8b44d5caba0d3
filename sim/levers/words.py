"""Words that levers are described in, English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Lang = Literal["en", "zh"]
MILLION, WAN = 1e6, 1e4

SERVICES = {
    "government": ("government matters", "政务服务"),
    "community": ("community affairs", "社区事务"),
    "health": ("health services", "卫生服务"),
    "culture": ("culture", "文化活动"),
    "elder_meals": ("meals for the old", "老年助餐"),
    "elder_care": ("elder day care", "日间照料"),
    "nursery": ("nursery places", "托育"),
    "shop": ("a shop", "便民商店"),
    "sports": ("sports", "体育场地"),
    "green": ("green space", "公园绿地"),
    "parking": ("a car park", "停车场"),
}
WAYS = {
    "build": ("built", "新建"),
    "rebuild": ("rebuilt from what is there", "改建"),
    "buy": ("bought", "购置"),
    "rent": ("rented", "租赁"),
    "allot": ("allotted", "划拨"),
    "leaseback": ("leased back from ground floors", "返租底楼"),
    "share": ("shared within the region", "区域共享"),
}
RANKS = {
    "households": ("most households", "户数最多"),
    "old": ("most old people", "老年人口最多"),
    "children": ("most small children", "婴幼儿最多"),
    "floor": ("least service floor per household", "户均服务用房最少"),
}
WORK = {
    "complaints": ("the handling of complaints", "投诉处理"),
    "visits_high": ("home visits at high risk", "高风险走访"),
    "visits_focus": ("home visits at focus risk", "重点走访"),
    "visits_general": ("general home visits", "一般走访"),
    "self_governance": ("the support of self-governance", "自治活动"),
}
COMPOUNDS = {
    "commodity": ("commodity housing", "商品房小区"),
    "resettlement": ("resettlement estates", "安置小区"),
    "old_courtyard": ("old courtyards", "老旧院落"),
    "village": ("hamlets", "村民小组"),
}
STANDARD = {
    "per_10000": ("{:g} posts per 10,000 registered persons", "每万户籍人口{:g}个"),
    "base": ("a base of {:g}", "基数{:g}个"),
    "per_1000": ("{:g} per 1,000 registered persons", "每千户籍人口{:g}个"),
    "least": ("at least {:g}", "不少于{:g}个"),
    "most": ("at most {:g}", "不多于{:g}个"),
}
FORMS = {
    "self": ("management by residents themselves", "居民自管"),
    "entrusted": ("management entrusted to a company", "委托管理"),
    "joint": ("joint management by community and residents", "社区居民共管"),
}
ITEMS = {
    "ledger": ("ledgers", "台账"),
    "evaluation": ("evaluations", "考核评比"),
    "task": ("tasks", "下派任务"),
    "plaque": ("plaques", "挂牌"),
    "meeting": ("meetings", "会议"),
    "certificate": ("certificates", "证明"),
}
UNITS = {
    None: ("communities and villages", "社区（村）"),
    "community": ("communities", "社区"),
    "village": ("villages", "村"),
}
TYPES = {"urban": ("urban", "城市"), "town": ("town", "镇"), "rural": ("rural", "农村")}


def pick(pair: tuple[str, str], lang: Lang) -> str:
    """The one of a pair (English, Chinese) in a language."""
    return pair[lang == "zh"]


def listed(words: Sequence[str], lang: Lang) -> str:
    """Words as a list in a sentence: a, b and c."""
    if lang == "zh":
        return "、".join(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def services(names: Sequence[str], lang: Lang) -> str:
    """Services by name; one that has no words here by its id."""
    return listed([pick(SERVICES.get(n, (n, n)), lang) for n in names], lang)


def named(name: str, ident: str, lang: Lang) -> str:
    """A name with its id, since names repeat."""
    return pick((f"{name} ({ident})", f"{name}（{ident}）"), lang)


def verb(count: int, plural: str) -> str:
    """An English verb that goes with so many."""
    return f"{plural}s" if count == 1 else plural


def money(yuan: float, lang: Lang) -> str:
    """An amount of money in the units that people speak of."""
    if lang == "zh":
        return (
            f"{yuan / WAN:,.{0 if yuan >= 100 * WAN else 1}f}万元"
            if yuan >= WAN
            else f"{yuan:,.0f}元"
        )
    return f"{yuan / MILLION:,.1f} million yuan" if yuan >= MILLION else f"{yuan:,.0f} yuan"


def so_far(text: str, strength: float, lang: Lang) -> str:
    """What a measure comes to, with how far a step has brought it."""
    if strength == 1:
        return text
    return text + pick((f", {strength:.0%} of the way so far", f"（进度{strength:.0%}）"), lang)


def amount(number: int, noun: str) -> str:
    """A number with its English noun in singular or plural."""
    if number != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun}"
