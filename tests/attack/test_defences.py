# SPDX-License-Identifier: Apache-2.0
"""The defences of an open session, against one who holds the line and no key.

Real sockets, the real alice, the real bob, and a Line between them.  Each test ends in the same
way: the incident has its name on the right screen and in the right log, every honest message
arrived exactly once, and both programs ended as documented.
"""
import functools
import struct
import threading
import time

import pytest
from cryptography.fernet import Fernet

from line import (HEADER, OPEN, TO_ALICE, TO_BOB, TOKEN, drop, flip, frame, hold, inject, reflect,
                  repeat, replace, stall, truncate)
from people import Conversation, in_both_modes, together, until

MODES = pytest.mark.parametrize("mode", ["tls", "plain"])
HUGE = struct.pack(">IB", 0xFFFFFFFF, TOKEN)


def hold_talk(folder, mode, direction, action, alice=(), bob=(), resend_after=4, times=1, alice_perhaps=()):
    """Three messages; ${action} befalls the second one's envelope, or its confirmation."""
    with Conversation(folder, mode, resend_after) as talk:
        talk.line.on(direction, action, kind=TOKEN, nth=1, times=times)
        talk.start()
        for text in ("first", "second", "third"):
            talk.bob.say(text)
        talk.ends_well("first", "second", "third")
        talk.alice.blamed_only(*alice, perhaps=alice_perhaps)
        talk.bob.blamed_only(*bob)


# Where a token's parts begin, in characters: 4 for every 3 bytes.
PARTS = {"version": 0, "timestamp": 4, "IV": 18, "ciphertext": 60, "HMAC": -40, "last": -1}


@MODES
@pytest.mark.parametrize("part", PARTS)
def test_a_bit_flipped_in_an_envelope(tmp_path, mode, part):
    """Goal: a flipped bit in any part of bob's token is seen, and the message comes through."""
    at = PARTS[part] + (HEADER if PARTS[part] >= 0 else 0)
    hold_talk(tmp_path, mode, TO_ALICE, flip(at, 2), alice=["Incorrect token."])


def every_bit(passing):
    """The frame, after every version of it with one bit of its payload flipped."""
    payload = passing.frame.payload
    spoilt = []
    for at in range(len(payload)):
        for bit in range(8):
            other = bytearray(payload)
            other[at] ^= 1 << bit
            spoilt.append(frame(TOKEN, bytes(other)))
    passing.line.spoilt = len(spoilt)
    return b"".join(spoilt) + passing.frame.bytes


@MODES
def test_every_bit_of_a_token_and_of_a_confirmation(tmp_path, mode):
    """Goal: not one of the thousands of tokens that differ in one bit is taken for a token; they
    are counted, not written one by one, and the honest one behind them is taken.

    The texts' lengths give tokens with none, one and two `=` at their end."""
    def case(direction, text, folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, every_bit, kind=TOKEN, nth=0, times=1)
            talk.start().say(text)
            talk.ends_well(text)
            person, what = ((talk.alice, "Incorrect token.") if direction == TO_ALICE
                            else (talk.bob, "Fake confirmation."))
            person.blamed(what)
            assert person.incidents(what) == talk.line.spoilt > 1500
            assert person.log().count("\nIncident: ") < 10
            seen[direction] = seen.get(direction, set()) | {
                f.payload.count(b"=") for f in talk.line.recorded(direction)}

    seen = {}
    cases = {f"{direction} {size}": functools.partial(case, direction, "x" * size)
             for direction in (TO_ALICE, TO_BOB) for size in (1, 20, 34)}
    together(tmp_path, cases)
    assert seen[TO_ALICE] == {0, 1, 2}


HEADERS = {
    "one byte longer": (3, 0, "Truncated frame."),      # ends in a silence
    "4096 bytes longer": (2, 4, "Truncated frame."),
    "2 MiB longer": (1, 5, "Malformed frame."),
    "2 GiB longer": (0, 7, "Malformed frame."),
    "type of a session": (4, 1, "Unexpected frame."),   # 6 becomes 4
    "type of an open": (4, 2, "Unexpected frame."),     # 6 becomes 2
    "type of an agree": (4, 0, "Unexpected frame."),    # 6 becomes 7
    "type beyond the last": (4, 3, "Malformed frame."),
    "type far beyond": (4, 7, "Malformed frame."),
}


@in_both_modes
def test_a_bit_flipped_in_a_frames_header(mode):
    """Goal: a spoilt length or type costs at most the frame and a silence, either way."""
    def case(direction, offset, bit, what, folder):
        alice, bob = [what], []
        if direction == TO_BOB:
            alice = ["Message received again, confirmed again."]
            bob = [what, "No confirmation received from the server."]
        hold_talk(folder, mode, direction, flip(offset, bit), alice, bob)

    # The token's length has bit 0 of its last byte clear: 4 n.
    return {f"{direction} {name}": functools.partial(case, direction, *how)
            for direction in (TO_ALICE, TO_BOB) for name, how in HEADERS.items()}


@in_both_modes
def test_a_truncated_frame(mode):
    """Goal: a frame that breaks off, anywhere, is named after a silence and costs nothing more; and
    where the length was said to be too short, what follows is not taken for frames."""
    def shorter(direction, folder):
        less = lambda passing: (struct.pack(">I", len(passing.frame.payload) - 60)
                                + passing.frame.bytes[4:])
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, less, kind=TOKEN, nth=1, times=1)
            talk.start()
            for text in ("first", "second", "third"):
                talk.bob.say(text)
            talk.ends_well("first", "second", "third")
            victim = talk.alice if direction == TO_ALICE else talk.bob
            victim.blamed("Incorrect token." if direction == TO_ALICE else "Fake confirmation.")
            victim.blamed("Malformed frame.")

    def case(direction, size, folder):
        again = ["Message received again, confirmed again."]
        bob = ["Truncated frame.", "No confirmation received from the server."]
        hold_talk(folder, mode, direction, truncate(size),
                  alice=["Truncated frame."] if direction == TO_ALICE else again,
                  bob=[] if direction == TO_ALICE else bob)

    cases = {f"{direction} {size}": functools.partial(case, direction, size)
             for direction in (TO_ALICE, TO_BOB) for size in (1, 4, 5, 100, -1)}
    cases.update({f"{direction} shorter": functools.partial(shorter, direction)
                  for direction in (TO_ALICE, TO_BOB)})
    return cases


# Bytes that are no frame, one that is too long, and frames that have no business in a session.
GARBAGE = {
    "random": (b"\xc3\x9d\x11\xfe garbage \x00\x00\x01 more of it", "Malformed frame."),
    "4 GiB": (HUGE, "Malformed frame."),
    "4 GiB and bytes": (HUGE + bytes(100000), "Malformed frame."),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "Malformed frame."),
    "open": (frame(OPEN, bytes(8)), "Unexpected frame."),
    "no token": (frame(TOKEN, b""), "Incorrect token."),
    "a token of spaces": (frame(TOKEN, b" " * 120), "Incorrect token."),
}


@in_both_modes
def test_garbage_between_frames(mode):
    """Goal: injected bytes, a length of 4 GiB among them, are named; the stream finds its feet."""
    def case(direction, data, what, folder):
        if direction == TO_BOB and what == "Incorrect token.":
            what = "Fake confirmation."
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, inject(before=data), kind=TOKEN, nth=1, times=1)
            talk.start()
            for text in ("first", "second", "third"):
                talk.bob.say(text)
            talk.ends_well("first", "second", "third")
            victim = talk.alice if direction == TO_ALICE else talk.bob
            victim.blamed(what)
            if what == "Malformed frame." and direction == TO_BOB:
                talk.bob.blamed("No confirmation received from the server.")
                talk.alice.blamed("Message received again, confirmed again.")

    return {f"{direction} {name}": functools.partial(case, direction, *how)
            for direction in (TO_ALICE, TO_BOB) for name, how in GARBAGE.items()}


@in_both_modes
def test_what_comes_before_the_silence(mode):
    """Goal: after a header that cannot be, nothing is taken for a frame until the line was silent."""
    def drip(passing):
        for data in (HUGE, frame(OPEN, bytes(8)), frame(TOKEN, b"x" * 100), b"\x00\x00"):
            passing.wire.send(passing.frame.direction, data)
            time.sleep(0.2)
        return passing.frame.bytes

    def case(direction, folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, drip, kind=TOKEN, nth=1, times=1)
            talk.start()
            for text in ("first", "second", "third"):
                talk.bob.say(text)
            talk.ends_well("first", "second", "third")
            if direction == TO_ALICE:
                talk.alice.blamed_only("Malformed frame.")
                talk.bob.blamed_only()
            else:
                talk.bob.blamed_only("Malformed frame.", "No confirmation received from the server.")

    return {direction: functools.partial(case, direction) for direction in (TO_ALICE, TO_BOB)}


@in_both_modes
def test_a_token_sent_twice(mode):
    """Goal: a token that comes again, at once or later, is a replay, whoever gets it."""
    late = lambda passing: passing.line.recorded(passing.frame.direction)[0].bytes + passing.frame.bytes
    return {
        "at once": lambda folder: hold_talk(folder, mode, TO_ALICE, repeat(2), alice=["Repeated token."]),
        "a hundred times": lambda folder: hold_talk(folder, mode, TO_ALICE, repeat(100),
                                                    alice=["Repeated token."]),
        "later": lambda folder: hold_talk(folder, mode, TO_ALICE, late, alice=["Repeated token."]),
        "a confirmation": lambda folder: hold_talk(folder, mode, TO_BOB, repeat(2),
                                                   bob=["Repeated token."]),
        "a confirmation, later": lambda folder: hold_talk(folder, mode, TO_BOB, late,
                                                          bob=["Repeated token."]),
    }


@in_both_modes
def test_a_token_held(mode):
    """Goal: a token that is held for 4 s is stale, or a replay if its retransmission overtook it;
    and one that is held for a second is just late."""
    return {
        "4 s": lambda folder: hold_talk(folder, mode, TO_ALICE, hold(4), resend_after=10,
                                        alice=["Late token."]),
        "overtaken": lambda folder: held_and_overtaken(folder, mode),
        "1 s": lambda folder: hold_talk(folder, mode, TO_ALICE, hold(1)),
        "a confirmation, 4 s": lambda folder: hold_talk(folder, mode, TO_BOB, hold(4), resend_after=10),
    }


def held_and_overtaken(folder, mode):
    with Conversation(folder, mode, resend_after=1) as talk:
        talk.line.on(TO_ALICE, hold(4), kind=TOKEN, nth=1, times=1)
        talk.start()
        for text in ("first", "second", "third"):
            talk.bob.say(text)
        talk.alice.sees("Repeated token.")
        talk.ends_well("first", "second", "third")
        talk.alice.blamed_only("Repeated token.")
        talk.bob.blamed_only("No confirmation received from the server.")


@in_both_modes
def test_a_token_reflected(mode):
    """Goal: a token that comes back to its maker is not taken for the other side's."""
    def bobs(folder):
        hold_talk(folder, mode, TO_ALICE, reflect, bob=["Malformed token."])

    def alices(folder):
        # Her notice may cross the third message, which then comes twice.
        hold_talk(folder, mode, TO_BOB, reflect, alice=["Malformed token."],
                  alice_perhaps=["Message received again, confirmed again."])

    def end(folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(TO_ALICE, reflect, kind=TOKEN, nth=1, times=1)
            talk.start().say("only")
            talk.ends_well("only")
            talk.bob.blamed_only("Malformed token.")

    return {"end": end, TO_ALICE: bobs, TO_BOB: alices}


@MODES
def test_an_old_token_in_a_new_connection(tmp_path, mode):
    """Goal: a token of an earlier session means nothing in a later one, either way."""
    with Conversation(tmp_path, mode, alice=["--serve"]) as talk:
        talk.start().say("old")
        assert talk.bob.finish() == 0
        for direction in (TO_ALICE, TO_BOB):
            old = talk.line.recorded(direction, connection=0)[0].bytes
            talk.line.on(direction, inject(before=old), kind=TOKEN, nth=0, times=1)
        talk.start().say("new")
        assert talk.bob.finish() == 0
        assert talk.alice.stop() == 0
        talk.arrived_once("old", "new")
        talk.alice.blamed("Incorrect token.")
        talk.bob.blamed("Fake confirmation.")


@MODES
def test_tokens_of_two_sessions_spliced(tmp_path, mode):
    """Goal: a token of one session in the place of another's of the same moment is refused."""
    with Conversation(tmp_path, mode, alice=["--serve"]) as talk:
        theirs = threading.Event()
        others = lambda passing: theirs.wait(20) and talk.line.recorded(TO_ALICE, connection=0)[1].bytes
        talk.line.on(TO_ALICE, others, kind=TOKEN, nth=1, connection=1, times=1)
        one = talk.start("--outbox", "outbox-one")
        one.log_folder = one.folder / "outbox-one"
        one.say("one, first")
        one.err.rename(one.folder / "one.err")
        one.err = one.folder / "one.err"
        two = talk.start()
        two.say("two, first")
        one.say("one, second")
        theirs.set()
        two.say("two, second")
        assert (one.finish(), two.finish(), talk.alice.stop()) == (0, 0, 0)
        assert sorted(talk.alice.logged()) == ["one, first", "one, second", "two, first", "two, second"]
        assert sorted(talk.alice.texts()) == sorted(talk.alice.logged())
        first, second = talk.alice.logs()
        assert "Incident" not in first
        assert "\nIncident: Incorrect token. Possible modification attack.\n" in second
        talk.alice.blamed_only("Incorrect token.")


FORGED = {
    "random": replace(frame(TOKEN, Fernet(Fernet.generate_key()).encrypt(bytes(104)))),
    "another key": replace(lambda payload: frame(TOKEN, Fernet(Fernet.generate_key()).encrypt(payload))),
    "characters": replace(frame(TOKEN, b"gAAAAAB" + b"A" * 221)),
}


@in_both_modes
def test_a_forged_confirmation(mode):
    """Goal: bob takes no confirmation that is not alice's, and asks again until hers comes."""
    def case(action, folder):
        hold_talk(folder, mode, TO_BOB, action, resend_after=1,
                  alice=["Message received again, confirmed again."],
                  bob=["Fake confirmation.", "No confirmation received from the server."])

    return {name: functools.partial(case, action) for name, action in FORGED.items()}


@MODES
def test_forged_confirmations_among_true_ones(tmp_path, mode):
    """Goal: forged tokens ahead of the true one, in either direction, keep nothing from arriving."""
    forged = frame(TOKEN, Fernet(Fernet.generate_key()).encrypt(bytes(104)))
    with Conversation(tmp_path, mode) as talk:
        talk.line.on(TO_BOB, inject(before=forged, after=forged), kind=TOKEN)
        talk.line.on(TO_ALICE, inject(before=forged, after=forged), kind=TOKEN)
        talk.start()
        texts = [f"message {number}" for number in range(20)]
        for text in texts:
            talk.bob.say(text)
        talk.ends_well(*texts)
        talk.alice.blamed("Incorrect token.")
        talk.bob.blamed("Fake confirmation.")


@in_both_modes
def test_an_interruption(mode):
    """Goal: what is swallowed, one way or the other, for a while, arrives once all the same."""
    def case(direction, folder):
        with Conversation(folder, mode, resend_after=0.6) as talk:
            swallowing = threading.Event()
            talk.line.on(direction, drop, kind=TOKEN, when=lambda _: swallowing.is_set())
            talk.start().say("first")
            swallowing.set()
            talk.bob.submit("second")
            resend = "No confirmation received from the server. Resending message."
            talk.bob.sees("Waiting for receival confirmation from server..")
            until(lambda: talk.bob.screen().count(resend) >= 2, talk.bob.told)
            swallowing.clear()
            talk.bob.confirmed()
            talk.bob.say("third")
            talk.ends_well("first", "second", "third")
            talk.bob.blamed_only("No confirmation received from the server.")
            talk.alice.blamed_only(*(["Message received again, confirmed again."]
                                     if direction == TO_BOB else []))
            # Every transmission of it was another token.
            tokens = [f.payload for f in talk.line.recorded(TO_ALICE)]
            assert len(set(tokens)) == len(tokens) > 5

    return {direction: functools.partial(case, direction) for direction in (TO_ALICE, TO_BOB)}


@in_both_modes
def test_a_confirmation_that_never_comes(mode):
    """Goal: bob asks until the line is cut for good, then says what waits: exit code 6, and 5 if there
    was more than an interruption.  Alice keeps what she confirmed, says that she was cut off, and
    waits for the next client."""
    def case(action, code, incidents, folder):
        with Conversation(folder, mode, resend_after=1, bob=["--wait-for", "1"]) as talk:
            talk.line.on(TO_BOB, action, kind=TOKEN, when=lambda passing: passing.frame.nth > 0)
            talk.start().say("first")
            talk.bob.submit("second")
            talk.bob.sees("No confirmation received from the server. Resending message.\n")
            talk.line.close()
            assert talk.bob.exit() == code, talk.bob.told()
            assert "1 of 2 messages is not confirmed. It waits in outbox/" in talk.bob.screen()
            talk.bob.blamed_only("No confirmation received from the server.", "The connection was cut.",
                                 *incidents)
            talk.alice.sees("The connection was cut.\nPossible interruption attack.\n"
                            "Waiting for a client...\n")
            assert talk.alice.stop() == 0
            talk.alice.blamed("The connection was cut.")
            talk.arrived_once("first", "second")

    return {
        "swallowed": functools.partial(case, drop, 6, []),
        "spoilt": functools.partial(case, flip(20), 5, ["Fake confirmation."]),
    }


@in_both_modes
def test_the_end_is_swallowed(mode):
    """Goal: neither side hangs when the other's `end` never comes; all is confirmed, so bob's code
    is 0, and alice says that she was cut off."""
    def case(direction, folder):
        with Conversation(folder, mode, resend_after=1) as talk:
            talk.line.on(direction, drop, kind=TOKEN, when=lambda passing: passing.frame.nth > 0)
            talk.start().say("only")
            assert talk.bob.finish() == 0
            if direction == TO_ALICE:
                talk.alice.sees("The connection was cut.")
                assert talk.alice.stop() == 0
                talk.alice.blamed_only("The connection was cut.")
            else:
                assert talk.alice.exit() == 0
                talk.alice.blamed_only()
            talk.arrived_once("only")

    return {direction: functools.partial(case, direction) for direction in (TO_ALICE, TO_BOB)}


@in_both_modes
def test_a_line_that_stands_still(mode):
    """Goal: a line from which nothing is read for a while, and then all at once, old transmissions
    among it, brings every message once."""
    def case(folder):
        text = "x" * 1000000
        with Conversation(folder, mode, resend_after=0.2) as talk:
            talk.line.on(TO_ALICE, stall(4), kind=TOKEN, nth=0, times=1)
            talk.start().submit("first")
            talk.bob.submit(text)
            talk.bob.confirmed(60)
            talk.ends_well("first", text)

    return {"still": case}


def test_a_stream_spoilt_under_an_impatient_bob(tmp_path):
    """Goal: a stream that waits for a silence heals even if bob would transmit again sooner."""
    def case(direction, folder):
        with Conversation(folder, "tls", resend_after=0.5) as talk:
            talk.line.on(direction, inject(before=HUGE), kind=TOKEN, nth=1, times=1)
            talk.start()
            for text in ("first", "second", "third"):
                talk.bob.say(text)
            talk.ends_well("first", "second", "third")
            (talk.alice if direction == TO_ALICE else talk.bob).blamed("Malformed frame.")

    together(tmp_path, {direction: functools.partial(case, direction) for direction in (TO_ALICE, TO_BOB)})


@in_both_modes
def test_a_flood_of_bad_tokens(mode):
    """Goal: a flood is counted and not written one by one; every one of it is counted, even if the
    session ends at once; and the honest message arrives."""
    bad = frame(TOKEN, Fernet(Fernet.generate_key()).encrypt(b"flood"))
    def case(direction, folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, inject(before=bad * 20000), kind=TOKEN, nth=1, times=1)
            talk.start()
            for text in ("first", "second"):
                talk.bob.say(text)
            talk.ends_well("first", "second")
            victim, what = ((talk.alice, "Incorrect token.") if direction == TO_ALICE
                            else (talk.bob, "Fake confirmation."))
            victim.blamed(what)
            assert victim.incidents(what) == 20000, victim.told()
            assert "\nCount: " in victim.log()
            assert victim.log().count("\nIncident: ") < 12
            assert len(victim.screen().splitlines()) < 60

    return {direction: functools.partial(case, direction) for direction in (TO_ALICE, TO_BOB)}