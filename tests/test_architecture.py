"""The rooms of the house: who may import whom, and what no room may know or do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "sim").rglob("*.py"))
FLOORS = {
    "sim": 0,  # the version; what it offers beside is loaded when asked for
    "sim.cache": 0,
    "sim.case": 0,
    "sim.data": 0,
    "sim.world": 1,
    "sim.processes": 2,
    "sim.levers": 3,
    "sim.outcomes": 4,
    "sim.model": 5,
    "sim.phases": 5,
    "sim.description": 5,
    "sim.experiment": 6,
    "sim.planning": 7,
    "sim.report": 8,
    "sim.check": 9,
    "sim.new": 9,
    "sim.schemas": 9,
    "sim.cli": 9,
    "sim.__main__": 9,
}
RANDOM = re.compile(r"(np|numpy)\.random|random(\.|$)|secrets(\.|$)")


@dataclass(frozen=True)
class Import:
    """An import of `target`, a module of ours, by `source`; types: only type checkers see it;
    lazy: only when a function is called."""

    source: str
    target: str
    line: int
    types: bool
    lazy: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imported(node: ast.AST, package: str) -> list[str]:
    """The full names that an import statement asks for, of ours or of others."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert isinstance(node, ast.ImportFrom)
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])
    return [f"{base}.{alias.name}" for alias in node.names]


def imports(name: str, path: Path) -> Iterator[Import]:
    """Every import of our own modules in a file, those inside functions included."""
    tree = ast.parse(path.read_text("utf-8"))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    typed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for part in node.body
        for inner in ast.walk(part)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for asked in imported(node, package):
            target = asked if asked in MODULES else asked.rpartition(".")[0]
            if target in MODULES:
                yield Import(name, target, node.lineno, node in typed, node.col_offset > 0)


IMPORTS = [i for name, path in MODULES.items() for i in imports(name, path)]


def room(module: str) -> str:
    return module if module in FLOORS else ".".join(module.split(".")[:2])


def test_every_module_is_in_a_room() -> None:
    assert {room(module) for module in MODULES} <= set(FLOORS)


def test_a_room_imports_only_from_its_own_floor_and_below() -> None:
    upward = [
        f"{i.source}:{i.line} imports {i.target}"
        for i in IMPORTS
        if FLOORS[room(i.target)] > FLOORS[room(i.source)] and not (i.source == "sim" and i.lazy)
    ]
    assert not upward


@pytest.mark.parametrize("of", [str, room], ids=["modules", "rooms"])
def test_no_imports_go_round_in_a_circle(of) -> None:
    graph: dict[str, set[str]] = {of(module): set() for module in MODULES}
    for i in IMPORTS:
        if not i.types and of(i.source) != of(i.target) and "sim" not in (i.source, i.target):
            graph[of(i.source)].add(of(i.target))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_report_never_runs_the_model() -> None:
    running = {"sim.model", "sim.phases", "sim.processes", "sim.levers"}
    assert not [i for i in IMPORTS if room(i.source) == "sim.report" and room(i.target) in running]


def test_only_data_files_name_a_prefecture() -> None:
    own = re.compile(r"meishan|眉山|5114", re.IGNORECASE)
    example = re.compile(r'epilog=example\("sim [^"]*"\)')  # commands to copy in a help text
    naming = []
    for path in FILES:
        text = example.sub("", path.read_text("utf-8"))
        naming += [f"{path.relative_to(ROOT)}: {m.group()}" for m in own.finditer(text)]
    assert not naming


def test_no_rule_draws_from_a_generator_that_others_share() -> None:
    """Every draw is keyed (`sim.world.draws`); only Mesa's own generators get a seed."""
    drawing = []
    for name, path in MODULES.items():
        if not 1 <= FLOORS[room(name)] <= 5 or name == "sim.model":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                used = imported(node, name)
            elif isinstance(node, ast.Attribute):
                used = [ast.unparse(node)]
            else:
                continue
            drawing += [f"{name}:{node.lineno} {u}" for u in used if RANDOM.match(u)]
    assert not drawing


MODEL = ("world", "processes", "phases", "levers", "outcomes")
PRODUCTS = {"dot", "einsum", "inner", "matmul", "tensordot", "vdot"}


def test_the_model_has_no_products_of_matrices() -> None:
    """BLAS adds in an order that depends on its threads and on the processor: bytes would too."""
    found = []
    for path in (p for room in MODEL for p in sorted((ROOT / "sim" / room).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if product or (called and node.func.attr in PRODUCTS):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found
