"""The outcomes a run reports: name, unit, direction, and what each one means.

Names are ``family.subject.measure``. The recorder writes only what stands here, statistics take
the direction from here, and the documentation prints this list.
"""

from __future__ import annotations

from sim.outcomes.catalogue_access import access_outcomes, catchment_outcomes, equity_outcomes
from sim.outcomes.catalogue_use import use_outcomes
from sim.outcomes.rules import rule_outcomes
from sim.outcomes.terms import Outcome


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
            "workload.hours.taken",
            "hours/week",
            "none",
            "hours that leaders, volunteers and organisations take over",
            "组长、志愿者和社会组织分担的工时",
        ),
        Outcome(
            "workload.hours.idle",
            "hours/week",
            "lower",
            "hours bought of organisations that find no work",
            "购买但未用上的社会组织工时",
        ),
        Outcome(
            "workload.hours.passed_up",
            "hours/week",
            "none",
            "assigned hours that communities refuse and townships get",
            "退回乡镇（街道）办理的交办工时",
        ),
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
            "cost.rewards.per_head",
            "yuan/year",
            "lower",
            "rewards to residents' units per registered person",
            "人均单位设施开放奖补",
        ),
        Outcome(
            "cost.contracts.per_head",
            "yuan/year",
            "lower",
            "cost of services bought of social organisations per registered person",
            "人均购买社会组织服务成本",
        ),
        Outcome(
            "cost.property.per_head",
            "yuan/year",
            "lower",
            "subsidies to property management per registered person",
            "人均物业管理补贴",
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
    ]


def _population() -> list[Outcome]:
    return [
        Outcome(
            "population.registered.persons", "persons", "none", "persons registered", "户籍人口"
        ),
        Outcome("population.registered.households", "households", "none", "households", "户数"),
        Outcome(
            "population.registered.share_60", "share", "none",
            "persons of 60 and over among those registered", "60岁及以上人口比例",
        ),
        Outcome(
            "population.registered.share_80", "share", "none",
            "persons of 80 and over among those registered", "80岁及以上人口比例",
        ),
    ]  # fmt: skip


OUTCOMES: dict[str, Outcome] = {
    o.name: o
    for o in [
        *access_outcomes(), *catchment_outcomes(), *use_outcomes(), *_workload(), *_rest(),
        *equity_outcomes(), *rule_outcomes(), *_population(),
    ]
}  # fmt: skip

GROUPS: dict[str, tuple[str, str]] = {
    "all": ("everyone", "全体"),
    "children": ("children 0-14", "0-14岁"),
    "adults": ("persons 15-59", "15-59岁"),
    "old": ("persons 60 and over", "60岁以上"),
    "no_vehicle": ("households without a vehicle", "无交通工具户"),
    "no_digital": ("households without digital skill", "无数字技能户"),
    "risk_high": ("households with a person at high care risk", "有高风险老人的户"),
    "risk_focus": ("households with a person at focus care risk", "有重点关注老人的户"),
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
