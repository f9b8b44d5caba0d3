"""What the answer shows: sections of outcomes, with the words they have in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.case.rules import library
from sim.outcomes.catalogue import OUTCOMES
from sim.outcomes.terms import COUNTER, PLACED, SERVICE_NAMES


@dataclass(frozen=True)
class Row:
    """One line of the answer: an outcome for everyone, with a label that its section explains.

    rare: it is left out where it is zero in base and scenarios, or says what `beside` says.
    """

    outcome: str
    en: str
    zh: str
    rare: bool = False
    beside: str = ""

    @property
    def unit(self) -> str:
        return OUTCOMES[self.outcome].unit

    @property
    def headline(self) -> bool:
        return OUTCOMES[self.outcome].headline


@dataclass(frozen=True)
class Section:
    """A heading of the answer and its rows."""

    key: str
    en: str
    zh: str
    rows: tuple[Row, ...]

    @property
    def unit(self) -> str:
        """The unit that all rows share, or an empty text."""
        units = {row.unit for row in self.rows}
        return self.rows[0].unit if len(units) == 1 else ""


def _services(pattern: str, names: Sequence[str]) -> list[Row]:
    return [Row(pattern.format(name), *SERVICE_NAMES[name]) for name in names]


def _without_counter(measure: str, en: str, zh: str) -> list[Row]:
    """Persons without a counter, whom no mean of minutes holds."""
    return [
        Row(
            f"access.{name}.{measure}",
            f"{en}: {SERVICE_NAMES[name][0]}",
            f"{zh}：{SERVICE_NAMES[name][1]}",
            rare=True,
            beside="" if measure == "none" else f"access.{name}.none",
        )
        for name in COUNTER
    ]


def _rule(name: str, en: str, zh: str) -> Row:
    """What a rule asks, with its id: the document may be of another province."""
    rule = next(r for r in library() if r.id == name)
    return Row(rule.outcome, f"{en} ({name})", f"{zh}（{name}）")


SECTIONS = (
    Section(
        "minutes",
        "Access: time to the nearest",
        "可达性：到最近设施的时间",
        (
            *_services("access.{}.minutes", PLACED),
            Row("access.basket.minutes", "a trip of the yearly basket", "全年出行平均每次"),
        ),
    ),
    Section(
        "within",
        "Access: within 15 minutes",
        "可达性：15分钟可达人口比例",
        (
            *_services("access.{}.share_15min", PLACED),
            Row("access.basics.share_15min", "all six basics", "六项基本设施齐全"),
            Row("access.green.share_300m", "green space within 300 m", "300米见绿"),
            Row("access.green.share_500m", "park within 500 m", "500米见园"),
            *_without_counter("none", "no counter open to them", "无可用办事点"),
            *_without_counter("out_of_reach", "no counter in reach", "可达范围内无办事点"),
        ),
    ),
    Section(
        "needs",
        "Needs unmet and waits",
        "未满足需求与等候",
        (
            Row("use.government.unmet", "given up: government matters", "放弃办理：政务服务"),
            Row("use.community.unmet", "given up: community affairs", "放弃办理：社区事务"),
            Row("use.health.unmet", "given up: health station", "放弃：卫生服务"),
            Row("use.elder_meals.unmet", "given up: meals for the old", "放弃：老年助餐"),
            Row("use.government.wait", "wait: government matters", "等候：政务服务"),
            Row("use.community.wait", "wait: community affairs", "等候：社区事务"),
            Row("use.elder_care.enrolled", "with a place: elder day care", "在托：日间照料"),
            Row("use.elder_care.waiting", "waiting list: elder day care", "轮候：日间照料"),
            Row("use.nursery.enrolled", "with a place: nursery", "在托：托育"),
            Row("use.nursery.waiting", "waiting list: nursery", "轮候：托育"),
        ),
    ),
    Section(
        "workload",
        "Workload of the offices",
        "机构工作负荷",
        (
            Row("workload.offices.load", "load: demand over capacity", "总负荷（需求/能力）"),
            Row("workload.offices.over", "offices with load over 1", "超负荷机构比例"),
            Row("workload.offices.backlog", "backlog of queued work", "积压工时"),
            Row(
                "workload.offices.administrative_share",
                "hours in tasks and meetings",
                "行政事务占比",
            ),
            Row(
                "workload.offices.overhead_per_1000",
                "fixed overhead per 1,000 persons",
                "每千人固定事务工时",
            ),
            Row(
                "workload.offices.households_per_worker",
                "households per worker",
                "每名工作人员服务户数",
            ),
            Row("use.home_care.visits", "home visits made", "入户走访次数"),
            Row("use.home_care.coverage", "planned home visits made", "计划走访完成率"),
            Row("use.home_care.coverage_general", "of these: general risk", "其中：一般风险"),
        ),
    ),
    Section(
        "people",
        "Cost, satisfaction, losers",
        "成本、满意度与受损户",
        (
            Row("cost.total.per_head", "public cost per registered person", "人均公共成本"),
            Row("cost.travel.per_head", "residents' travel time per person", "人均出行时间成本"),
            Row(
                "satisfaction.residents.score",
                "satisfaction of residents (0-100)",
                "居民满意度（0-100）",
            ),
            Row("equity.losers.share", "households that lose", "受损户比例"),
            Row("equity.losers.winners", "households that gain", "受益户比例"),
            Row(
                "equity.losers.no_counter",
                "persons who lose every counter",
                "失去全部办事点的人口",
                rare=True,
            ),
            Row(
                "equity.access.fgt0",
                "persons beyond the standard of minutes",
                "出行超过标准时间的人口",
            ),
        ),
    ),
    Section(
        "rules",
        "Rules of the documents (docs/rules.md says whose): share that keeps them",
        "文件规定的符合率（出处见 docs/rules.md）",
        (
            _rule("NT-20m2", "service floor 20 m2", "每百户20平方米"),
            _rule("SC2018-8-30m2", "service floor 30 m2", "每百户30平方米"),
            _rule("MS145-40m2", "service floor 40 m2", "每百户40平方米"),
            _rule("SC2018-5-urban-min", "urban, 2,000 households", "城市社区2000户以上"),
            _rule("SC2018-5-town-min", "town, 700 households", "城镇社区700户以上"),
            _rule("SC2018-5-rural-min", "rural, 300 households", "农村300户以上"),
            _rule("CIRCLE-15", "urban, 15-minute circle", "城市15分钟生活圈"),
            _rule("NAT-18-workers", "urban, 18 workers per 10,000", "城市每万人18名工作者"),
        ),
    ),
)
