"""The outcomes of access, of floating catchments and of equity, as the catalogue lists them."""

from __future__ import annotations

from sim.outcomes.terms import AMENITIES, LIMITED, NEAR, PLACED, PLACES, SERVICE_NAMES, Outcome

HEADLINE_MINUTES = ("government", "community", "health", "elder_care")
HEADLINE_SHARES = ("government", "elder_care", "basics")


def access_outcomes() -> list[Outcome]:
    """How far everybody is from what is open to them, service by service and together."""
    rows = [row for service in PLACED for row in _of_service(service)]
    rows += _within("basics", "all six basics", "六项基本设施齐全")
    return [
        *rows,
        Outcome(
            "access.green.share_300m", "share", "higher",
            "persons with green space within 300 m, straight line", "300米见绿人口比例",
        ),
        Outcome(
            "access.green.share_500m", "share", "higher",
            "persons with a park of 5,000 m2 within 500 m, straight line", "500米见园人口比例",
        ),
        Outcome(
            "access.green.share_covered", "share", "higher",
            "persons in the service radius of a park (500 m, of one under 5,000 m2 300 m)",
            "公园绿地服务半径覆盖的人口比例",
        ),
        Outcome(
            "access.service_floor.per_100_households", "m2", "higher",
            "floor of community service stations per 100 registered households",
            "每百户社区综合服务设施面积",
        ),
        Outcome(
            "access.basket.minutes", "min", "lower",
            "minutes per trip of the expected yearly basket", "全年预期出行平均分钟数", True,
        ),
    ]  # fmt: skip


def _of_service(service: str) -> list[Outcome]:
    en, zh = SERVICE_NAMES[service]
    rows = [
        Outcome(
            f"access.{service}.minutes", "min", "lower", f"minutes to the nearest: {en}",
            f"到最近{zh}的分钟数", service in HEADLINE_MINUTES,
        ),
        *_within(service, en, zh),
        Outcome(
            f"access.{service}.none", "share", "lower",
            f"persons with no facility open to them: {en}", f"无可用设施的人口比例：{zh}",
        ),
    ]  # fmt: skip
    if service not in AMENITIES:
        rows.append(Outcome(
            f"access.{service}.out_of_reach", "share", "lower",
            f"persons with no facility within the cutoff: {en}",
            f"可达范围内无设施的人口比例：{zh}",
        ))  # fmt: skip
    if service in LIMITED + PLACES:
        rows.append(Outcome(
            f"access.{service}.no_supply", "share", "lower",
            f"persons with facilities in reach, none with any capacity: {en}",
            f"可达设施均无服务能力的人口比例：{zh}",
        ))  # fmt: skip
    return rows


def _within(subject: str, en: str, zh: str) -> list[Outcome]:
    return [
        Outcome(
            f"access.{subject}.share_{n}min", "share", "higher",
            f"persons within {n} minutes: {en}", f"{n}分钟内可达{zh}的人口比例",
            n == max(NEAR) and subject in HEADLINE_SHARES,
        )
        for n in NEAR
    ]  # fmt: skip


def catchment_outcomes() -> list[Outcome]:
    """Supply in reach per 1,000 of those who may use it (see `sim.outcomes.catchment`)."""
    rows = []
    for service in LIMITED + PLACES:
        en, zh = SERVICE_NAMES[service]
        unit = "places/1,000 users" if service in PLACES else "visits/week/1,000 users"
        rows += [
            Outcome(
                f"catchment.{service}.supply", unit, "higher",
                f"supply in reach, floating catchment (2SFCA): {en}",
                f"两步移动搜寻法可达供给：{zh}",
            ),
            Outcome(
                f"catchment.{service}.supply_decay", unit, "higher",
                f"the same, the near counted more (E2SFCA): {en}",
                f"增强两步移动搜寻法可达供给：{zh}",
            ),
            Outcome(
                f"catchment.{service}.gini", "index", "lower",
                f"inequality of supply in reach (Gini of 2SFCA): {en}",
                f"可达供给基尼系数：{zh}",
            ),
            Outcome(
                f"catchment.{service}.gini_decay", "index", "lower",
                f"the same, the near counted more (Gini of E2SFCA): {en}",
                f"增强法可达供给基尼系数：{zh}",
            ),
        ]  # fmt: skip
    return rows


def equity_outcomes() -> list[Outcome]:
    """Who loses against the base, and how unequal the way of the yearly basket is."""
    return [
        Outcome(
            "equity.losers.share", "share", "lower",
            "households that lose against the base", "受损户比例", True,
        ),
        Outcome(
            "equity.losers.winners", "share", "higher",
            "households that gain against the base", "受益户比例",
        ),
        Outcome(
            "equity.losers.counter_minutes", "min", "lower",
            "change of minutes to counter matters, of those with a counter in base and scenario",
            "到办事点分钟数的变化（前后均有办事点者）",
        ),
        Outcome(
            "equity.losers.no_counter", "share", "lower",
            "persons who had a counter in the base and have none left for some of their matters",
            "基准下有办事窗口、现有事项无处可办的人口比例",
        ),
        Outcome(
            "equity.access.gini", "index", "lower",
            "inequality of basket minutes between persons (Gini)", "出行分钟数基尼系数",
        ),
        Outcome(
            "equity.access.theil", "index", "lower",
            "inequality of basket minutes between persons (Theil T)", "出行分钟数泰尔指数",
        ),
        Outcome(
            "equity.access.palma", "ratio", "lower",
            "basket minutes of the tenth with the longest way over those of the 40 % with the "
            "shortest (Palma)",
            "帕尔马比值：最远10%与最近40%人口出行分钟数之比",
        ),
        Outcome(
            "equity.access.concentration", "index", "higher",
            "concentration of basket minutes; below 0 the disadvantaged have the longer way",
            "出行分钟数集中指数；负值表示弱势者路程更长",
        ),
        Outcome(
            "equity.access.fgt0", "share", "lower",
            "persons whose basket takes longer than the standard (FGT 0)",
            "出行超过标准时间的人口比例（FGT0）",
        ),
        Outcome(
            "equity.access.fgt1", "index", "lower",
            "how far they are beyond it (FGT 1)", "超标深度（FGT1）",
        ),
        Outcome(
            "equity.access.fgt2", "index", "lower",
            "how far, those furthest beyond counted more (FGT 2)", "超标强度（FGT2）",
        ),
    ]  # fmt: skip
