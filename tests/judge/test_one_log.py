# SPDX-License-Identifier: Apache-2.0
"""Goal: the table "What one log alone shows" of docs/EVIDENCE.md is what a run finds, row by row."""
import copy
import hashlib
import re

import pytest

import forge
from court import ROOT

KEYS = {"Alice": forge.ALICE, "Bob": forge.BOB}
SAY = {"PROVEN": "not seen", "REFUTED": "refuted", "UNDECIDED": "undecided"}


def flipped(data):
    for at in range(0, len(data), 211):
        yield data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]


def cut_within(data):
    return (data[:at] for at in range(1, len(data), 211) if not forge.ends_with_head(data[:at]))


def cut_behind(data):
    return (data[:match.end()] for match in list(re.finditer(rb"(?m)^Head: .*\n", data))[1:-1])


def moved(data, who=None):
    blocks = forge.parse(data)
    for at in range(1, len(blocks) - 2):
        for edit in (blocks[:at] + blocks[at + 1:], blocks[:at + 1] + blocks[at:],
                     blocks[:at] + [blocks[at + 1], blocks[at]] + blocks[at + 2:]):
            yield forge.text_of(forge.repair(edit, who, KEYS[who]) if who else edit)


def texts(data, who):
    for number in (0, 9, 19):
        blocks = forge.parse(data)
        block = next(block for block in blocks if block[0] == ["Message ID", str(number)])
        forge.put(block, "Message text", "another one")
        forge.put(block, "Hash value", hashlib.sha512(b"another one").hexdigest())
        yield forge.text_of(forge.repair(blocks, who, KEYS[who]))


def times(data, who, which):
    blocks = forge.parse(data)
    old = [forge.get(block, "Message confirmed at") for block in blocks if block[0][0] == "Messages"][which]
    for block in blocks:
        for line in block:
            if line == ["Message confirmed at", old]:
                line[1] = old.replace("2026-", "2025-")
    yield forge.text_of(forge.repair(blocks, who, KEYS[who]))


def withheld(data):
    yield re.sub(rb"(?m)^Message text: .*\n", b"", data)


ROWS = {
    "a bit turned over, anywhere": lambda data, who: flipped(data),
    "the end cut off, not behind a head line": lambda data, who: cut_within(data),
    "the end cut off behind a head line, or an old copy put back": lambda data, who: cut_behind(data),
    "a record removed, doubled, or swapped with the next one": lambda data, who: moved(data),
    "the same by the owner: heads computed and own signatures made anew": moved,
    "a text changed by the owner, in the same way": texts,
    "the time of the first confirmation changed by the owner, in the same way":
        lambda data, who: times(data, who, 0),
    "the time of the last confirmation": lambda data, who: times(data, who, -1),
    "all own signatures made with another key":
        lambda data, who: [forge.text_of(forge.repair(forge.parse(data), who, forge.MALLORY))],
    "a text withheld, as `judge redact` does": lambda data, who: withheld(data),
}


@pytest.mark.parametrize("end", ["Bob", "Alice"])
def test_the_table(court, end):
    """Goal: each row, of a session that ${end} has ended, stands in the page."""
    pair = dict(zip(("Alice", "Bob"), forge.honest((1, 1, 2, 3, 5, 8), incidents_at=(2,), end=end).pair()))
    page = (ROOT / "docs" / "EVIDENCE.md").read_text()
    rows = []
    for name, damage in ROWS.items():
        cells = []
        for both in (False, True):
            for who in ("Alice", "Bob"):
                words = set()
                for data in damage(pair[who], who):
                    assert data != pair[who], name
                    logs = {who.lower(): data}
                    if both:
                        logs = {**{other.lower(): log for other, log in pair.items()}, **logs}
                    words.add(SAY[court.second(**logs)[0]])
                cells.append(" or ".join(word for word in ("refuted", "undecided", "not seen") if word in words))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    table = "\n".join(rows) + "\n"
    assert table in page, f"ended by {end}:\n{table}"
