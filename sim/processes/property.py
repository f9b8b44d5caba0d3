"""6.8 Property: complaints by type of compound, and the work of those that nobody settles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sim.case.parameters import Parameters


def complaints(compounds: Iterable[str], parameters: Parameters) -> np.ndarray:
    """Complaints a week and household in settlements of these types of compound; the parameters
    count them per 100 households and year."""
    return np.array([parameters[f"complaints.{c}"] / 100 / 52 for c in compounds])


def hours_landed(raised: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Hours for the community of so many complaints: `complaints.to_community` of them, which
    property management leaves, at `work.complaint_hours` each."""
    return raised * parameters["complaints.to_community"] * parameters["work.complaint_hours"]
