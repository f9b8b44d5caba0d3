"""Files damaged at random, as people, programs and transfers damage them; by a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

NASTY = (
    "", " ", "\t", "\n", "\n\n", "\r", "\r\n", "-", "- ", ":", ": ", "：", "，", "、", "　",
    "\u00a0", "{", "}", "[", "]", "[[[[[[[[", "{{{{", "#", "&a ", "*a", "&a [*a]", "!x ",
    "!!int ", "!!set ", "|", ">", "%YAML 1.1\n---\n", "---\n", "...", "? ", "<<: *a", "'", '"',
    "''", "\\", "\"\\ud800\"", '"\\0"', "\x00", "\x1b[31m", "\u202e", "\ufeff", "é", "e\u0301",
    "社区", "👩‍👩‍👧", "１２", "null", "~", "true", "no", "on", "yes", "012", "0o14",
    "0x1F", "1_000", "12:30:00", "1e999", "-1e999", ".nan", ".inf", "-1", "0", "-0", "1e-300",
    "9" * 30, "9" * 400, "0x" + "F" * 90, "5.11425E+11", "NA", "2020-02-30", "0001-01-01",
    "9999-12-31", "2020-01-01T00:00:00+99:99", "2020/5/18", "20200518", "../../etc/passwd",
    "/dev/zero", "/", ".", "..", "CON", "a\u0000b", "x" * 5000, ",", ",,,,", ";", "999901001",
    "999901001001", "999901001801", "merge_communities", "close_facility", "keep", "date",
)  # fmt: skip
NUMBERS = (
    "0", "-1", "1", "0.5", "-0.0", "1e308", "1e15", "9007199254740993", "9" * 25, "nan", "inf",
    "", "1,000", "１２", "0.1.2", "+5", "2**3", "12e",
)  # fmt: skip
BYTES = (b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x80", b"\x00", b"\xe7\xa4")

Mutation = Callable[[bytes, random.Random], bytes]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes after one to four mutations."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        data = rng.choice(MUTATIONS)(data, rng)
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data or b" ")
    for _ in range(rng.choice((1, 1, 5))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _insert_bytes(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(BYTES) + data[at:]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] if rng.random() < 0.5 else data[:at] + data[at + rng.randrange(40) :]


def _lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(5)
    if what == 0:
        del lines[i]
    elif what == 1:
        lines[i], lines[j] = lines[j], lines[i]
    elif what == 2:
        lines.insert(j, lines[i])
    elif what == 3:
        lines[i] = b" " * rng.randrange(1, 5) + lines[i]
    else:
        lines = lines[:1]
    return b"\n".join(lines)


def _of_text(change: Callable[[str, random.Random], str]) -> Mutation:
    def mutation(data: bytes, rng: random.Random) -> bytes:
        text = data.decode("utf-8", "surrogateescape")
        return change(text, rng).encode("utf-8", "surrogateescape")

    return mutation


def _insert(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(NASTY) + text[at + rng.choice((0, 0, 1, 8)) :]


def _one(pattern: str, words: Callable[[str, random.Random], str]) -> Mutation:
    """Replaces one match of a pattern."""

    def change(text: str, rng: random.Random) -> str:
        found = list(re.finditer(pattern, text))
        if not found:
            return text
        m = rng.choice(found)
        return text[: m.start()] + words(m.group(), rng) + text[m.end() :]

    return _of_text(change)


def _swap(text: str, rng: random.Random) -> str:
    """Two words change places."""
    found = list(re.finditer(r"[\w.]+", text))
    if len(found) < 2:
        return text
    a, b = sorted(rng.sample(range(len(found)), 2))
    first, second = found[a], found[b]
    middle = text[first.end() : second.start()]
    return text[: first.start()] + second.group() + middle + first.group() + text[second.end() :]


def _misspelt(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word))
    return word[:at] + word[at + 1 :] if rng.random() < 0.5 else word[:at] + "x" + word[at:]


MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _insert_bytes,
    _cut,
    _lines,
    _lines,
    _of_text(_insert),
    _of_text(_insert),
    _of_text(_swap),
    _one(r"[\w.-]+", lambda _, rng: rng.choice(NASTY)),
    _one(r"[\w.-]+", lambda _, rng: rng.choice(NASTY)),
    _one(r"[a-z_]+(?=:)", _misspelt),
    _one(r"\d[\d.-]*", lambda _, rng: rng.choice(NUMBERS)),
    _one(r"\d[\d.-]*", lambda _, rng: rng.choice(NUMBERS)),
    _one(r"[:,\[\]{}\"']", lambda _, rng: rng.choice(("", "：", "，", "：: ", "\t", '"', "["))),
)
