"""`sim new`: a small case to start from, made from the templates in `sim/data/new`."""

from __future__ import annotations

import json
import shlex
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from sim.case.messages import InputError, Problem
from sim.case.synthesis.files import write_together
from sim.schemas import schema_files

NAME, PLACE = "NEW_NAME", "NEW_DIR"  # stand for the directory's name and the way to it
SCHEMAS = "schemas"


def new_case(folder: Path) -> list[Path]:
    """Writes the case into a directory that is empty or not there; all its files or none.

    Returns the files. Raises `InputError` where something is there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "this directory is not empty" if folder.is_dir() else "this is a file"
        hint = "name a directory that is empty or that does not exist yet"
        raise InputError([Problem("not-empty", what, folder, hint=hint)])
    files = {f.name: _filled(f, folder) for f in templates()}
    files |= {f"{SCHEMAS}/{name}": data for name, data in schema_files().items()}
    write_together(folder, files)
    return [folder / name for name in files]


def templates() -> list[Traversable]:
    """The template files, sorted by name."""
    found = resources.files("sim.data").joinpath("new").iterdir()
    return sorted((f for f in found if f.is_file()), key=lambda f: f.name)


def _filled(template: Traversable, folder: Path) -> bytes:
    """A template with the directory's name in it, quoted as its kind of file wants it."""
    data = template.read_bytes()
    if template.name.endswith((".yaml", ".md")):
        name, place = (_printable(x) for x in (folder.resolve().name or "case", str(folder)))
        quoted = json.dumps(name, ensure_ascii=False)[1:-1]
        inside = quoted if template.name.endswith(".yaml") else name
        text = data.decode().replace(f"{PLACE}/", f"{shlex.quote(place)}/")
        data = text.replace(PLACE, shlex.quote(place)).replace(NAME, inside).encode()
    return data


def _printable(text: str) -> str:
    """Text that every file can hold: names of files may be no text at all."""
    sound = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "?" for c in sound)
