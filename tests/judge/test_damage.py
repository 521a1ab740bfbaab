# SPDX-License-Identifier: Apache-2.0
"""Goal: damage greater than a bit: records moved, removed and doubled, by anyone and by the log's owner, other
keys, old copies, two continuations, other times. Both verifiers answer the same, and never PROVEN to both."""
import copy
import re

import pytest

import forge
from avow_programs import Place
from court import Court

GROUPS = (1, 1, 2, 3, 5, 8)  # 20 messages
OWNERS = {"Alice": forge.ALICE, "Bob": forge.BOB}
P, R, U = "PROVEN", "REFUTED", "UNDECIDED"


def session(**more):
    return forge.honest(GROUPS, **{"resume_at": (3,), "incidents_at": (1, 4), **more})


def edited(pair, who, blocks):
    """The pair with ${who}'s log replaced."""
    data = forge.text_of(blocks)
    return (data, pair[1]) if who == "Alice" else (pair[0], data)


def blocks_of(pair, who):
    return forge.parse(pair[0] if who == "Alice" else pair[1])


def shown(court, who, pair, both=True):
    """What ${who}'s log, which is the damaged one, shows alone, and both together."""
    logs = {"alice": pair[0], "bob": pair[1]}
    name = who.lower()
    return court.verify(**{name: logs[name]}, both=both), court.verify(**logs, both=both)


def moved(blocks):
    """Each edit of whole records: its name, and the blocks."""
    for at in range(len(blocks)):
        yield f"removed {at}", blocks[:at] + blocks[at + 1:]
        yield f"doubled {at}", blocks[:at + 1] + blocks[at:]
        if at + 1 < len(blocks):
            yield f"swapped {at}", blocks[:at] + [blocks[at + 1], blocks[at]] + blocks[at + 2:]


@pytest.mark.parametrize("more", [{}, {"end": "Alice"}, {"end": None}, {"in_flight": 3},
                                  {"groups": (20,), "resume_at": (0, 1), "key_line": "A" * 43 + "="}])
def test_honest_logs_are_proven(court, more):
    """Goal: what no one has damaged is proven, alone and together, however the session went."""
    one = forge.honest(**{"groups": GROUPS, **more})
    assert court.views(*one.pair()) == (P, P, P)


def test_the_real_logs_are_proven(real, tmp_path):
    """Goal: so are those of bob and alice, also to the verifier that knows only the pages."""
    assert Court(tmp_path, real[2]).views(*real[:2]) == (P, P, P)


def test_plain_logs_are_no_evidence(tmp_path):
    """Goal: where keys were sent in the clear, nothing is signed, and nothing can be said."""
    place = Place(tmp_path)
    try:
        alice = place.alice("--handshake", "plain")
        bob = place.send(b"x\n", "--handshake", "plain")
        assert (bob.end(), alice.end()) == (0, 0)
        logs = place.log().read_bytes(), place.log("outbox").read_bytes()
    finally:
        place.close()
    assert Court(tmp_path).views(*logs) == (U, U, U)


def test_a_key_in_a_second_form(court):
    """Goal: no head covers the session's key, and its hash is that of its bytes; so one base64 of them is right."""
    alice, bob = forge.honest((1,), key_line="A" * 43 + "=").pair()
    assert court.views(alice.replace(b"A" * 43 + b"=", b"A" * 42 + b"B="), bob) == (R, P, R)


def test_lines_behind_the_last_head(court):
    """Goal: of what no head covers nothing can be said, but that its lines are of a log; the last may be cut."""
    alice, bob = session().pair()
    for rest in (b"\n", b"\nMess", b"\nMessage ID: x\n", b"\nHead: 12"):
        assert court.views(alice + rest, bob + rest) == (U, U, U), rest
    for rest in (b"\nXyz", b"\nMess\n", b"\nXyz: 1\n", b"\nIncident: \0.\n", b"\nHead: " + b"1" * 65):
        assert court.views(alice + rest, bob + rest) == (R, R, R), rest


def test_a_hole_in_the_last_chunk(court):
    """Goal: a sector of zeroes in the last chunk is what a power cut leaves: nothing can be said of that chunk, though
    its head line is there. One that is shorter, or lies further up, is damage."""
    one = forge.honest((1, 1), end=None, texts="x" * 3000 + "{}")
    before = len(one.pair()[1])
    one.submit(1)
    whole = one.pair()[1]
    for begin, size, word in ((before, 512, U), (before, 511, R), (before - 2048, 512, R)):
        at = (begin + 1024) & ~511
        assert court.verify(bob=whole[:at] + bytes(size) + whole[at + size:]) == word, (at, size)


@pytest.mark.parametrize("who", ["Alice", "Bob"])
def test_records_moved_by_anyone(court, who):
    """Goal: each record removed, doubled or swapped with the next one is seen in that log alone; but a last
    chunk that loses its head line is uncovered."""
    pair = session().pair()
    blocks = blocks_of(pair, who)
    for name, other in moved(blocks):
        views = shown(court, who, edited(pair, who, other))
        last = name in (f"removed {len(blocks) - 1}", f"swapped {len(blocks) - 2}")
        assert views[0] == R or last, (name, views)
        assert P not in views, (name, views)


@pytest.mark.parametrize("who", ["Alice", "Bob"])
def test_records_moved_by_the_owner(court, who):
    """Goal: the same by the log's owner, who computes all heads anew and signs what is his to sign. Together
    with the other log it is seen, but for the one thing that no one has signed: where a head line stands
    that no one has named."""
    pair = session().pair()
    for number, (name, other) in enumerate(moved(blocks_of(pair, who))):
        other = forge.repair(other, who, OWNERS[who])
        if len([block for block in other if block[0][0] == "Head"]) < 2 or other[-1][0][0] != "Head":
            continue
        views = shown(court, who, edited(pair, who, other), both=number % 4 == 0)
        assert views[1] != P, (name, views)


@pytest.mark.parametrize("who", ["Alice", "Bob"])
@pytest.mark.parametrize("key_too", [False, True])
def test_signed_with_another_key(court, who, key_too):
    """Goal: signatures by a key that is not the one in the log are refuted; where the log names that key, and
    the reader's list does not know it, nothing is proven."""
    pair = session().pair()
    blocks = blocks_of(pair, who)
    if key_too:
        for block in blocks:
            for line in block:
                if line[0] == who:
                    line[1] = forge.MALLORY.line
    views = shown(court, who, edited(pair, who, forge.repair(blocks, who, forge.MALLORY)))
    assert views[0] == (U if key_too and who == "Alice" else R) and views[1] != P, views


def test_a_stranger_in_both_logs(court):
    """Goal: a whole session with a key that the reader does not know, or that was not valid then, or not for
    this, is undecided, even if every signature in it is right."""
    assert court.views(*forge.honest((3, 2), bob=forge.MALLORY).pair()) == (U, U, U)
    for number, option in enumerate(('valid-before="20261122"', 'valid-after="20261123"', 'namespaces="git"')):
        folder = court.folder / str(number)
        folder.mkdir()
        other = Court(folder, forge.allowed_signers(bob=option))
        assert other.views(*forge.honest((3, 2)).pair()) == (U, U, U), option
    fine = Court(folder, forge.allowed_signers(bob='valid-after="20261101",valid-before="20261201"'))
    assert fine.views(*forge.honest((3, 2)).pair()) == (P, P, P)


@pytest.mark.parametrize("who", ["Alice", "Bob"])
@pytest.mark.parametrize("end", ["Bob", "Alice"])
def test_an_old_copy_put_back(court, who, end):
    """Goal: an earlier state of a log is in order by itself, and the other log shows what is missing. Only the
    chunks in which nothing of the other one's stands yet could also be young: then nothing is lost."""
    one = session(end=end, resume_at=())
    pair = one.pair()
    data = pair[0] if who == "Alice" else pair[1]
    heads = [match.end() for match in re.finditer(rb"(?m)^Head: .*\n", data)]
    for upto in heads[:-1]:
        old = (data[:upto], pair[1]) if who == "Alice" else (pair[0], data[:upto])
        views = shown(court, who, old)
        confirmed = data[upto:].count(b"\nMessages: ")
        if who == "Bob" and end == "Alice" and b"\nMessage ID: " not in data[upto:] and \
                b"\nConnected: " in data[:upto]:
            assert views == (P, P), (upto, views)  # he lacks receipts of hers, as after a cut line
        else:
            assert views[1] != P, (upto, confirmed, views)


def test_two_continuations(court):
    """Goal: a session that one of them continues twice, with logs that are each in order, is not proven with
    logs of two continuations, whatever is in them."""
    one = forge.Session()
    one.submit(3)
    one.connect()
    one.send(3)
    one.deliver()
    one.confirm()
    two = copy.deepcopy(one)
    for other, texts in ((one, "left {}"), (two, "right {}")):
        other.texts = texts
        other.submit(2)
        other.send(2)
        other.deliver()
        other.confirm()
    for end in (None, "Bob", "Alice"):
        left, right = copy.deepcopy(one), copy.deepcopy(two)
        for other in (left, right):
            if end:
                other.end(end)
        assert court.views(*left.pair()) == court.views(*right.pair()) == (P, P, P)
        for alice, bob in ((left, right), (right, left)):
            assert court.views(alice.pair()[0], bob.pair()[1]) == (P, P, R)


@pytest.mark.parametrize("who", ["Alice", "Bob"])
def test_an_edited_confirmation_time(court, who):
    """Goal: a time of confirmation that is changed is refuted: raw and with new heads in the log alone; signed
    anew by Alice, in her log alone or with Bob's."""
    pair = session().pair()
    for number in range(len(GROUPS)):
        blocks = blocks_of(pair, who)
        envelope = [block for block in blocks if block[0][0] == "Messages"][number]
        old = forge.get(envelope, "Message confirmed at")
        for block in blocks:
            for line in block:
                if line[0] == "Message confirmed at" and line[1] == old:
                    line[1] = old.replace("2026-", "2025-")
        for heads, sign in ((False, False), (True, False), (True, True)):
            other = forge.repair(blocks, who, OWNERS[who], heads, sign)
            views = shown(court, who, edited(pair, who, other))
            assert views == (R, R), (number, heads, sign, views)


def test_the_last_receipt_can_be_dated_anew(court):
    """Goal: what Alice signs anew behind the last head of hers that Bob has signed is seen only with Bob's log,
    and docs/EVIDENCE.md says so."""
    pair = session(end="Alice").pair()
    blocks = blocks_of(pair, "Alice")
    old = [forge.get(block, "Message confirmed at") for block in blocks if block[0][0] == "Messages"][-1]
    for block in blocks:
        for line in block:
            if line == ["Message confirmed at", old]:
                line[1] = old.replace("2026-", "2025-")
    assert shown(court, "Alice", edited(pair, "Alice", forge.repair(blocks, "Alice", forge.ALICE))) == (P, R)
