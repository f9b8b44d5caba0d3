"""The projection of a case: x and y are metres in it, or ways and areas are wrong."""

from __future__ import annotations

import re
from functools import cache

EPSG = r"^EPSG:[0-9]{4,6}$"
CHOOSE = (
    "take that of your place: the UTM zone, EPSG:32601 to 32660 in the north (48 is 102 to 108 "
    "degrees east: EPSG:32648), or a national grid in metres, and convert x and y to it"
)


@cache
def projection_fault(code: str) -> str:
    """What is wrong with an EPSG code as a projection in metres, nothing where it is one."""
    import pyproj  # only where a case is read

    if not re.fullmatch(EPSG, code):
        return f"{code!r} is no EPSG code"
    try:
        crs = pyproj.CRS.from_user_input(code)
    except pyproj.exceptions.CRSError:
        return f"{code} is no projection that is known"
    units = sorted({axis.unit_name for axis in crs.axis_info})
    if crs.is_geographic:
        return f"{code} ({crs.name}) is in degrees"
    if not crs.is_projected:
        return f"{code} ({crs.name}) is no projection"
    if units != ["metre"]:
        return f"{code} ({crs.name}) is in units of {' and '.join(units)}"
    return ""
