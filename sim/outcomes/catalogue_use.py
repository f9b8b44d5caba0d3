"""The outcomes of use, as the catalogue lists them: what became of needs, places and visits."""

from __future__ import annotations

from sim.outcomes.terms import COUNTER, LIMITED, PLACES, RISKS, SERVICE_NAMES, Outcome


def use_outcomes() -> list[Outcome]:
    """Travel, waits, needs given up, places and home visits, by service."""
    rows = []
    for service in COUNTER + LIMITED:
        en, zh = SERVICE_NAMES[service]
        rows += [
            Outcome(
                f"use.{service}.minutes",
                "min",
                "lower",
                f"travel of needs met: {en}",
                f"已满足需求的出行分钟数：{zh}",
            ),
            Outcome(
                f"use.{service}.put_off",
                "share",
                "lower",
                f"tries put off: {en}",
                f"推迟的比例：{zh}",
            ),
            Outcome(
                f"use.{service}.unmet",
                "share",
                "lower",
                f"needs given up after four tries: {en}",
                f"未满足需求比例：{zh}",
                service in ("government", "health"),
            ),
        ]
        if service in COUNTER:
            rows.append(
                Outcome(
                    f"use.{service}.wait",
                    "min",
                    "lower",
                    f"wait at the counter: {en}",
                    f"窗口等候分钟数：{zh}",
                    service == "government",
                )
            )
            rows += [
                Outcome(
                    f"use.{service}.{channel}", "share", "none", f"{how}: {en}", f"{how_zh}：{zh}"
                )
                for channel, how, how_zh in (
                    ("online", "needs met on the web", "网上办理的比例"),
                    ("agency", "needs met by the office's agent", "代办的比例"),
                )
            ]
        else:
            rows.append(
                Outcome(
                    f"use.{service}.refused",
                    "share",
                    "lower",
                    f"visitors refused: {en}",
                    f"满员被拒比例：{zh}",
                )
            )
    for service in PLACES:
        en, zh = SERVICE_NAMES[service]
        rows += [
            Outcome(
                f"use.{service}.enrolled",
                "households",
                "higher",
                f"households with a place: {en}",
                f"在托户数：{zh}",
                service == "elder_care",
            ),
            Outcome(
                f"use.{service}.waiting",
                "households",
                "lower",
                f"households on the waiting list: {en}",
                f"轮候户数：{zh}",
                service == "elder_care",
            ),
            Outcome(
                f"use.{service}.list_weeks",
                "weeks",
                "lower",
                f"weeks waited so far on the list: {en}",
                f"平均已轮候周数：{zh}",
            ),
            Outcome(
                f"use.{service}.no_facility",
                "households",
                "lower",
                f"applications of the week with no facility in reach: {en}",
                f"无可达设施的申请户数：{zh}",
            ),
            Outcome(
                f"use.{service}.no_places",
                "households",
                "lower",
                f"applications of the week where no facility in reach has any place: {en}",
                f"可达设施均无床位（托位）的申请户数：{zh}",
            ),
        ]
    for risk, zh in zip(RISKS, ("高风险", "重点", "一般"), strict=True):
        rows.append(
            Outcome(
                f"use.home_care.coverage_{risk}",
                "share",
                "higher",
                f"planned home visits made: {risk} risk",
                f"计划走访完成率：{zh}",
                risk == "general",
            )
        )
    for name, en, zh in (
        ("leaders", "group leaders", "组长"),
        ("volunteers", "volunteers", "志愿者"),
        ("organisations", "social organisations", "社会组织"),
    ):
        rows.append(
            Outcome(
                f"use.home_care.by_{name}",
                "visits/week",
                "none",
                f"home visits made by {en}",
                f"{zh}每周完成的走访次数",
            )
        )
    return [
        *rows,
        Outcome(
            "use.home_care.visits",
            "visits/week",
            "higher",
            "home visits made",
            "每周入户走访次数",
            True,
        ),
        Outcome(
            "use.home_care.coverage",
            "share",
            "higher",
            "planned home visits made",
            "计划走访完成率",
            True,
        ),
    ]
