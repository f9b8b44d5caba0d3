"""Files put in place together: a folder holds the old ones or the new ones, whatever happens."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sim.case.messages import InputError, Problem


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Puts all files into `folder`, or leaves it as it was.

    They are first written and synced beside the folder, so a full disk or an interruption then
    costs nothing; each is then renamed into place, which is undone if one of them fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temp:
            new, old = Path(temp, "new"), Path(temp, "old")
            new.mkdir()
            old.mkdir()
            for name, data in files.items():
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
    except OSError as error:
        raise InputError(
            [
                Problem(
                    "cannot-write",
                    f"the case cannot be written: {error.strerror or error}",
                    Path(error.filename) if error.filename else folder,
                    hint="nothing was changed; check space and rights",
                )
            ]
        ) from error
