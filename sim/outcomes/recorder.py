"""The recorder: what a run leaves behind, week by week."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sim.outcomes import access, catchment, compliance, equity, population, spending, use, workload
from sim.outcomes.catalogue import OUTCOMES
from sim.processes import cost, learning
from sim.processes.work import VISIT_CLASSES
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.state import State


@dataclass(frozen=True)
class Record:
    """Weeks between records: of outcomes, of units, and of who loses against the base."""

    outcomes: int = 1
    units: int = 13
    losers: int = 13

    @staticmethod
    def due(every: int, week: int, weeks: int) -> bool:
        """Whether a week is recorded: every so many, and always the last."""
        return week % every == 0 or week == weeks - 1


@dataclass(frozen=True)
class Records:
    """What a run produced.

    outcomes: week, outcome, group, value. units: week, unit, outcome, value. losers: week,
    outcome, group, value. peak_memory_mb, seconds: of the process that ran it.
    """

    outcomes: pd.DataFrame
    units: pd.DataFrame
    losers: pd.DataFrame
    peak_memory_mb: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Burden:
    """What the way to services costs residents at one time.

    basket: float32 ``[H]`` minutes per trip; counter: float64 ``[S, 4]`` minutes to counter
    matters by travel class.
    """

    basket: np.ndarray
    counter: np.ndarray

    @staticmethod
    def of(
        state: State,
        distances: access.Distances,
        rates: np.ndarray,
        beside: access.Distances | None = None,
    ) -> Burden:
        basket = access.basket_minutes(
            state, distances, rates, access.household_class(state), beside
        )
        return Burden(basket, counter_minutes(state, distances))


def counter_minutes(state: State, distances: access.Distances) -> np.ndarray:
    """Minutes to counter matters, ``[S, 4]``: the case's own services by how often they are asked
    for; inf where there is none."""
    lines = zip(state.asked, state.compared, strict=True)
    share = {x.service: sum(x.rates) for x, own in lines if own and x.mode == "counter"}
    total = sum(share.values())
    if not total:
        return np.full((len(state.world.settlements), 4), np.inf)
    parts = (distances.service(state, s) * (w / total) for s, w in share.items() if w)
    return np.asarray(sum(parts))


@dataclass
class Recorder:
    """Collects the outcomes of one run; base: the ways under the base, by week."""

    record: Record
    weeks: int
    base: dict[int, access.Distances]
    _series: dict[str, list] = field(default_factory=lambda: {"outcomes": [], "losers": []})
    _units: list[pd.DataFrame] = field(default_factory=list)
    _still: access.Values = field(default_factory=dict)
    _burden: Burden | None = None

    def take(self, model: Any) -> None:
        """Records the week that has just ended, where it is due."""
        state: State = model.state
        if self._burden is None or model.ways_changed or model.population_changed:
            self._measure_distances(model)
        week = state.week
        if Record.due(self.record.outcomes, week, self.weeks):
            self._series["outcomes"].append((week, self._still | self._week(model)))
        if Record.due(self.record.losers, week, self.weeks):
            self._series["losers"].append((week, self._losers(model)))
        if Record.due(self.record.units, week, self.weeks):
            self._units.append(self._by_unit(model))

    @property
    def burden(self) -> Burden:
        """What the way to services costs now; only after the first week was taken."""
        assert self._burden is not None
        return self._burden

    def copy(self) -> Recorder:
        """The same records again, to go on with under another scenario."""
        twin = copy(self)
        twin._series = {name: list(rows) for name, rows in self._series.items()}
        twin._units = list(self._units)
        return twin

    def records(self) -> Records:
        """Everything so far as tables, in the order of weeks and the catalogue."""
        units = (
            pd.concat(self._units, ignore_index=True)
            if self._units
            else pd.DataFrame(columns=["week", "unit", "outcome", "value"])
        )
        return Records(_table(self._series["outcomes"]), units, _table(self._series["losers"]))

    def _measure_distances(self, model: Any) -> None:
        """Measures what changes with boundaries, facilities, routes and the population only."""
        state = model.state
        distances = access.Distances.of(state, model.constants.pace)
        rates = access.basket_rates(state, model.rates.asked)
        burden = self._burden = Burden.of(state, distances, rates)
        persons, households = access.person_groups(state), access.household_groups(state)
        area = compliance.Area(state, distances)
        self._distances = distances
        self._still = access.access(state, distances, persons)
        self._still |= access.basket(burden.basket, rates, households)
        self._still |= catchment.catchments(state, model.constants.pace, persons)
        self._still |= equity.spread(
            burden.basket, state.households.present.sum(axis=1), access.drawbacks(state),
            households, state.parameters,
        )  # fmt: skip
        self._still |= compliance.floor_per_100(area) | compliance.compliance(area, weekly=False)
        p, count = state.parameters, len(state.world.settlements)
        scores = [
            learning.access_score(distances.service(state, s), p)
            for s in dict.fromkeys(x.service for x in state.lines.all)
            if state.is_of_case(s)
        ]
        score = np.mean(scores, axis=0) if scores else np.zeros((count, 4))
        weight = persons["all"]
        self._access = np.divide(
            (weight * score).sum(axis=1), weight.sum(axis=1),
            out=np.zeros(count), where=weight.sum(axis=1) > 0,
        )  # fmt: skip
        self._groups = persons, households
        self._bands = access.seat_bands(state)

    def _week(self, model: Any) -> access.Values:
        state, now = model.state, model.now
        o, b = state.offices, state.boundaries
        office = b.column("office")
        has = office >= 0
        households, registered = np.zeros(len(o)), np.zeros(len(o))
        households[office[has]] = b.sums(state.census.households)[has]
        registered[office[has]] = b.sums(state.census.registered)[has]
        out = use.needs_met(state, now.sums) | use.places(state)
        out |= use.home_visits(now.planned, now.visit_hours, state.ledger.done, now.taken)
        out |= workload.workload(
            state, now.capacity, households, registered, now.left, now.idle,
            now.refused + now.passed,
        )  # fmt: skip
        out |= population.population(state)
        out |= compliance.compliance(compliance.Area(state, self._distances), weekly=True)
        out |= self._costs(model) | self._content(model)
        return out

    def _costs(self, model: Any) -> access.Values:
        state, p = model.state, model.state.parameters
        persons, funds = state.census.registered.sum(), float(model.now.funds.sum())
        kinds = spending.public_costs(state, float(state.offices.workers.sum()), funds)
        out = {(f"cost.{k}.per_head", "all"): v / persons for k, v in kinds.items()}
        out["cost.total.per_head", "all"] = sum(kinds.values()) / persons
        minutes = model.now.sums[:, :, learning.MINUTES].sum()
        out["cost.travel.per_head", "all"] = 52 * cost.travel_cost(minutes, p) / persons
        return out

    def _content(self, model: Any) -> access.Values:
        """Satisfaction, belonging and participation, by the type of unit before any redraw."""
        state, now = model.state, model.now
        r, b = state.residents, state.boundaries
        count = len(state.world.settlements)
        settlement = np.asarray(state.households.settlement)
        listed = np.zeros(count)
        for i, e in state.enrolments.items():
            if not state.is_of_case(state.lines.all[i].service):
                continue
            listed += np.bincount(settlement[e.on_list()], minlength=count)
        planned = now.planned.sum(axis=1)
        by_anybody = state.ledger.done + state.ledger.taken
        hours = by_anybody[:, list(VISIT_CLASSES)].sum(axis=1)
        made = np.divide(
            hours / now.visit_hours, planned, out=np.ones(len(planned)), where=planned > 0
        )
        office = b.column("office")[b.unit_of]
        households = np.maximum(state.census.households, 1e-9)
        score, without = learning.satisfaction(
            self._access, r.wait, r.unmet, listed / households,
            np.where(office >= 0, made[office], 0.0), now.complaints * 52,
            r.belonging, state.parameters,
        )  # fmt: skip
        names = ("score", "score_without_belonging", "belonging", "participation")
        columns = np.column_stack([score, without, r.belonging, r.participation])
        kind = b.column("type")[b.origin]
        members = {"all": np.ones(count, bool)}
        members |= {t: kind == code for t, code in access.TYPES.items()}
        weight = np.array(list(members.values())) * state.census.registered
        known = weight.sum(axis=1) > 0
        sums = (weight[known][:, :, None] * columns).sum(axis=1)
        means = sums / weight[known].sum(axis=1, keepdims=True)
        groups = [name for name, has in zip(members, known, strict=True) if has]
        return {
            (f"satisfaction.residents.{name}", group): float(means[i, j])
            for j, name in enumerate(names)
            for i, group in enumerate(groups)
        }

    def _losers(self, model: Any) -> access.Values:
        state, p = model.state, model.state.parameters
        # what the same households would have to bear under the base this week
        rates, ways = access.basket_rates(state, model.rates.asked), self.base[state.week]
        now = Burden.of(state, self._distances, rates, beside=ways)
        base = Burden.of(state, ways, rates, beside=self._distances)
        persons, households = self._groups
        lost = equity.losers(now.basket, base.basket, p)
        won = equity.losers(base.basket, now.basket, p)
        in_band = {n: m[state.households.settlement] for n, m in self._bands.items()}
        out = {}
        for name, mine in (households | in_band).items():
            if mine.any():
                out["equity.losers.share", name] = float(lost[mine].mean())
                out["equity.losers.winners", name] = float(won[mine].mean())
        with np.errstate(invalid="ignore"):
            change = now.counter - base.counter
        finite = np.isfinite(change)
        gone = np.isfinite(base.counter) & ~np.isfinite(now.counter)
        banded = {n: persons["all"] * m[:, None] for n, m in self._bands.items()}
        for name, weight in (persons | banded).items():
            known = weight * finite
            if weight.sum() > 0:
                out["equity.losers.no_counter", name] = float((weight * gone).sum() / weight.sum())
            if known.sum() > 0:
                out["equity.losers.counter_minutes", name] = float(
                    (known * np.where(finite, change, 0)).sum() / known.sum()
                )
        return out

    def _by_unit(self, model: Any) -> pd.DataFrame:
        """Access and losses by the unit before any redraw; work by the unit that is alive."""
        state, b, o = model.state, model.state.boundaries, model.state.offices
        persons = self._groups[0]["all"]
        minutes = self.burden.counter
        before = counter_minutes(state, self.base[state.week])
        with np.errstate(invalid="ignore"):  # who reaches none, then as now, has no change
            change = minutes - before
        # who had none has lost none
        gone = np.where(np.isfinite(before), ~np.isfinite(minutes), np.nan)
        frames = []
        ids = np.array([u.id for u in b.units])
        first = int(b.origin.max()) + 1
        for name, column in (
            ("access.counter.minutes", minutes),
            ("equity.losers.counter_minutes", change),
            ("equity.losers.no_counter", gone),
        ):
            known = persons * np.isfinite(column)
            total = np.bincount(b.origin, known.sum(axis=1), first)
            spent = np.bincount(
                b.origin, (known * np.where(np.isfinite(column), column, 0)).sum(axis=1), first
            )
            has = total > 0
            frames.append(_unit_rows(state.week, ids[:first][has], name, (spent[has] / total[has])))
        alive = np.flatnonzero(o.alive & (o.kind != TOWNSHIP_OFFICE))
        names = ids[o.unit[alive]]
        demand, capacity = state.ledger.left().sum(axis=1), model.now.capacity
        some = capacity[alive] > 0  # where nobody is at work there is no load
        load = demand[alive][some] / capacity[alive][some]
        frames.append(_unit_rows(state.week, names[some], "workload.offices.load", load))
        columns = {
            "workload.offices.backlog": state.ledger.backlog().sum(axis=1)[alive],
            "workload.offices.workers": o.workers[alive],
        }
        frames += [_unit_rows(state.week, names, k, v) for k, v in columns.items()]
        return pd.concat(frames, ignore_index=True)


def _unit_rows(week: int, units: np.ndarray, outcome: str, values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "week": np.int32(week),
            "unit": units,
            "outcome": outcome,
            "value": np.asarray(values, np.float64),
        }
    )


def _table(series: list[tuple[int, access.Values]]) -> pd.DataFrame:
    """Rows by week, then in the order of the catalogue and of groups as they come."""
    if not series:
        return pd.DataFrame(columns=["week", "outcome", "group", "value"])
    place = {name: i for i, name in enumerate(OUTCOMES)}
    keys = sorted(dict.fromkeys(k for _, v in series for k in v), key=lambda k: place[k[0]])
    values = np.array([[v.get(k, np.nan) for k in keys] for _, v in series])
    kept = ~np.isnan(values).ravel()
    weeks = np.repeat(np.array([w for w, _ in series], np.int32), len(keys))
    frame = pd.DataFrame(
        {
            "week": weeks,
            "outcome": pd.Categorical.from_codes(
                np.tile([place[k[0]] for k in keys], len(series)), list(OUTCOMES)
            ),
            "group": np.tile(np.array([k[1] for k in keys], object), len(series)),
            "value": values.ravel(),
        }
    )
    return frame[kept].reset_index(drop=True)
