"""One writer at a time: a lock on a results directory that dies with its process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LOCK = ".lock"


class StudyBusy(OSError):
    """Another process is writing this results directory; ``pid`` is its number, if known."""

    def __init__(self, path: Path, pid: str):
        self.path, self.pid = path, pid
        super().__init__(
            f"{path} is being written by process {pid or '(unknown)'}; "
            "wait for it, or choose another directory with --out"
        )


def holder(directory: Path) -> str | None:
    """The number of the process that is writing a directory; None where there is none.

    The file is only read: a look must not keep a writer out.
    """
    try:
        pid = (directory / LOCK).read_text("ascii").strip()
    except OSError:
        return None
    return pid if pid.isdigit() and _is_alive(int(pid)) else None


class DirectoryLock:
    """Holds ``.lock`` in a directory while the context lasts; raises `StudyBusy` if it is held.

    The operating system drops the lock when its process ends, however it ends, so that none is
    ever stale; the file only tells a second process whom to name.
    """

    def __init__(self, directory: Path):
        self._path = directory / LOCK

    def __enter__(self) -> DirectoryLock:
        self._file = open(self._path, "a+", encoding="ascii")
        try:
            _lock(self._file.fileno())
        except (BlockingIOError, PermissionError):  # as POSIX and as Windows say "taken"
            self._file.seek(0)
            pid = self._file.read().strip()
            self._file.close()
            raise StudyBusy(self._path.parent, pid) from None
        except OSError:  # a file system without locks
            self._file.close()
            raise
        self._write(str(os.getpid()))
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")
        self._file.close()

    def _write(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()


def _is_alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # behind the text, which others must read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
