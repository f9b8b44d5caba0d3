"""Weeks: week 0 begins on the first day of a run, dates act from the next week on."""

from __future__ import annotations

from datetime import date


def week_of(day: date, start: date) -> int:
    """The first week that begins on or after a day; week 0 begins at `start`."""
    return -((start - day).days // 7)
