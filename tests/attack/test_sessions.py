# SPDX-License-Identifier: Apache-2.0
"""Goal: sessions of many, and of those who do not behave, do not stand in the way of others."""
import os
import struct
import threading
import time

import pytest

from keyholder import CONFIRMATION, END, FOR_ALICE, FalseAlice, FalseBob, envelope, head, message
from line import TOKEN, frame
from people import BUILD, Alice, Bob

MEMORY_MIB = 16
BASE_MIB = 40  # the program, the openings, and what one session needs while its bytes are worked on


@pytest.fixture
def alice(tmp_path):
    person = Alice(tmp_path / "alice", "--serve", "--handshake", "plain", "--max-memory", str(MEMORY_MIB))
    person.port = int((person.folder / "port").read_text())
    yield person
    person.kill()


def test_a_session_that_has_ended_is_resumed(alice):
    """Goal: a bob who did not hear alice's end comes again while she still waits for him to go: he gets
    his session, and she says nothing untrue of another alice."""
    bob = FalseBob(alice.port)
    bob.envelope(0, message(b"one"))
    assert bob.receive_token() is not None
    bob.send(bob.key.seal(head(END, FOR_ALICE, bob.now(), bob.taken, 1)))
    assert bob.receive_token()[0] == END
    again = FalseBob(alice.port, of=bob)
    assert again.next_id == 1
    again.envelope(1, message(b"two"))
    assert again.receive_token() is not None
    assert "another alice" not in alice.screen()
    bob.close()
    again.close()
    assert alice.stop() == 0
    assert alice.logged() == ["one", "two"]


def sanitized():
    return b"__asan_init" in (BUILD / "bin" / "alice").read_bytes()


def most_kb(person):
    with open(f"/proc/{person.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


EMPTY = [message(b"") for _ in range(1024)]
LONGEST = message(os.urandom(1 << 19) * 2)


def greedy(port, bobs):
    """Make alice hold as much as one bob can: the longest envelopes, each behind others, so that many
    places grow; as many confirmations as go, none of them read; half of the longest frame."""
    bob = FalseBob(port)
    bob.socket.settimeout(0.5)
    bobs.append(bob)
    first = 0
    try:
        for before in range(27, 30):
            short = [envelope(bob.now(), bob.taken, first + number, message(b"")) for number in range(before)]
            long = envelope(bob.now(), bob.taken, first + before, LONGEST)
            bob.send(b"".join(map(bob.key.seal, [*short, long])))
            first += before + 1
        for _ in range(50):
            bob.envelope(first, *EMPTY)
            first += 1024
    except OSError:
        pass  # she does not read on, or has cut him off
    try:
        bob.send(struct.pack(">IB", 1485000, TOKEN) + b"A" * 1400000)
    except OSError:
        pass


def test_many_who_want_memory(alice):
    """Goal: 20 bobs who hold the key, send the most that they may, and read nothing: alice's memory stays
    below --max-memory and her base; who holds the most is cut off, and it is said; an honest bob gets
    through at once, and after it; what was confirmed is kept."""
    bobs = []
    crowd = [threading.Thread(target=greedy, args=(alice.port, bobs)) for _ in range(20)]
    for one in crowd:
        one.start()
    time.sleep(1)
    honest = Bob(alice.folder, "--handshake", "plain", "--outbox", "honest", "--resend-after", "1")
    try:
        for text in ("in their midst", "and on"):
            honest.submit(text)
        for one in crowd:
            one.join()
        late = FalseBob(alice.port)
        late.envelope(0, message(b"afterwards"))
        assert late.receive_token()[0] == CONFIRMATION
        assert honest.finish() == 0, honest.told()
    finally:
        honest.kill()
    alice.sees("all sessions together hold more than --max-memory allows, and the most is held by that with")
    if not sanitized():
        assert most_kb(alice) < (MEMORY_MIB + BASE_MIB) * 1024, most_kb(alice)
    for bob in [*bobs, late]:
        bob.close()
    assert alice.stop() == 0
    logged = alice.logged()  # of a million messages
    for text in ("in their midst", "and on", "afterwards"):
        assert logged.count(text) == 1


def test_a_quiet_session_gives_its_memory_back(alice):
    """Goal: after a second of silence alice holds little for a session that has needed much."""
    bobs = [FalseBob(alice.port) for _ in range(3)]
    for bob in bobs:
        for number in range(4):
            bob.envelope(number, LONGEST)
            assert bob.receive_token()[0] == CONFIRMATION
    before = resident_kb(alice)
    time.sleep(1.5)
    if not sanitized():
        assert before - resident_kb(alice) > 4000, (before, resident_kb(alice))
    for bob in bobs:
        bob.envelope(4, LONGEST)
        assert bob.receive_token()[0] == CONFIRMATION
        bob.close()
    assert "--max-memory" not in alice.screen()
    assert alice.stop() == 0


def resident_kb(person):
    with open(f"/proc/{person.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.parametrize("line", [b"\x01" * 1048575 + b"\n", b"short\n"], ids=["long", "short"])
def test_an_alice_who_wants_bobs_memory(tmp_path, line):
    """Goal: an alice who sends the longest frames, half a one at last, and confirms nothing, does not make
    bob exceed --max-memory, whatever he is given to send meanwhile."""
    (tmp_path / "bob").mkdir()
    flooded, measured = threading.Event(), threading.Event()

    def behave(alice):
        alice.receive_token()  # the opening is over
        alice.socket.settimeout(0.3)
        garbage, end = frame(TOKEN, b"A" * 1485580), time.monotonic() + 1.5
        while time.monotonic() < end:
            try:
                alice.send(garbage)
            except OSError:
                pass  # he is slow to take it
        flooded.set()
        measured.wait(10)

    false = FalseAlice(tmp_path / "bob", behave)
    bob = Bob(tmp_path / "bob", "--handshake", "plain", "--max-memory", "32")
    try:
        threading.Thread(target=feed, args=(bob, line * (8000000 // len(line))), daemon=True).start()
        assert flooded.wait(10)
        time.sleep(0.5)
        if not sanitized():
            assert most_kb(bob) < 32 * 1024, most_kb(bob)
        bob.blamed("Fake confirmation.")
        measured.set()
        false.over()
    finally:
        bob.kill()


def feed(bob, data):
    try:
        bob.process.stdin.write(data)
    except (OSError, ValueError):
        pass  # he is dead
