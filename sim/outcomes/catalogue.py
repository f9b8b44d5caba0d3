"""The outcomes a run reports: name, unit, direction, and what each one means.

Names are ``family.subject.measure``. The recorder writes only what stands here, statistics take
the direction from here, and the documentation prints this list.
"""

from __future__ import annotations

from dataclasses import dataclass

SERVICE_NAMES = {
    "government": ("government matters", "政务服务"),
    "community": ("community affairs", "社区事务"),
    "health": ("health station", "卫生服务"),
    "culture": ("culture room", "文化活动"),
    "elder_meals": ("meals for the old", "老年助餐"),
    "elder_care": ("elder day care", "日间照料"),
    "nursery": ("nursery", "托育"),
    "shop": ("shop", "便民商店"),
    "sports": ("sports ground", "体育场地"),
    "green": ("green space", "公园绿地"),
}
PLACED = tuple(SERVICE_NAMES)  # services that have a place one can go to
COUNTER = ("government", "community")
LIMITED = ("health", "culture", "elder_meals")
PLACES = ("elder_care", "nursery")
COUNTER_MEASURES = ("minutes", "put_off", "unmet", "wait", "online", "agency")
VISIT_MEASURES = ("minutes", "put_off", "unmet", "refused")
RISKS = ("high", "focus", "general")


@dataclass(frozen=True)
class Outcome:
    """One outcome: better is ``lower``, ``higher`` or ``none`` (no direction is good)."""

    name: str
    unit: str
    better: str
    en: str
    zh: str
    headline: bool = False

    @property
    def family(self) -> str:
        return self.name.split(".")[0]


def _access() -> list[Outcome]:
    rows = []
    for service, (en, zh) in SERVICE_NAMES.items():
        rows.append(
            Outcome(
                f"access.{service}.minutes",
                "min",
                "lower",
                f"minutes to the nearest: {en}",
                f"到最近{zh}的分钟数",
                service in ("government", "community", "health", "elder_care"),
            )
        )
        rows.append(
            Outcome(
                f"access.{service}.share_15min",
                "share",
                "higher",
                f"persons within 15 minutes: {en}",
                f"15分钟内可达{zh}的人口比例",
                service in ("government", "elder_care"),
            )
        )
        rows.append(
            Outcome(
                f"access.{service}.none",
                "share",
                "lower",
                f"persons with no facility open to them: {en}",
                f"无可用设施的人口比例：{zh}",
            )
        )
    return [
        *rows,
        Outcome(
            "access.basics.share_15min",
            "share",
            "higher",
            "persons with all six basics within 15 minutes",
            "15分钟内六项基本设施齐全的人口比例",
            True,
        ),
        Outcome(
            "access.green.share_300m",
            "share",
            "higher",
            "persons with green space within 300 m",
            "300米见绿人口比例",
        ),
        Outcome(
            "access.basket.minutes",
            "min",
            "lower",
            "minutes per trip of the expected yearly basket",
            "全年预期出行平均分钟数",
            True,
        ),
    ]


def _use() -> list[Outcome]:
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


def _workload() -> list[Outcome]:
    hours = {
        "assigned": "上级交办",
        "meetings": "会议",
        "transition": "合并过渡",
        "complaints": "投诉处理",
        "counter": "窗口事项",
        "visits_high": "高风险走访",
        "visits_focus": "重点走访",
        "visits_general": "一般走访",
        "self_governance": "自治活动",
    }
    rows = [
        Outcome(
            f"workload.hours.{name}",
            "hours/week",
            "none",
            f"hours worked: {name.replace('_', ' ')}",
            f"工时：{zh}",
        )
        for name, zh in hours.items()
    ]
    return [
        *rows,
        Outcome(
            "workload.offices.load",
            "ratio",
            "lower",
            "load: demand over capacity, all offices together",
            "总负荷（需求/能力）",
            True,
        ),
        Outcome(
            "workload.offices.over",
            "share",
            "lower",
            "offices with load over 1",
            "超负荷机构比例",
            True,
        ),
        Outcome(
            "workload.offices.gini",
            "index",
            "lower",
            "inequality of load between offices (Gini)",
            "机构负荷基尼系数",
        ),
        Outcome(
            "workload.offices.backlog", "hours", "lower", "backlog of queued work", "积压工时", True
        ),
        Outcome(
            "workload.offices.withdrawn",
            "hours/week",
            "lower",
            "work withdrawn after 26 weeks",
            "过期撤销工时",
        ),
        Outcome("workload.offices.overtime", "hours/week", "lower", "overtime", "加班工时"),
        Outcome(
            "workload.offices.administrative_share",
            "share",
            "lower",
            "share of hours in tasks and meetings",
            "行政事务占比",
            True,
        ),
        Outcome(
            "workload.offices.administrative_share_counter",
            "share",
            "lower",
            "share of hours in tasks, meetings and counter",
            "行政事务占比（含窗口）",
        ),
        Outcome(
            "workload.offices.overhead_per_1000",
            "hours/year",
            "lower",
            "fixed overhead per 1,000 registered persons",
            "每千人固定事务工时",
            True,
        ),
        Outcome(
            "workload.offices.households_per_worker",
            "households",
            "lower",
            "households per worker",
            "每名工作人员服务户数",
            True,
        ),
        Outcome("workload.offices.workers", "workers", "none", "workers", "工作人员数"),
        Outcome(
            "workload.offices.exits",
            "workers/year",
            "lower",
            "workers who leave",
            "离职人数（年率）",
        ),
        Outcome("workload.offices.vacancies", "posts", "lower", "vacant posts", "空缺岗位数"),
        Outcome(
            "workload.offices.newcomers",
            "share",
            "lower",
            "share of workers who are new to their post",
            "新手人员占比",
        ),
        Outcome(
            "workload.offices.certified",
            "share",
            "higher",
            "share of workers with a social work certificate",
            "持证社工占比",
        ),
        Outcome(
            "workload.offices.fatigue",
            "share",
            "lower",
            "fatigue: overtime as workers remember it",
            "工作疲劳度（平均加班占比）",
        ),
        Outcome("workload.offices.units", "offices", "none", "offices at work", "机构数"),
    ]


def _rest() -> list[Outcome]:
    return [
        Outcome(
            "cost.staff.per_head",
            "yuan/year",
            "lower",
            "cost of staff per registered person",
            "人均人员成本",
        ),
        Outcome(
            "cost.floor.per_head",
            "yuan/year",
            "lower",
            "cost of running floor per registered person",
            "人均场地运行成本",
        ),
        Outcome(
            "cost.build.per_head",
            "yuan/year",
            "lower",
            "cost of building per registered person",
            "人均建设成本",
        ),
        Outcome(
            "cost.transition.per_head",
            "yuan/year",
            "lower",
            "one-off cost of the merger per registered person",
            "人均合并过渡成本",
        ),
        Outcome(
            "cost.total.per_head",
            "yuan/year",
            "lower",
            "public cost per registered person",
            "人均公共成本",
            True,
        ),
        Outcome(
            "cost.travel.per_head",
            "yuan/year",
            "lower",
            "residents' travel time per registered person",
            "人均居民出行时间成本",
        ),
        Outcome(
            "satisfaction.residents.score",
            "points",
            "higher",
            "satisfaction of residents (0-100)",
            "居民满意度（0-100）",
            True,
        ),
        Outcome(
            "satisfaction.residents.score_without_belonging",
            "points",
            "higher",
            "satisfaction without belonging (0-90)",
            "居民满意度（不含归属感，0-90）",
        ),
        Outcome("satisfaction.residents.belonging", "index", "higher", "belonging", "归属感"),
        Outcome(
            "satisfaction.residents.participation",
            "points",
            "higher",
            "participation, change from before the merger",
            "参与度变化（百分点）",
        ),
        Outcome(
            "equity.losers.share",
            "share",
            "lower",
            "households that lose against the base",
            "受损户比例",
            True,
        ),
        Outcome(
            "equity.losers.winners",
            "share",
            "higher",
            "households that gain against the base",
            "受益户比例",
        ),
        Outcome(
            "equity.losers.counter_minutes",
            "min",
            "lower",
            "change of minutes to counter matters against the base",
            "到办事点分钟数的变化",
        ),
        Outcome(
            "equity.access.gini",
            "index",
            "lower",
            "inequality of basket minutes between persons (Gini)",
            "出行分钟数基尼系数",
        ),
    ]


def _population() -> list[Outcome]:
    return [
        Outcome("population.persons", "persons", "none", "persons registered", "户籍人口"),
        Outcome("population.households", "households", "none", "households", "户数"),
        Outcome(
            "population.share_60", "share", "none",
            "persons of 60 and over among those registered", "60岁及以上人口比例",
        ),
        Outcome(
            "population.share_80", "share", "none",
            "persons of 80 and over among those registered", "80岁及以上人口比例",
        ),
    ]  # fmt: skip


OUTCOMES: dict[str, Outcome] = {
    o.name: o for o in [*_access(), *_use(), *_workload(), *_rest(), *_population()]
}

GROUPS: dict[str, tuple[str, str]] = {
    "all": ("everyone", "全体"),
    "children": ("children 0-14", "0-14岁"),
    "adults": ("persons 15-59", "15-59岁"),
    "old": ("persons 60 and over", "60岁以上"),
    "no_vehicle": ("households without a vehicle", "无交通工具户"),
    "no_digital": ("households without digital skill", "无数字技能户"),
    "urban": ("urban communities", "城市社区"),
    "town": ("town communities", "镇社区"),
    "rural": ("villages", "村"),
    "community": ("offices of communities (社区)", "社区居委会"),
    "village": ("offices of villages (村)", "村委会"),
    "township": ("township and street offices", "乡镇（街道）"),
    "seat_0_500m": ("living under 500 m from the seat of their unit", "距驻地0.5公里内"),
    "seat_500_1000m": ("living 500-1,000 m from the seat", "距驻地0.5-1公里"),
    "seat_1000_2000m": ("living 1-2 km from the seat", "距驻地1-2公里"),
    "seat_2000m": ("living over 2 km from the seat", "距驻地2公里以上"),
}
"""Groups of persons, households or offices: key -> (en, zh). Resident groups follow the unit
type before any redraw; the seat groups follow the distance to the seat that serves them in the
run at hand and are used for differences against the base only."""


def as_markdown() -> str:
    """The list of outcomes as ``docs/outcomes.md`` prints it."""
    rows = [
        "# Outcomes",
        "",
        "Names are family.subject.measure. Better says which way is good; headline outcomes stand",
        "in the first table of a report.",
        "",
        "| outcome | unit | better | headline | meaning | 含义 |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| `{o.name}` | {o.unit} | {o.better} | {'yes' if o.headline else ''} | {o.en} | {o.zh} |"
        for o in OUTCOMES.values()
    ]
    rows += ["", "| group | meaning | 含义 |", "|---|---|---|"]
    rows += [f"| `{name}` | {en} | {zh} |" for name, (en, zh) in GROUPS.items()]
    return "\n".join(rows) + "\n"
