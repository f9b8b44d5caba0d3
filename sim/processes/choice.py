"""6.2 Choice: which facility, online, or put off.

Nested choice. Among the facilities in reach each has the utility

    V = - minute x minutes - wait x expected wait + own unit - office hours + taste x e

and the best of them competes with going online (where offered and where the household can) and
with putting the need off. Half of the draw e belongs to household and facility for life, half to
the week; both are Gumbel, so that the shares follow the logit (McFadden 1974).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from sim.world.draws import Process, block, uniform_one, unit
from sim.world.households import AWAY, DIGITAL, OLD_ONLY, VEHICLE
from sim.world.travel import trip_minutes

PUT_OFF, NO_REACH, ONLINE = -1, -2, -3
CHOICE_OF_LINE = 64  # process numbers 64, 65, ... draw the weekly taste of line 0, 1, ...


@dataclass(frozen=True)
class Errands:
    """What households set out to do in a week, one row a household and line with a need.

    household, line: int32; needs: int32 number of matters (new and put off before); new: those
    of this week; slot: facility, or PUT_OFF, NO_REACH, ONLINE; rank: place of the facility among
    those in reach; minutes: of the trip, float64, nan where there is none.
    """

    household: np.ndarray
    line: np.ndarray
    needs: np.ndarray
    new: np.ndarray
    slot: np.ndarray
    rank: np.ndarray
    minutes: np.ndarray


@njit("float64(float64)", cache=True, inline="always")
def gumbel(u):
    return -np.log(-np.log(u))


@njit(cache=True, inline="always")
def travel_class(flags):
    """Row of `travel.Pace` of a household: 0/1 adult without/with vehicle, 2/3 old."""
    out = 1 if flags & VEHICLE else 0
    return out + 2 if flags & OLD_ONLY else out


@njit(
    "Tuple((float64, int32, float64))(uint64, int64, uint64, uint8, int64, int32[::1],"
    " float64[::1], boolean[::1], float64[::1], uint32[::1], boolean[::1], float64[::1],"
    " float64[::1], float64, float64, float64, boolean, float64[::1])",
    cache=True,
)
def best_facility(
    key, week, agent, flags, process, slots, metres, own, waits, item, office_hours, speed, start,
    ride, cutoff, taste, old_users, weights,
):  # fmt: skip
    """Utility of the best facility in reach, its rank (-1 where none is) and its minutes.

    weights: minute, wait, own unit, office hours.
    """
    best, rank, trip = -np.inf, -1, np.nan
    pace = travel_class(flags)
    if old_users and pace < 2:
        pace += 2
    for k in range(slots.size):
        j = slots[k]
        if j < 0:
            break
        minutes = trip_minutes(metres[k], speed[pace], start[pace], ride)
        if minutes > cutoff:
            break
        life = gumbel(uniform_one(key, Process.TASTE, 0, agent, item[j]))
        now = gumbel(uniform_one(key, process, week, agent, item[j]))
        v = -weights[0] * minutes - weights[1] * waits[k] + taste * 0.5 * (life + now)
        if own[k]:
            v += weights[2]
        if office_hours[j] and flags & AWAY:
            v -= weights[3]
        if v > best:
            best, rank, trip = v, k, minutes
    return best, rank, trip


@njit(
    "void(uint64, int64, int32[::1], uint64[::1], uint8[::1], uint8[:, ::1], uint8[:, ::1],"
    " int32[:, :, ::1], float64[:, :, ::1], boolean[:, :, ::1], float32[:, :, ::1],"
    " int32[:, ::1], float32[:, ::1], uint32[::1], boolean[::1], float64[::1], float64[::1],"
    " float64, float64[::1], float64[::1], boolean[::1], boolean[:, ::1], float64[::1],"
    " int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], float64[::1])",
    cache=True,
)
def choose(
    key, week, settlement, agents, flags, asked, pending, slots, metres, own, belief, usual,
    expected, item, office_hours, speed, start, ride, cutoff, taste, old_users, online, weights,
    e_household, e_line, e_needs, e_new, e_slot, e_rank, e_minutes,
):  # fmt: skip
    """Fills the columns of `Errands`, in the order of households and lines.

    weights: float64 ``[7]`` minute, wait, own unit, office hours, put off, online constant,
    online capable share.
    """
    lines = asked.shape[1]
    waits = np.empty(slots.shape[2])
    e = 0
    for h in range(settlement.size):
        s = settlement[h]
        for i in range(lines):
            needs = asked[h, i] + pending[h, i]
            if needs == 0:
                continue
            for k in range(waits.size):
                waits[k] = belief[s, i, k]
                if slots[s, i, k] == usual[h, i]:
                    waits[k] = expected[h, i]
            v, rank, minutes = best_facility(
                key, week, agents[h], flags[h], CHOICE_OF_LINE + i, slots[s, i], metres[s, i],
                own[s, i], waits, item, office_hours, speed, start, ride, cutoff[i], taste[i],
                old_users[i], weights,
            )
            words = block(key, Process.CHANNEL, week, agents[h], np.uint32(i))
            best, slot = weights[4] + gumbel(unit(words[0])), PUT_OFF
            if rank < 0:
                slot = NO_REACH
            elif v + gumbel(unit(words[1])) > best:
                best, slot = v + gumbel(unit(words[1])), slots[s, i, rank]
            able = (flags[h] & DIGITAL) > 0 and unit(words[3]) < weights[6]
            if online[s, i] and able and weights[5] + gumbel(unit(words[2])) > best:
                slot = ONLINE
            e_household[e], e_line[e], e_needs[e], e_new[e] = h, i, needs, asked[h, i]
            e_slot[e], e_rank[e], e_minutes[e] = slot, -1, np.nan
            if slot >= 0:
                e_rank[e], e_minutes[e] = rank, minutes
            e += 1
