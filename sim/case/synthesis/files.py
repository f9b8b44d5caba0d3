"""Files put in place together: a folder holds the old ones or the new ones, whatever happens."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sim.case.messages import InputError, Problem


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Puts all files (by their paths in it) into `folder`, or leaves it as it was.

    They are first written and synced beside the folder, so a full disk or an interruption then
    costs nothing; each is then renamed into place, which is undone if one of them fails.
    """
    made: list[Path] = []
    try:
        for parent in dict.fromkeys([folder, *((folder / name).parent for name in files)]):
            _make(parent, made)
        _replace(folder, files)
    except BaseException as error:
        for parent in reversed(made):
            with contextlib.suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            message = f"the files cannot be written: {error.strerror or error}"
            path = Path(error.filename) if error.filename else folder
            hint = "nothing was changed; check space and rights"
            raise InputError([Problem("cannot-write", message, path, hint=hint)]) from error
        raise


def _make(folder: Path, made: list[Path]) -> None:
    """Makes a folder and those above it where they are missing, and adds them to `made`."""
    if folder.is_dir():
        return
    _make(folder.parent, made)
    folder.mkdir()
    made.append(folder)


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temp:
        new, old = Path(temp, "new"), Path(temp, "old")
        for name, data in files.items():
            for stage in (new, old):
                (stage / name).parent.mkdir(parents=True, exist_ok=True)
            with (new / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if (folder / name).exists():
                shutil.copy2(folder / name, old / name)
        try:
            for name in files:
                os.replace(new / name, folder / name)
        except BaseException:
            for name in files:
                if (old / name).exists():
                    os.replace(old / name, folder / name)
                elif not (new / name).exists():
                    (folder / name).unlink(missing_ok=True)
            raise
