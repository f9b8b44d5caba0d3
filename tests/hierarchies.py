"""Random counties for tests of the division: townships, units and settlements with weights."""

from __future__ import annotations

import numpy as np
import pandas as pd


def county(seed: int, units: int, split: int = 0, spanning: int = 0) -> pd.DataFrame:
    """Settlements of a made-up county: id, township_after, township_before, after, before, weight.

    units: number of units before; about two thirds are left afterwards. Of them `split` go to two
    new units, which may lie in another new township, and `spanning` go to a new unit drawn from
    the whole new township, so that it may reach over two old ones.
    """
    rng = np.random.default_rng(seed)
    olds = max(2, units // 10)
    news = max(1, int(olds * 0.6))
    new_of_old = np.sort(rng.integers(0, news, olds))
    old_of = np.sort(rng.integers(0, olds, units))
    after: dict[int, list[tuple[int, str]]] = {}
    for new in range(news):
        members = [u for u in range(units) if new_of_old[old_of[u]] == new]
        count = max(1, int(len(members) * 0.65))
        for k, unit in enumerate(members):
            after[unit] = [(new, f"A{new:02d}{k * count // len(members):03d}")]
    choice = sorted({a for targets in after.values() for a in targets})
    for unit in rng.choice(units, min(split, units), replace=False):
        further = choice[rng.integers(len(choice))]
        if further not in after[unit]:
            after[unit].append(further)
    for unit in rng.choice(units, min(spanning, units), replace=False):
        near = [a for a in choice if a[0] == new_of_old[old_of[unit]]]
        after[unit] = [near[rng.integers(len(near))]]
    rows = []
    for unit in range(units):
        for k in range(max(int(rng.integers(2, 14)), 2 * len(after[unit]))):
            new, name = after[unit][k % len(after[unit])]
            rows.append(
                (
                    f"B{unit:03d}{k:02d}",
                    f"TA{new:02d}",
                    f"TB{old_of[unit]:02d}",
                    name,
                    f"B{unit:03d}",
                    float(rng.lognormal(0, 0.5)),
                )
            )
    return pd.DataFrame(
        rows, columns=["id", "township_after", "township_before", "after", "before", "weight"]
    )
