"""Every code that a problem can carry is explained, in both languages, and no other is."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.case.codes import codes, explained
from sim.case.messages import InputError
from sim.cli.main import cli

ROOT = Path(__file__).parent.parent
SAYING = {"error", "warning", "warn", "fault", "_error", "Problem"}
CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def literals(node: ast.AST) -> Iterator[str]:
    """The texts in a value, or in the first item of a tuple."""
    if isinstance(node, ast.Tuple) and node.elts:
        yield from literals(node.elts[0])
    elif isinstance(node, ast.IfExp):
        yield from (*literals(node.body), *literals(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def said(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Codes as they are written: in calls that add a problem, in what is given to a `code`, and
    in what a function hands back as a code with its message."""
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in SAYING:
            texts = [a for a in node.args if isinstance(a, ast.Constant | ast.JoinedStr)]
            found = [x for a in texts[:1] for x in literals(a)] if _first(node, texts) else []
        elif isinstance(node, ast.Assign):
            names = ast.unparse(node.targets[0]).strip("()").split(", ")
            if names[0] == "code":
                found = list(literals(node.value))
        elif isinstance(node, ast.For) and ast.unparse(node.target).endswith(" code)"):
            found = [x for row in node.iter.elts for x in literals(row.elts[-1])]  # type: ignore[attr-defined]
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            found = [x for x in literals(node.value) if "-" in x and " " not in x]
        yield from ((code, node.lineno) for code in found)


def _first(call: ast.Call, texts: list[ast.expr]) -> bool:
    """Whether the first text of a call is its code, and not the message behind a variable."""
    return bool(texts) and not any(
        isinstance(a, ast.Name | ast.Attribute) and ast.unparse(a).endswith("code")
        for a in call.args[: call.args.index(texts[0])]
    )


WRITTEN = {
    code: f"{path.relative_to(ROOT)}:{line}"
    for path in sorted((ROOT / "sim").rglob("*.py"))
    for code, line in said(ast.parse(path.read_text("utf-8")))
}


def test_every_code_that_is_used_is_explained() -> None:
    assert {c: where for c, where in WRITTEN.items() if c not in codes()} == {}


def test_no_code_is_explained_that_is_not_used() -> None:
    assert sorted(set(codes()) - set(WRITTEN)) == []


def test_codes_are_words_and_their_explanations_sentences() -> None:
    for code in codes().values():
        assert CODE.fullmatch(code.name)
        for text in (code.means["en"], code.mend["en"]):
            assert text[0].isupper() or text[0] == "`"
            assert text.endswith(".")
        for text in (code.means["zh"], code.mend["zh"]):
            assert text.endswith("。") and re.search(r"[\u4e00-\u9fff]", text)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["explain", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_explain_says_what_a_code_means_and_how_to_mend_it() -> None:
    assert "near ids" in run("unknown-id") and "编号" in run("unknown-id", "--lang", "zh")
    assert run("[unknown-id]") == run("unknown-id")
    assert "date: 2020-05-18" in run("full-width")
    data = json.loads(run("unknown-id", "--json"))
    assert data["code"] == "unknown-id" and data["means"] and data["mend"]


def test_explain_without_a_code_lists_all() -> None:
    assert len(run().splitlines()) == len(codes()) == len(json.loads(run("--json")))


def test_an_unknown_code_is_told_with_its_near_match() -> None:
    with pytest.raises(InputError) as caught:
        explained("unknown-di")
    assert "'unknown-id'" in caught.value.problems[0].hint
