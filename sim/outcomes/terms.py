"""Terms that outcomes share: what one is, and the services by how their supply is limited."""

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
    "parking": ("car park", "停车场"),
}
PLACED = tuple(SERVICE_NAMES)  # services that have a place one can go to
COUNTER = ("government", "community")
LIMITED = ("health", "culture", "elder_meals")
PLACES = ("elder_care", "nursery")
COUNTER_MEASURES = ("minutes", "put_off", "unmet", "wait", "online", "agency")
VISIT_MEASURES = ("minutes", "put_off", "unmet", "refused")
AMENITIES = ("shop", "sports", "green", "parking")
RISKS = ("high", "focus", "general")
NEAR = (5, 10, 15)  # minutes of the three circles of daily life (GB 50180-2018)


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
