"""Files that people hand in: read whole, if they are plain files, not too large, and inside.

A pipe or a device would be waited for without end, a huge file fills the memory, a link may lead
anywhere: all of them are refused with a message, in the time that one look at the file takes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from sim.case.messages import Problems, near_file

# Limits of what is read, and why.
MOST_YAML = 250_000  # bytes: the reader takes a second for 200 kB; the longest shipped has 5 kB
MOST_ENTRIES = 12_000  # signs that structure a YAML file, 12 a merger: 60 microseconds each to read
MOST_VALUES = 50_000  # values of a YAML file, aliases written out: a dozen lines can make 10^9
DEEPEST = 40  # lists and keys inside each other; a scenario has six
LONGEST_NUMBER = 100  # characters of a number or date in YAML
MOST_TABLE = 100_000_000  # bytes: the streets of a prefecture, 2 million edges, have 80 MB
MOST_UNPACKED = 500_000_000  # bytes of a workbook when unpacked: zip packs zeros a thousandfold
MOST_COLUMNS = 1_000  # of a table; the widest has 18
MOST_CELLS = 20_000_000  # of a table: 2 million edges of streets have 14 million
LONGEST_LINE = 1_000_000  # bytes of a line of a table


def size_said(count: int) -> str:
    """A number of bytes in words."""
    return f"{count / 1e6:,.3g} MB"


def read_input(path: Path, most: int, problems: Problems) -> bytes | None:
    """The bytes of a plain file of at most `most` bytes, None after saying what is wrong."""
    try:
        # without waiting, if somebody puts a pipe there
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    except (FileNotFoundError, NotADirectoryError):
        _missing(path, problems)
        return None
    except ValueError:  # a NUL, or signs that no file name can have
        hint = "type the name again"
        problems.error("bad-path", f"no file can be called {path.name!r}", path, hint=hint)
        return None
    except OSError as error:
        _refused(path, error, problems)
        return None
    what = os.fstat(descriptor)
    if not stat.S_ISREG(what.st_mode):
        os.close(descriptor)
        is_folder = stat.S_ISDIR(what.st_mode)
        kind = "a directory" if is_folder else "a pipe or a device"
        hint = "give the file inside" if is_folder else "save its content as a file first"
        problems.error("not-a-file", f"a file is wanted, this is {kind}", path, hint=hint)
        return None
    try:
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(most + 1) if what.st_size <= most else b""
    except OSError as error:
        _refused(path, error, problems)
        return None
    if max(what.st_size, len(data)) > most:
        hint = f"at most {size_said(most)} are read: is this the right file?"
        message = f"this file is too large, {size_said(what.st_size)}"
        problems.error("too-large", message, path, hint=hint)
        return None
    return data


_BINARY = getattr(os, "O_BINARY", 0)  # on Windows, where files are text otherwise


def exists(path: Path) -> bool:
    """Whether anything but a directory stands there: `read_input` says what is wrong with it."""
    try:
        return os.path.lexists(path) and not path.is_dir()
    except (OSError, ValueError):  # no path at all
        return False


def inside(path: Path, roots: Iterable[Path]) -> bool:
    """Whether a file lies in one of these directories, links followed."""
    try:
        place = path.resolve()
        return any(place.is_relative_to(root.resolve()) for root in roots)
    except (OSError, ValueError, RuntimeError):  # no path at all, or links in a circle
        return False


def names_in(folder: Path, *suffixes: str) -> list[str]:
    """Names of what stands in a directory, none where it cannot be read."""
    try:
        names = os.listdir(folder)
    except (OSError, ValueError):
        return []
    return sorted(n for n in names if not suffixes or n.endswith(suffixes))[:5000]


def _missing(path: Path, problems: Problems) -> None:
    hint = near_file(path.name, names_in(path.parent)) or "check the path"
    if path.is_symlink():
        hint = "it is a link that leads nowhere: copy the file itself here"
    problems.error("missing-file", f"there is no file {path.name}", path, hint=hint)


def _refused(path: Path, error: OSError, problems: Problems) -> None:
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        hint = "give the file a shorter name" if error.errno == errno.ENAMETOOLONG else ""
        hint = hint or "the links lead round in a circle: copy the file itself here"
        problems.error("bad-path", f"this is no path: {error.strerror}", path, hint=hint)
    elif error.errno == errno.EISDIR:
        hint = "give the file inside"
        problems.error("not-a-file", "a file is wanted, this is a directory", path, hint=hint)
    elif error.errno in (errno.ENXIO, errno.ENODEV):
        hint = "save its content as a file first"
        message = "a file is wanted, this is a socket or a device"
        problems.error("not-a-file", message, path, hint=hint)
    else:
        hint = "see who may read it, and whether its disk is there"
        problems.error("unreadable", f"cannot be read: {error.strerror}", path, hint=hint)
