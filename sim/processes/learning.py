"""6.9 Learning and satisfaction: what residents come to expect, and how content they are."""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters
from sim.processes.choice import ONLINE, PUT_OFF
from sim.world.kernels import njit

# columns of the sums that `settle` makes, by household group and line
COLUMNS = 11
NEW, MET, MINUTES, WAIT, PUT_OFF_NEEDS, REFUSED, NOWHERE, UNMET, BY_NET, BY_AGENT, TRIES = range(
    COLUMNS
)
ENDED = (MET, BY_NET, BY_AGENT, UNMET)


@njit(
    "void(int64[::1], int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], float64[::1],"
    " boolean[::1], float64[::1], int64, float64, int32[::1], int64[::1], int32[:, :, ::1],"
    " boolean[::1], uint8[:, ::1], uint8[:, ::1], int32[:, ::1], float32[:, ::1],"
    " float32[:, :, ::1], float64[:, :, ::1], float64[:, ::1])",
    cache=True,
)
def settle(
    first, household, needs, new, slot, rank, minutes, met, wait, tries_most, step, settlement,
    group, slots, minded, pending, tries, usual, expected, belief, sums, felt,
):  # fmt: skip
    """Books what became of each errand, and what was learnt.

    Served, gone online or done by the agent: the need is met. Else it is tried again next week,
    and given up after `tries_most` tries. The expected wait of the household's usual facility
    moves `step` of the way to what was met, and the settlement's view of a facility to the mean
    of its households. sums: ``[groups, lines, COLUMNS]``; felt: ``[S, 4]`` needs met, minutes
    waited, needs tried, unmet, on the lines that are `minded`.
    """
    heard = np.zeros(belief.shape)
    told = np.zeros(belief.shape)
    i = 0
    for e in range(household.size):
        while e >= first[i + 1]:
            i += 1
        h, n, k = household[e], float(needs[e]), rank[e]
        s, g = settlement[h], group[h]
        out = sums[g, i]
        out[NEW] += new[e]
        out[TRIES] += n
        counted = n if minded[i] else 0.0
        felt[s, 2] += counted
        if slot[e] >= 0:
            j = slot[e]
            if usual[h, i] == j:
                expected[h, i] += step * (wait[e] - expected[h, i])
            else:
                usual[h, i] = j
                expected[h, i] = belief[s, i, k] + step * (wait[e] - belief[s, i, k])
            heard[s, i, k] += n * wait[e]
            told[s, i, k] += n
        if met[e]:
            pending[h, i], tries[h, i] = 0, 0
            if slot[e] >= 0:
                out[MET] += n
                out[MINUTES] += n * minutes[e]
                out[WAIT] += n * wait[e]
                felt[s, 0] += counted
                felt[s, 1] += counted * wait[e]
            elif slot[e] == ONLINE:
                out[BY_NET] += n
            else:
                out[BY_AGENT] += n
            continue
        if slot[e] >= 0:
            out[REFUSED] += n
        elif slot[e] == PUT_OFF:
            out[PUT_OFF_NEEDS] += n
        else:
            out[NOWHERE] += n
        tries[h, i] += 1
        if tries[h, i] >= tries_most:
            out[UNMET] += n
            felt[s, 3] += counted
            pending[h, i], tries[h, i] = 0, 0
        else:
            pending[h, i] = min(255, needs[e])
    for s in range(belief.shape[0]):
        for i in range(belief.shape[1]):
            for k in range(belief.shape[2]):
                if told[s, i, k] > 0:
                    mean = heard[s, i, k] / told[s, i, k]
                    belief[s, i, k] += step * (mean - belief[s, i, k])


def goal_of_belonging(goal: np.ndarray, fund: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Where belonging goes with a community fund: goal + lift (1 - goal) min(1, fund / full).

    fund: yuan a year and household; full: `fund.household`, beyond which money does no more.
    """
    p = parameters
    share = np.minimum(1.0, fund / p["fund.household"])
    return goal + p["fund.belonging"] * share * (1 - goal)


def drift(level: np.ndarray, goal: np.ndarray, half_life: float) -> np.ndarray:
    """One week of moving towards a goal with a half-life in weeks."""
    return goal + (level - goal) * 0.5 ** (1 / half_life)


def participation_change(
    before: np.ndarray, after: np.ndarray, imposed: bool, parameters: Parameters
) -> np.ndarray:
    """Points of participation lost for good when a unit of `before` persons becomes `after`."""
    p = parameters
    points = p["residents.participation"] * np.log2(np.maximum(after / before, 1.0))
    return -points * (p["residents.imposed"] if imposed else 1.0)


def satisfaction(
    access: np.ndarray,
    wait: np.ndarray,
    unmet: np.ndarray,
    listed: np.ndarray,
    visits: np.ndarray,
    complaints: np.ndarray,
    belonging: np.ndarray,
    parameters: Parameters,
) -> tuple[np.ndarray, np.ndarray]:
    """Satisfaction of each settlement, 0-100, with and without belonging; model text 6.9.

    access: mean access score 0-1; wait: minutes; unmet: share of needs; listed: share of
    households on a waiting list; visits: coverage of planned visits; complaints: per household
    and year; belonging: 0-1.
    """
    p = parameters
    waiting = (
        1
        - np.minimum(1, wait / p["residents.wait_span"])
        - p["residents.unmet_weight"] * unmet
        - listed
    )
    home = 1 - p["residents.complaint_weight"] * complaints
    rest = (
        p["residents.weight_access"] * access
        + p["residents.weight_waiting"] * waiting
        + p["residents.weight_visits"] * visits
        + p["residents.weight_property"] * home
    )
    return rest + p["residents.weight_belonging"] * belonging, rest


def access_score(minutes: np.ndarray, parameters: Parameters) -> np.ndarray:
    """1 up to 5 minutes, falling to 0 at 60; where nothing is in reach, 0."""
    p = parameters
    return np.clip(1 - (minutes - p["residents.access_best"]) / p["residents.access_span"], 0, 1)
