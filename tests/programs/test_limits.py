# SPDX-License-Identifier: Apache-2.0
"""Goal: the options that bound how many and how much."""
import subprocess
import threading

import pytest

from avow_programs import BIN, TERMINATE, taken

SANITIZED = b"__asan_init" in (BIN / "alice").read_bytes()


def test_so_many_clients(place):
    """Goal: with --max-clients 2 the third is told that alice is busy; when one is gone, another gets in."""
    alice = place.alice("--serve", "--max-clients", "2")
    bobs = [place.bob("--outbox", f"outbox{number}", stdin=subprocess.PIPE).see("Connected to server")
            for number in range(2)]
    third = place.send(b"x\n", "--outbox", "third")
    assert third.end() == 3 and "the server is busy" in third.text()
    bobs[0].process.stdin.close()
    assert bobs[0].end() == 0
    place.until(lambda: False, 0.2)
    assert place.send(b"y\n", "--outbox", "third").end() == 0
    assert alice.out() == b"x\ny\n"
    bobs[1].process.stdin.close()
    alice.signal(TERMINATE)
    assert alice.end() == 0


def test_so_many_files(place):
    """Goal: where only few files may be open, alice says how many clients that makes, and keeps to it."""
    limit = ["sh", "-c", 'ulimit -n 104; exec "$@"', "sh"]
    alice = place.alice("--serve", before=limit)
    assert "alice: only 4 clients at once, since only 104 files may be open (ulimit -n)." in alice.lines()
    bobs = [place.bob("--outbox", f"outbox{number}", stdin=subprocess.PIPE).see("Connected to server")
            for number in range(4)]
    fifth = place.send(b"x\n", "--outbox", "fifth")
    assert fifth.end() == 3 and "the server is busy" in fifth.text()
    for bob in bobs:
        bob.process.stdin.close()
        assert bob.end() == 0


@pytest.mark.parametrize("who, option, value", [
    ("alice", "--max-clients", "0"), ("alice", "--max-clients", "x"), ("alice", "--max-clients", "100001"),
    ("alice", "--max-memory", "15"), ("alice", "--max-memory", "1048577"), ("alice", "--max-memory", "1.5"),
    ("bob", "--max-memory", "31"), ("bob", "--max-memory", "")])
def test_bounds_that_are_none(place, who, option, value):
    """Goal: a value out of range is refused with the range."""
    status, out, err = place.run(who, option, value)
    assert (status, out) == (2, "") and f"{who}: {option} is a number" in err and f", not '{value}'" in err


@pytest.mark.parametrize("line", [b"\x01" * 1048575, b"short"], ids=["long", "short"])
def test_bob_with_little_memory(place, line):
    """Goal: whatever comes in, and though alice confirms nothing, bob stays below --max-memory, takes
    less ahead, and loses nothing."""
    alice = place.alice()
    bob = place.bob("--max-memory", "32", "--resend-after", "1", stdin=subprocess.PIPE).see("Connected to server")
    alice.signal(19)
    data = (line + b"\n") * (8000000 // len(line))
    feeder = threading.Thread(target=feed, args=(bob, data), daemon=True)
    feeder.start()
    place.until(lambda: not feeder.is_alive(), 2)
    assert feeder.is_alive() and 0 < taken(place) * len(line) < 3000000
    with open(f"/proc/{bob.process.pid}/status", encoding="ascii") as status:
        most_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert SANITIZED or most_kb < 32 * 1024, most_kb
    alice.signal(18)
    assert (bob.end(40), alice.end()) == (0, 0)
    assert alice.out() == data


def feed(bob, data):
    bob.write(data)
    bob.process.stdin.close()
