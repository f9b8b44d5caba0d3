"""Settlements that the streets of a case do not lead away from."""

from __future__ import annotations

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial import cKDTree

from sim.case.case import Case
from sim.case.messages import Problems, some
from sim.case.tables import find_table

FAR = 2000  # metres to the nearest street beyond which one is likely to be missing


def remark_islands(case: Case, problems: Problems) -> None:
    """Warns of settlements on streets from which no way leads to most others, and of those far
    from any street, with the persons who live there. Streets are those open at the start."""
    if case.streets is None or not len(case.streets[0]):
        return
    nodes, edges = case.streets
    opened = edges["opened"]
    edges = edges[(opened.isna() | (opened <= np.datetime64(case.meta.start))).to_numpy()]
    xy = nodes[["x", "y"]].to_numpy(np.float64)
    rows = {name: i for i, name in enumerate(nodes["id"])}
    start, end = (edges[c].map(rows).to_numpy(np.int64) for c in ("from", "to"))
    one_way = edges["one_way"].to_numpy(bool)
    leads = _leads_out(start, end, one_way, len(xy))
    homes = case.settlements[["x", "y"]].to_numpy(np.float64)
    away, node = cKDTree(xy).query(homes)
    cut = np.flatnonzero(~leads[node])
    if cut.size and start.size:  # a street that is nearer than the crossing may lead out
        lines = shapely.STRtree(shapely.linestrings(np.stack([xy[start], xy[end]], axis=1)))
        place, edge = lines.query(
            shapely.points(homes[cut]), predicate="dwithin", distance=away[cut]
        )
        out = leads[end] | (leads[start] & ~one_way)
        cut = np.delete(cut, np.unique(place[out[edge]]))
    far, path = np.flatnonzero(away > FAR), find_table(case.path, "streets_edges")
    if cut.size:
        message = (
            f"{_named(case, cut)} {_lie(cut)} on streets from which no way leads to most others"
        )
        hint = "join their streets to the others in streets_edges, or see which way one_way goes"
        problems.warning("street-island", message, path, hint=hint)
    if far.size:
        message = f"{_named(case, far)} {_lie(far)} more than {FAR:,} m from the nearest street"
        hint = "they go there straight: add the streets that are missing, or see x and y"
        problems.warning("far-from-street", message, path, hint=hint)


def _leads_out(start: np.ndarray, end: np.ndarray, one_way: np.ndarray, size: int) -> np.ndarray:
    """Nodes from which the largest part of the network can be reached, bool ``[N]``."""
    a, b = np.concatenate([start, end[~one_way]]), np.concatenate([end, start[~one_way]])
    graph = csr_array((np.ones(a.size), (a, b)), shape=(size, size))
    part = connected_components(graph, directed=True, connection="strong")[1]
    first = int(np.argmax(part == np.argmax(np.bincount(part))))
    found = np.zeros(size, bool)
    backwards = csr_array(graph.T)
    found[breadth_first_order(backwards, first, return_predecessors=False)] = True
    return found


def _named(case: Case, which: np.ndarray) -> str:
    """How many settlements and persons these are, and the first of them, most persons first."""
    table = case.settlements.iloc[which]
    table = table.sort_values(["persons", "id"], ascending=[False, True])
    pairs = zip(table["name"], table["id"], strict=True)
    names = some([f"{name} {id_}" for name, id_ in pairs])
    noun = "settlement" if len(table) == 1 else "settlements"
    return f"{len(table):,} {noun} with {table['persons'].sum():,} persons ({names})"


def _lie(which: np.ndarray) -> str:
    return "lies" if which.size == 1 else "lie"
