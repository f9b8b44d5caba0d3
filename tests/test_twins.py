"""Claims about kernels: each equals its plain twin on random inputs, empty ones included.

Choices are equal except at ties within 1e-12, sums to 1e-12.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim.processes import choice, demography, learning, needs, places, reference
from sim.world import draws, households
from sim.world import reference as synthesis

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "sim"
TWINS = {
    "philox": draws.philox_reference,
    "block": draws.words_reference,
    "unit": draws.unit_reference,
    "uniform_one": draws.uniform_reference,
    "_uniform_many": draws.uniform_reference,
    "gumbel": reference.gumbel,
    "lifelong_tastes": reference.lifelong_tastes,
    "best_facility": reference.best_facility,
    "choose": reference.choose,
    "prefer": reference.prefer,
    "settle": reference.settle,
    "pass_year": reference.pass_year,
    "draw_needs": needs.draw_needs_reference,
    "_deal": synthesis.deal,
    "_describe": synthesis.describe,
    "_traits": synthesis.traits,
    "traits_of": synthesis.traits_of,
}
PARTS = {  # of a kernel above, inlined into it, with no twin of their own
    "surely_below", "travel_class", "poisson",
}  # fmt: skip
K = 4
SEEDS = st.integers(0, 2**32 - 1)


def test_every_kernel_has_a_twin():
    kernel = re.compile(r"^@njit\(.*?^def (\w+)\(", re.DOTALL | re.MULTILINE)
    found = [
        name
        for path in sorted((ROOT / "sim").rglob("*.py"))
        for name in kernel.findall(path.read_text("utf-8"))
    ]
    assert sorted(found) == sorted([*TWINS, *PARTS])


EMPTY = ("households", "settlements", "facilities", "needs")


class Town:
    """Columns of a random place: H households in S settlements, L lines, F facilities."""

    def __init__(self, seed: int, count: int, empty: str, inputs: str = "any"):
        rng = self.rng = np.random.default_rng(seed)
        self.h = 0 if empty in ("households", "settlements") else count
        self.s = 0 if empty == "settlements" else int(rng.integers(1, 5))
        self.lines = int(rng.integers(1, 4))
        self.f = 0 if empty == "facilities" else int(rng.integers(1, 9))
        h, s, lines, f = self.h, self.s, self.lines, self.f
        self.key = np.uint64(rng.integers(0, 2**63))
        self.week = int(rng.integers(0, 600))
        self.settlement = np.sort(rng.integers(0, max(s, 1), h)).astype(np.int32)
        self.agents = rng.integers(0, 2**63, h).astype(np.uint64)
        self.flags = rng.integers(0, 64, h).astype(np.uint8)
        self.item = rng.integers(0, 2**32, f).astype(np.uint32)
        self.office_hours = rng.random(f) < 0.5
        self.slots = np.full((s, lines, K), -1, np.int32)
        for row in self.slots.reshape(-1, K):
            near = rng.permutation(f)[: rng.integers(0, K + 1)]
            row[: near.size] = near
        far = rng.uniform(0, 80, (s, lines, 4, K))  # riders may be sooner at the farther one
        # whole minutes and equal facilities make ties
        self.trips = (np.round(far / 20) * 20 if inputs == "ties" else far).astype(np.float32)
        self.own = rng.random((s, lines, K)) < (0 if inputs == "ties" else 0.3)
        self.lasting = np.zeros((h, lines, K), np.float32)
        self.cutoff = rng.choice([30.0, 60.0, np.inf], lines)
        scales = [0.0] if inputs == "ties" else [0.0, 0.3, 1.0]
        self.taste = rng.choice(scales, lines)
        self.old_users = rng.random(lines) < 0.3
        self.web = rng.choice([0.0, 0.6, 1.0], (s, lines))
        self.agent = rng.random((s, lines)) < 0.5
        self.asked = rng.poisson(0.7, (h, lines)).astype(np.uint8)
        self.pending = rng.poisson(0.3, (h, lines)).astype(np.uint8)
        if empty == "needs":
            self.asked[:], self.pending[:] = 0, 0
        self.tries = np.where(self.pending > 0, rng.integers(1, 4, (h, lines)), 0).astype(np.uint8)
        self.usual = rng.integers(-1, max(f, 1), (h, lines)).astype(np.int32)
        self.expected = rng.exponential(20, (h, lines)).astype(np.float32)
        self.belief = rng.exponential(20, (s, lines, K)).astype(np.float32)
        self.weights = np.array([0.15, 0.03, 1.0, 1.0, rng.choice([-8.0, -2.0]), -2.5, -3.0])

    def grow_tastes(self) -> None:
        choice.lifelong_tastes(
            self.key, self.settlement, self.agents, self.slots, self.item, self.lasting
        )

    def world(self) -> tuple:
        """What `choose` and its twin read, in their order."""
        return (
            self.key, self.week, self.settlement, self.agents, self.flags, self.asked,
            self.pending, self.slots, self.trips, self.own, self.lasting, self.belief,
            self.usual, self.expected, self.item, self.office_hours, self.cutoff, self.taste,
            self.old_users, self.web, self.agent, self.weights,
        )  # fmt: skip

    def errands(self) -> choice.Errands:
        """What the kernel chooses."""
        size = int(np.count_nonzero(self.asked.astype(int) + self.pending))
        e = choice.Errands(
            np.empty(self.lines + 1, np.int64),
            *(np.empty(size, np.int32) for _ in range(5)),
            np.empty(size),
        )
        choice.choose(
            *self.world(), e.first, e.household, e.needs, e.new, e.slot, e.rank, e.minutes
        )
        return e


TOWNS = st.builds(
    Town,
    SEEDS,
    st.integers(1, 60),
    st.sampled_from(["no", "no", "no", *EMPTY]),
    st.sampled_from(["any", "ties"]),
)


@settings(max_examples=60)
@given(SEEDS, st.integers(0, 30))
def test_draws_equal_their_twins(seed, count):
    rng = np.random.default_rng(seed)
    agents = rng.integers(0, 2**63, count).astype(np.uint64) * np.uint64(2)
    items = rng.integers(0, 2**32, count).astype(np.uint32)
    key, week = np.uint64(rng.integers(0, 2**63)), int(rng.integers(0, 2**24))
    process = draws.Process.TASTE
    twin = draws.uniform_reference(key, process, week, agents, items)
    assert (draws.uniform(key, process, week, agents, items) == twin).all()
    words = draws.words_reference(key, process, week, agents, items)
    assert words.shape == (count, 4)
    for agent, item, u, word in zip(agents, items, twin, words, strict=True):
        args = key, np.uint32(process), np.uint32(week), agent, item
        assert draws.uniform_one(*args) == u
        assert draws.block(*args) == tuple(word.tolist())
        assert choice.gumbel(u) == pytest.approx(reference.gumbel(u), rel=1e-12, abs=1e-12)


@settings(max_examples=60)
@given(TOWNS)
def test_lifelong_tastes_equal_their_twin(town):
    town.grow_tastes()
    twin = reference.lifelong_tastes(town.key, town.settlement, town.agents, town.slots, town.item)
    assert town.lasting.shape == twin.shape
    assert np.allclose(town.lasting, twin, rtol=1e-6, atol=1e-7)  # the last digit of a float32


@settings(max_examples=150)
@given(TOWNS)
def test_choices_equal_their_twin(town):
    town.grow_tastes()
    e, twin = town.errands(), reference.choose(*town.world())
    for name in ("first", "household", "needs", "new"):
        assert getattr(e, name).tolist() == getattr(twin, name).tolist()
    clear = twin.gap > 1e-12
    assert clear.all() or not town.taste.all()  # draws make no ties
    for name in ("slot", "rank"):
        assert (getattr(e, name) == getattr(twin, name))[clear].all()
    assert np.array_equal(e.minutes[clear], twin.minutes[clear], equal_nan=True)


@settings(max_examples=100)
@given(TOWNS, st.booleans())
def test_preferred_places_equal_their_twin(town, no_room):
    weeks = town.rng.exponential(50, town.f)
    if no_room:
        weeks[: town.f // 2] = np.inf
    some = np.flatnonzero(town.rng.random(town.h) < 0.7)
    line = int(town.rng.integers(0, 9))
    args = (
        town.key, town.week, line, some, town.settlement, town.agents, town.flags,
        np.ascontiguousarray(town.slots[:, :1]), np.ascontiguousarray(town.trips[:, :1]),
        np.ascontiguousarray(town.own[:, :1]), weeks, town.item, town.office_hours,
        float(town.cutoff[0]), float(town.taste[0]), bool(town.old_users[0]), town.weights[:5],
    )  # fmt: skip
    chosen = np.empty(some.size, np.int32)
    places.prefer(*args, chosen)
    twin, gap = reference.prefer(*args)
    assert (chosen == twin)[gap > 1e-12].all()


@settings(max_examples=100)
@given(TOWNS, st.integers(1, 5), st.floats(0, 1))
def test_what_is_learnt_equals_its_twin(town, tries_most, step):
    town.grow_tastes()
    e = town.errands()
    met = (e.slot == choice.ONLINE) | ((e.slot >= 0) & (town.rng.random(e.slot.size) < 0.7))
    wait = np.where(e.slot >= 0, town.rng.exponential(15, e.slot.size), 0.0)
    group = town.rng.integers(0, 5, town.h)
    given_ = (
        e.first, e.household, e.needs, e.new, e.slot, e.rank, e.minutes, met, wait, tries_most,
        step, town.settlement, group, town.slots, town.rng.random(town.lines) < 0.7,
    )  # fmt: skip
    twin = reference.settle(
        *given_, town.pending, town.tries, town.usual, town.expected, town.belief, 5
    )
    sums, felt = np.zeros((5, town.lines, learning.COLUMNS)), np.zeros((town.s, 4))
    learning.settle(
        *given_, town.pending, town.tries, town.usual, town.expected, town.belief, sums, felt
    )
    for name in ("pending", "tries", "usual"):
        assert (getattr(town, name) == getattr(twin, name)).all()
    for name in ("expected", "belief"):  # kept as float32: to its last digit
        assert np.allclose(getattr(town, name), getattr(twin, name), rtol=2e-7, atol=1e-12)
    assert np.allclose(sums, twin.sums, rtol=1e-12, atol=1e-12)
    assert np.allclose(felt, twin.felt, rtol=1e-12, atol=1e-12)


@settings(max_examples=60)
@given(SEEDS, st.integers(0, 30), st.integers(0, 9), st.integers(1, 20))
def test_needs_equal_their_twin(seed, count, lines, most):
    rng = np.random.default_rng(seed)
    rates = rng.exponential(60, (count, lines)).astype(np.float32)
    agents = rng.integers(0, 2**63, count).astype(np.uint64)
    asked = np.zeros(rates.shape, np.uint8)
    needs.draw_needs(np.uint64(seed), 3, agents, rates, most, asked)
    assert (asked == needs.draw_needs_reference(seed, 3, agents, rates, most)).all()


@settings(max_examples=80)
@given(SEEDS, st.integers(0, 25), st.sampled_from([3, 9, 42]), st.booleans())
def test_a_year_of_life_equals_its_twin(seed, count, most, calm):
    rng = np.random.default_rng(seed)
    registered = rng.integers(0, most + 1, (count, 6)).astype(np.uint8)
    present = rng.binomial(registered, 0.7).astype(np.uint8)
    present[:, 4:] = registered[:, 4:]  # the old are all at home
    old = present[:, 4:].sum(axis=1, dtype=np.int64)
    risk = np.array([rng.multinomial(n, [0.2, 0.3, 0.5]) for n in old.tolist()], np.uint8)
    risk = risk.reshape(count, 3)
    chances = rng.random((3, 6)) * (0.1 if calm else 1)
    chances[1, 5], chances[2, 2:4] = 0, chances[2, 2:4] / 2  # nobody outgrows the last band
    agents = rng.integers(0, 2**63, count).astype(np.uint64)
    args = np.uint64(rng.integers(0, 2**63)), int(rng.integers(0, 600)), agents, chances
    twin = reference.pass_year(*args, registered, present, risk)
    stays, events = np.ones(count, bool), np.zeros(2, np.int64)
    demography.pass_year(*args, registered, present, risk, stays, events)
    for mine, other in zip((registered, present, risk, stays), twin[:4], strict=True):
        assert (mine == other).all()
    assert tuple(events) == twin[4:]


# settlements: households, persons by age; some empty, one with more than 255 to a household
PLACES = st.lists(
    st.tuples(st.integers(0, 25), st.tuples(*[st.integers(0, 30)] * 6)).filter(
        lambda s: sum(s[1]) >= s[0] and (s[0] > 0 or sum(s[1]) == 0)
    ),
    max_size=5,
)
SHARES = st.lists(st.floats(0, 1), min_size=13, max_size=13)


@settings(max_examples=80)
@given(PLACES, SHARES, SEEDS, st.sampled_from([0, 0, 505, 515]))
def test_households_equal_their_twin(rows, rates, key, crowd):
    if crowd:  # two households can hold 510
        rows, rates = [*rows, (2, (0, 0, 0, crowd - 170, 150, 20))], [0.0, 0.0, *rates[2:]]
    first = np.cumsum([0, *(n for n, _ in rows)])
    ages = np.array([a for _, a in rows], np.int64).reshape(-1, 6)
    rates = np.array(rates)
    assume(rates[3] + rates[4] <= 1)
    agents = draws.id_keys(str(i) for i in range(len(rows))) << np.uint64(32)
    registered = np.zeros((int(first[-1]), 6), np.uint8)
    args = np.uint64(key), first, ages, agents, rates[:2]
    try:
        twin = synthesis.deal(*args)
    except ValueError:  # too few households are left for all these persons
        with pytest.raises(ValueError, match="more persons than its households hold"):
            households._deal(*args, registered)
        return
    households._deal(*args, registered)
    assert (registered == twin).all()

    rural = np.arange(len(rows)) % 2 == 0
    homes = np.arange(len(registered), dtype=np.uint64) + np.uint64(1 << 33)
    present, risk = np.zeros_like(registered), np.zeros((len(registered), 3), np.uint8)
    flags = np.zeros(len(registered), np.uint8)
    args = np.uint64(key), first, rural, homes, registered, rates, 0.2
    households._describe(*args, present, risk, flags)
    described = synthesis.describe(*args)
    for mine, other in zip((present, risk, flags), described, strict=True):
        assert (mine == other).all()
    settlement = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(first))
    again = np.zeros_like(flags)
    args = np.uint64(key), settlement, rural, homes, present, rates
    households._traits(*args, again)
    assert (again == flags).all() and (again == synthesis.traits(*args)).all()


def test_compiled_kernels_are_kept_by_what_all_of_them_say(tmp_path: Path) -> None:
    # numba sees edits of a kernel's own file only, not of those that it inlines
    ask = "import numba, sim.world.kernels; print(numba.config.CACHE_DIR)"
    env = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    said = set()
    for edit in ("", "# an edit\n", ""):
        package = tmp_path / "sim"
        shutil.rmtree(package, ignore_errors=True)
        for part in ("world", "processes"):
            shutil.copytree(SOURCE / part, package / part, ignore=shutil.ignore_patterns("__*"))
        for name in ("__init__.py", "cache.py"):
            shutil.copy(SOURCE / name, package)
        with (package / "processes" / "choice.py").open("a") as file:
            file.write(edit)
        out = subprocess.run(
            [sys.executable, "-c", ask], cwd=tmp_path, text=True, capture_output=True, check=True,
            env=env | {"SIM_CACHE": str(tmp_path)},
        )  # fmt: skip
        said.add(out.stdout)
    assert len(said) == 2 and all(x.startswith(str(tmp_path / "kernels-")) for x in said)
