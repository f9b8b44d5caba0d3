"""6.8 Property: complaints by type of compound, and the work of those that nobody settles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sim.case.parameters import Parameters


def complaints(compounds: Iterable[str], parameters: Parameters) -> np.ndarray:
    """Complaints a week and household in settlements of these types of compound; the parameters
    count them per 100 households and year."""
    return np.array([parameters[f"complaints.{c}"] / 100 / 52 for c in compounds])


def left_by_management(form: str, strength: float, parameters: Parameters) -> float:
    """Share of the complaints that management of a form leaves: 1 - strength x (1 - factor).

    form: self (自管), entrusted (委托) or joint (共管), with its factor `property.<form>`;
    strength: 0 to 1, how far it is set up.
    """
    return 1 - strength * (1 - parameters[f"property.{form}"])


def hours_landed(raised: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Hours for the community of so many complaints: `complaints.to_community` of them, which
    property management leaves, at `work.complaint_hours` each."""
    return raised * parameters["complaints.to_community"] * parameters["work.complaint_hours"]
