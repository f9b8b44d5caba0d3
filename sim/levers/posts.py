"""Posts opened, abolished and moved by levers.

A post moves with its holder. Whoever is cut is counted (`StaffFlows.cut`); who takes a new post
comes through the same door as all newcomers, when its vacancy ends.
"""

from __future__ import annotations

import numpy as np

from sim.case.schema import ROLES
from sim.processes import workers
from sim.world.draws import id_keys
from sim.world.state import State
from sim.world.workers import ABOLISHED, COMMITTEE

NEW = ROLES.index("community_worker")


def cut_posts(state: State, posts: np.ndarray, number: int) -> np.ndarray:
    """Abolishes so many of these posts (none where it is negative), and returns those that remain.

    The office of the posts is to count its workers anew.
    """
    if number <= 0:
        return posts
    w = state.workers
    vacant = w.vacant(state.week)[posts]
    order = workers.first_to_go(
        vacant, w.role[posts] == COMMITTEE, w.certified[posts], w.hired[posts], w.key[posts]
    )
    gone = order[:number]
    w.office[posts[gone]] = ABOLISHED
    state.staff.cut += int((~vacant[gone]).sum())
    return np.delete(posts, gone)


def open_posts(state: State, office: int, number: int) -> None:
    """Opens posts of hired community workers, which are vacant as long as one that was left.

    Their holders will meet the load that the office's other posts have met, or 1 where there are
    none.
    """
    w, p = state.workers, state.parameters
    mine = w.posts_of(office)
    load = float(w.load[mine].mean()) if mine.size else 1.0
    prefix, opened, n = f"{state.offices.id[office]}/{ROLES[NEW]}/{state.week}", 0, 0
    while opened < number:
        key, n = id_keys([f"{prefix}+{n}"], bits=64)[0], n + 1
        if (w.key == key).any():  # opened by another lever in this week
            continue
        w.add(
            key=key, office=office, role=NEW, hired=workers.vacant_until(state.week, p),
            certified=False, fatigue=0.0, load=load,
        )  # fmt: skip
        opened += 1


def move_posts(state: State, source: int, targets: list[int], each: int) -> None:
    """Moves posts of one office to others, as many to each, the first of them first where there
    are too few; those with somebody at work come before vacant ones."""
    w = state.workers
    posts = w.posts_of(source)
    posts = posts[np.argsort(w.vacant(state.week)[posts], kind="stable")]
    for number, post in enumerate(posts[: each * len(targets)].tolist()):
        w.office[post] = targets[number % len(targets)]
    count_workers(state, [source, *targets])


def count_workers(state: State, offices: list[int]) -> None:
    """Offices count those who are at work this week."""
    here = state.workers.by_office(state.workers.at_work(state.week), len(state.offices))
    state.offices.workers[offices] = here[offices]
