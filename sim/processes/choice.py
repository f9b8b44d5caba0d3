"""6.2 Choice: which facility, online, or put off.

Nested choice. Among the facilities in reach each has the utility

    V = - minute x minutes - wait x expected wait + own unit - office hours + taste x e

and the best of them competes with going online (where offered and where the household can), with
having it done by the office's agent (代办, where offered to the old and those in hardship) and with
putting the need off. The draw e is the larger of two Gumbel draws less ln 2, and so a Gumbel
draw again (a sum of the two would not be): one belongs to household and facility for life, the
other to the week, and each is the larger half of the time. So the shares follow the logit
(McFadden 1974).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from sim.world.draws import Process, block, uniform_one, unit
from sim.world.households import AWAY, DIGITAL, HARDSHIP, OLD_ONLY, VEHICLE

PUT_OFF, NO_REACH, ONLINE, AGENT = -1, -2, -3, -4
LN_2 = float(np.log(2.0))
CHOICE_OF_LINE = 64  # process numbers 64, 65, ... draw the weekly taste of line 0, 1, ...


@dataclass(frozen=True)
class Errands:
    """What households set out to do in a week: one row a line and household with a need, by line.

    first: int64 ``[L + 1]``, line i has the rows first[i] to first[i + 1]. household: int32;
    needs: int32 number of matters (new and put off before); new: those of this week; slot:
    facility, or PUT_OFF, NO_REACH, ONLINE, AGENT; rank: place of the facility among those in reach;
    minutes: of the trip, float64, nan where there is none.
    """

    first: np.ndarray
    household: np.ndarray
    needs: np.ndarray
    new: np.ndarray
    slot: np.ndarray
    rank: np.ndarray
    minutes: np.ndarray

    def of_line(self, line: int) -> slice:
        """Rows of one line."""
        return slice(int(self.first[line]), int(self.first[line + 1]))


@njit("float64(float64)", cache=True, inline="always")
def gumbel(u):
    return -np.log(-np.log(u))


# u under the n-th of these means gumbel(u) < n: comparing spares most logarithms
_GUMBEL_BELOW = np.array([0.367, 0.692, 0.873, 0.951, 0.981])


@njit("boolean(float64, float64)", cache=True, inline="always")
def surely_below(u, bound):
    """Whether gumbel(u) < bound, by a table; False means `not sure`."""
    return bound >= 0.0 and u < _GUMBEL_BELOW[int(min(bound, 4.0))]


@njit(cache=True, inline="always")
def travel_class(flags):
    """Row of `travel.Pace` of a household: 0/1 adult without/with vehicle, 2/3 old."""
    out = 1 if flags & VEHICLE else 0
    return out + 2 if flags & OLD_ONLY else out


@njit(
    "void(uint64, int32[::1], uint64[::1], int32[:, :, ::1], uint32[::1], float32[:, :, ::1])",
    cache=True,
    error_model="numpy",
)
def lifelong_tastes(key, settlement, agents, slots, item, taste):
    """Fills `taste` ``[H, L, K]`` with each household's lasting draw for the facilities in reach.

    Depends on household and facility only; kept between weeks because drawing it anew is half of
    the work of a week.
    """
    for h in range(settlement.size):
        for i in range(slots.shape[1]):
            for k in range(slots.shape[2]):
                j = slots[settlement[h], i, k]
                if j < 0:
                    break
                taste[h, i, k] = gumbel(uniform_one(key, Process.TASTE, 0, agents[h], item[j]))


@njit(
    "Tuple((float64, int32, float64))(uint64, int64, uint64, uint8, int64, int64, int64, int64,"
    " int32[:, :, ::1], float32[:, :, :, ::1], boolean[:, :, ::1], float32[:, :, ::1],"
    " float64[::1], uint32[::1], boolean[::1], float64, float64, boolean, float64[::1])",
    cache=True,
    inline="always",
    error_model="numpy",
)
def best_facility(
    key, week, agent, flags, process, s, i, h, slots, trips, own, lasting, waits, item,
    office_hours, cutoff, taste, old_users, weights,
):  # fmt: skip
    """Utility of the best facility in reach, its rank (-1 where none is) and its minutes.

    The facilities in reach are ``slots[s, i]``, with minutes ``trips[s, i]`` by travel class, and
    the household's lasting draws for them ``lasting[h, i]`` (rows, not views of them: making a
    view costs as much as drawing). weights: minute, wait, own unit, office hours.
    """
    best, rank, trip = -np.inf, -1, np.nan
    pace = travel_class(flags)
    if old_users and pace < 2:
        pace += 2
    for k in range(slots.shape[2]):
        j = slots[s, i, k]
        if j < 0:
            break
        minutes = trips[s, i, pace, k]
        if minutes > cutoff:
            continue  # the next may be sooner reached: they are in the order of metres
        v = -weights[0] * minutes - weights[1] * waits[k]
        if own[s, i, k]:
            v += weights[2]
        if office_hours[j] and flags & AWAY:
            v -= weights[3]
        if taste > 0.0:
            e = lasting[h, i, k]
            u = uniform_one(key, process, week, agent, item[j])
            # no logarithm where this week's draw decides nothing
            if not surely_below(u, max(e, (best - v) / taste + LN_2)):
                e = max(e, gumbel(u))
            v += taste * (e - LN_2)
        if v > best:
            best, rank, trip = v, k, minutes
    return best, rank, trip


@njit(
    "void(uint64, int64, int32[::1], uint64[::1], uint8[::1], uint8[:, ::1], uint8[:, ::1],"
    " int32[:, :, ::1], float32[:, :, :, ::1], boolean[:, :, ::1], float32[:, :, ::1],"
    " float32[:, :, ::1], int32[:, ::1], float32[:, ::1], uint32[::1], boolean[::1],"
    " float64[::1], float64[::1], boolean[::1],"
    " float64[:, ::1], boolean[:, ::1], float64[::1], int64[::1], int32[::1], int32[::1],"
    " int32[::1], int32[::1], int32[::1], float64[::1])",
    cache=True,
    error_model="numpy",
)
def choose(
    key, week, settlement, agents, flags, asked, pending, slots, trips, own, lasting, belief,
    usual, expected, item, office_hours, cutoff, taste, old_users, web, agent, weights,
    e_first, e_household, e_needs, e_new, e_slot, e_rank, e_minutes,
):  # fmt: skip
    """Fills the columns of `Errands`.

    slots, own: ``[S, L, K]``; trips: minutes ``[S, L, 4, K]``; lasting:
    ``[H, L, K]``; web: share of matters that can be done there ``[S, L]``, agent:
    offered ``[S, L]``; weights: float64 ``[7]`` minute, wait, own unit, office hours, put off,
    online constant, agent constant.
    """
    waits = np.empty(slots.shape[2])
    e = 0
    for i in range(asked.shape[1]):
        e_first[i] = e
        for h in range(settlement.size):
            needs = asked[h, i] + pending[h, i]
            if needs == 0:
                continue
            s = settlement[h]
            for k in range(waits.size):
                waits[k] = belief[s, i, k]
                if slots[s, i, k] == usual[h, i]:
                    waits[k] = expected[h, i]
            v, rank, minutes = best_facility(
                key,
                week,
                agents[h],
                flags[h],
                CHOICE_OF_LINE + i,
                s,
                i,
                h,
                slots,
                trips,
                own,
                lasting,
                waits,
                item,
                office_hours,
                cutoff[i],
                taste[i],
                old_users[i],
                weights,
            )
            words = block(key, Process.CHANNEL, week, agents[h], np.uint32(i))
            off, go = unit(words[0]), unit(words[1])
            counter_only = web[s, i] == 0.0 and not agent[s, i]
            if rank < 0:
                best, slot = weights[4] + gumbel(off), NO_REACH
            elif counter_only and v - weights[4] > 5.2 and off < 0.981 and go > 0.04:
                # gumbel(off) < 4 and gumbel(go) > -1.2: going wins without a logarithm
                best, slot = v, slots[s, i, rank]
            else:
                best, slot = weights[4] + gumbel(off), PUT_OFF
                going = v + gumbel(go)
                if going > best:
                    best, slot = going, slots[s, i, rank]
            if web[s, i] > 0.0 and flags[h] & DIGITAL and unit(words[3]) < web[s, i]:
                v = weights[5] + gumbel(unit(words[2]))
                if v > best:
                    best, slot = v, ONLINE
            if agent[s, i] and flags[h] & (OLD_ONLY | HARDSHIP):
                u = uniform_one(key, Process.AGENCY, week, agents[h], np.uint32(i))
                if weights[6] + gumbel(u) > best:
                    slot = AGENT
            e_household[e], e_needs[e], e_new[e] = h, needs, asked[h, i]
            e_slot[e], e_rank[e], e_minutes[e] = slot, -1, np.nan
            if slot >= 0:
                e_rank[e], e_minutes[e] = rank, minutes
            e += 1
    e_first[asked.shape[1]] = e
