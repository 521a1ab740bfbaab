# SPDX-License-Identifier: Apache-2.0
"""The defences of the opening, before there is a session and a log: what is said, stands on a screen.

Nothing of bob's leaves before the opening is done, so each test ends with: nothing was sent, or all
arrived once in a later connection that was honest.
"""
import functools
import os
import shutil
import socket
import time

import pytest

from line import (AGREE, HANDSHAKE, HELLO, OPEN, REFUSAL, SESSION, TO_ALICE, TO_BOB, TOKEN, drop,
                  flip, frame, inject, replace, truncate)
from people import Alice, Conversation, MODIFIED, in_both_modes, together
from statements import check_heads, statements

MALFORMED = "malformed"
TLS_FAILED = "the TLS handshake failed"
STOOD_STILL = ": timed out."


def ends_later(talk):
    """As ends_well; but alice may have opened a session that bob never heard of."""
    assert talk.bob.finish() == 0, talk.bob.told()
    assert talk.alice.exit() == 0, talk.alice.told()
    talk.arrived_once("only")


@in_both_modes
def test_a_bit_flipped_in_a_hello(mode):
    """Goal: a spoilt hello opens nothing, is named, and the next connection is honest."""
    places = {"length": 3, "length, 2 GiB": 0, "type": 4, "letters": 5, "last letter": 8}
    def case(direction, at, folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, flip(at, 3), connection=0, times=1, kind=HELLO)
            talk.start().say("only")
            ends_later(talk)
            # Whoever says no proper hello is not known to be avow's at all.
            if direction == TO_ALICE:
                assert "Closed ('127.0.0.1'" in talk.alice.screen(), talk.alice.told()
            else:
                screen = talk.bob.screen()
                assert "is not avow's" in screen or STOOD_STILL in screen, talk.bob.told()

    return {f"{direction} {name}": functools.partial(case, direction, at)
            for direction in (TO_ALICE, TO_BOB) for name, at in places.items()}


def test_a_bit_flipped_behind_the_hello(tmp_path):
    """Goal: a flipped bit anywhere in the TLS handshake, with `open` and `session` in it, or in a
    frame's head, is named on the screen of the one who finds it, as a possible attack, or as a
    standstill if more seems to be on its way; the next opening goes well.  In plain mode it is what the heads can show."""
    def case(mode, direction, kind, nth, at, bit, folder):
        with Conversation(folder, mode) as talk:
            rule = talk.line.on(direction, flip(at, bit), connection=0, times=1, kind=kind, nth=nth)
            talk.start().say("only")
            assert rule.times == 0, "no such frame"
            ends_later(talk)
            # Most often the one who gets it; but a changed key share shows in what bob gets for it.
            screens = talk.alice.screen() + talk.bob.screen()
            assert (f" failed: {TLS_FAILED}" in screens or f" failed: {MALFORMED}." in screens
                    ) and MODIFIED in screens or STOOD_STILL in screens, screens

    heads = {"length up": (2, 5), "length, 2 GiB": (0, 7), "type": (4, 3)}
    records = {"length": (3, 0), "record type": (5, 0), "body": (60, 5), "end": (-1, 0)}
    frames = {"ClientHello": ("tls", TO_ALICE, HANDSHAKE, 0), "Finished": ("tls", TO_ALICE, HANDSHAKE, 1),
              "open": ("tls", TO_ALICE, HANDSHAKE, 2), "agree": ("tls", TO_ALICE, HANDSHAKE, 3),
              "ServerHello": ("tls", TO_BOB, HANDSHAKE, 0), "session": ("tls", TO_BOB, HANDSHAKE, 1),
              "plain open": ("plain", TO_ALICE, OPEN, 0), "plain session": ("plain", TO_BOB, SESSION, 0)}
    together(tmp_path, {f"{name} {place}": functools.partial(case, *which, *at)
                        for name, which in frames.items() for place, at in
                        (heads | records if which[0] == "tls" else heads).items()})


def test_an_agree_that_never_comes(tmp_path):
    """Goal: until Bob has signed the opening Alice stores nothing of that connection; he comes again, and
    both logs show which connections both have signed."""
    with Conversation(tmp_path, "tls") as talk:
        rule = talk.line.on(TO_ALICE, drop, connection=0, times=1, kind=HANDSHAKE, nth=3)
        talk.start().say("only")
        talk.ends_well("only")
        assert rule.times == 0
        for person in (talk.alice, talk.bob):
            person.blamed_only("The connection was cut.")
        log = (tmp_path / "alice" / "logs" / os.listdir(tmp_path / "alice" / "logs")[0]).read_bytes()
        check_heads(log)
        titles = [(one.title, one.by) for one in statements(log)]
        assert titles == [("opening", "Alice"), ("opening", "Alice"), ("opening", "Bob"), ("origin", "Bob"),
                          ("receipt", "Alice"), ("end", "Bob"), ("ended", "Alice")]
        between = log[log.index(b"\nSigned by Alice: "):log.index(b"\nResumed: ")]
        assert b"\nIncident: The connection was cut." in between and b"\nMessage ID: " not in between


@in_both_modes
def test_three_spoilt_openings(mode):
    """Goal: after three openings that were spoilt on the way to him, bob gives up with exit code 5,
    and nothing was sent."""
    kind = HANDSHAKE if mode == "tls" else SESSION
    def case(folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(TO_BOB, flip(-1 if mode == "tls" else 4, 1), kind=kind)
            talk.start().submit("never sent")
            assert talk.bob.exit() == 5, talk.bob.told()
            assert talk.bob.screen().count(MODIFIED) == 3
            assert "3 openings in a row were spoilt.\nbob: nothing was sent." in talk.bob.screen()
            assert talk.bob.connections() == 0 and not talk.line.recorded(TO_ALICE)
            assert talk.alice.stop() == 0
            talk.arrived_once()

    return {"spoilt": case}


@in_both_modes
def test_openings_cut_or_swallowed(mode):
    """Goal: frames of the opening that are cut off are named after 3 s, and bob tries again."""
    first = (HANDSHAKE, HANDSHAKE) if mode == "tls" else (OPEN, SESSION)
    def case(direction, size, folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, truncate(size), connection=0, times=1,
                         kind=first[0] if direction == TO_ALICE else first[1])
            began = time.monotonic()
            talk.start().say("only")
            assert 2.5 < time.monotonic() - began < 8
            ends_later(talk)
            victim = talk.alice if direction == TO_ALICE else talk.bob
            assert STOOD_STILL in victim.screen(), victim.told()

    return {f"{direction} {size}": functools.partial(case, direction, size)
            for direction in (TO_ALICE, TO_BOB) for size in (3, 7)}


@pytest.mark.full
def test_an_opening_swallowed(tmp_path):
    """Goal: an opening of which a frame never comes is given up after 10 s, and bob tries again."""
    def case(direction, kind, mode, folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(direction, drop, connection=0, kind=kind)
            talk.start().say("only")
            ends_later(talk)
            assert "timed out" in talk.alice.screen() + talk.bob.screen(), talk.bob.told()

    together(tmp_path, {f"{direction} {mode} {kind}": functools.partial(case, direction, kind, mode)
                        for direction, mode, kind in [
                            (TO_ALICE, "tls", HANDSHAKE), (TO_BOB, "tls", HANDSHAKE),
                            (TO_ALICE, "plain", OPEN), (TO_BOB, "plain", SESSION)]})


@in_both_modes
def test_garbage_in_an_opening(mode):
    """Goal: bytes between the frames of an opening spoil that opening and no more."""
    def case(direction, data, folder):
        with Conversation(folder, mode) as talk:
            kind = HANDSHAKE if mode == "tls" else OPEN if direction == TO_ALICE else SESSION
            talk.line.on(direction, inject(before=data), connection=0, times=1, kind=kind)
            talk.start().say("only")
            ends_later(talk)
            victim = talk.alice if direction == TO_ALICE else talk.bob
            assert f"failed: {MALFORMED}." in victim.screen(), victim.told()

    garbage = {"4 GiB": b"\xff\xff\xff\xff\x02", "token": frame(TOKEN, b"x" * 100),
               "hello": frame(HELLO, b"avow\x01\x01"), "text": b"GET / HTTP/1.1\r\n\r\n"}
    if mode == "tls":  # what belongs into the TLS channel counts for nothing in the clear
        garbage["open in the clear"] = frame(OPEN, bytes(73))
        garbage["agree in the clear"] = frame(AGREE, bytes(64))
        garbage["session in the clear"] = frame(SESSION, bytes(170))
    return {f"{direction} {name}": functools.partial(case, direction, data)
            for direction in (TO_ALICE, TO_BOB) for name, data in garbage.items()}


def refused(code):
    return frame(REFUSAL, bytes([code]))


def test_a_forged_refusal(tmp_path):
    """Goal: a refusal that mallory puts on the line never makes bob send anything, or speak another
    mode; where alice cannot have said it, it is named as an attack."""
    def in_place_of_hello(mode, code, exit_code, words, folder):
        with Conversation(folder, mode) as talk:
            talk.line.on(TO_BOB, replace(refused(code)), kind=HELLO)
            talk.start().submit("never sent")
            assert talk.bob.exit() == exit_code, talk.bob.told()
            assert words in talk.bob.screen() and "nothing was sent." in talk.bob.screen()
            nothing_left(talk, mode)

    def behind_hello(code, folder):
        with Conversation(folder, "tls") as talk:
            talk.line.on(TO_BOB, inject(after=refused(code)), kind=HELLO, connection=0)
            talk.start().say("only")
            assert f"The opening failed: {MALFORMED}.\n{MODIFIED}\n" in talk.bob.screen()
            ends_later(talk)

    other, version = "another --handshake", "another version"
    spoilt = "openings in a row were spoilt"
    cases = {f"{mode} {code} for hello": functools.partial(in_place_of_hello, mode, code, *how)
             for mode in ("tls", "plain")
             for code, how in {1: (1, version), 2: (1, other), 3: (5, spoilt), 4: (5, spoilt),
                               9: (5, spoilt)}.items()}
    cases.update({f"{code} behind hello": functools.partial(behind_hello, code) for code in range(1, 6)})
    together(tmp_path, cases)


def nothing_left(talk, mode):
    """Bob sent no more than his hello and, in tls mode, ClientHello; no session was opened."""
    assert not talk.line.recorded(TO_ALICE, TOKEN) and talk.bob.connections() == 0
    assert talk.alice.stop() == 0
    assert not talk.alice.logs() and not talk.alice.texts()


def test_a_downgrade(tmp_path):
    """Goal: changing the mode in a hello, either way or both ways, gets no session and no key."""
    def case(mode, directions, folder):
        with Conversation(folder, mode) as talk:
            for direction in directions:
                talk.line.on(direction, flip(-1, 0), kind=HELLO)
            talk.start().submit("never sent")
            if directions == [TO_BOB] or TO_ALICE in directions:
                assert talk.bob.exit() == 1, talk.bob.told()
                assert "another --handshake than" in talk.bob.screen()
            if TO_ALICE in directions:
                talk.alice.sees("another --handshake")
            assert not talk.line.recorded(TO_BOB, SESSION) and not talk.line.recorded(TO_ALICE, OPEN)
            nothing_left(talk, mode)

    together(tmp_path, {f"{mode} {directions}": functools.partial(case, mode, directions)
                        for mode in ("tls", "plain")
                        for directions in ([TO_ALICE], [TO_BOB], [TO_ALICE, TO_BOB])})


def test_a_mode_that_one_side_was_not_started_with(tmp_path):
    """Goal: bob in one mode and alice in the other talk about nothing; bob says why."""
    def case(mode, other, folder):
        with Conversation(folder, other) as talk:
            talk.bob_options = ("--handshake", mode)
            talk.start().submit("never sent")
            assert talk.bob.exit() == 1, talk.bob.told()
            assert "another --handshake than" in talk.bob.screen()
            nothing_left(talk, mode)

    together(tmp_path, {"tls, plain": functools.partial(case, "tls", "plain"),
                        "plain, tls": functools.partial(case, "plain", "tls")})


def test_someone_poses_as_alice(tmp_path):
    """Goal: an alice with another key than the one bob trusts gets nothing of his, not even who he
    is: exit code 4."""
    with Conversation(tmp_path, "tls") as talk:
        evil = Alice(tmp_path / "evil")
        talk.people.append(evil)
        shutil.copy(tmp_path / "evil" / "port", tmp_path / "alice" / "port")  # the line leads to her
        talk.start().submit("never sent")
        assert talk.bob.exit() == 4, talk.bob.told()
        assert "THE SERVER'S KEY HAS CHANGED." in talk.bob.screen()
        assert "nothing was sent." in talk.bob.screen()
        assert talk.bob.connections() == 0 and not evil.logs()
        shaken = [frame.connection for frame in talk.line.recorded(TO_ALICE, HANDSHAKE)]
        assert all(shaken.count(n) <= 2 for n in shaken)  # each time a ClientHello and an alert
        assert "SHA256" not in evil.screen().split("Waiting for a client...")[1]
        assert evil.stop() == 0 and evil.texts() == []


def test_someone_poses_as_bob(tmp_path):
    """Goal: a bob whose key is not let in gets no session, and both are told: exit code 4; the one
    who is let in is served next."""
    home = tmp_path / "bob-home"
    home.mkdir()
    allowed = tmp_path / "allowed_signers"
    allowed.write_text("")
    with Conversation(tmp_path, "tls", alice=["--allowed-signers", str(allowed)]) as talk:
        talk.start().submit("not yet")
        assert talk.bob.exit() == 4, talk.bob.told()
        assert "the server does not let our key in. Give" in talk.bob.screen()
        assert "bob: nothing was sent." in talk.bob.screen()
        talk.alice.sees("Refused: the client's key SHA256:")
        assert not talk.alice.logs() and talk.bob.connections() == 0
        line = next(line for line in talk.bob.screen().splitlines() if " ssh-ed25519 " in line)
        allowed.write_text(line + "\n")
        talk.start().said = 1  # what waits in his outbox goes first
        talk.bob.say("let in")
        talk.ends_well("not yet", "let in")


@in_both_modes
def test_a_recorded_conversation_played_again(mode):
    """Goal: all that bob once said, said again by somebody else, opens no session of his and stores
    nothing again."""
    def case(folder):
        with Conversation(folder, mode, alice=["--serve"]) as talk:
            talk.start().say("once")
            assert talk.bob.finish() == 0
            said = b"".join(f.bytes for f in talk.line.seen if f.direction == TO_ALICE)
            port = int((folder / "alice" / "port").read_text())
            with socket.create_connection(("127.0.0.1", port), timeout=10) as mallory:
                mallory.sendall(said)
                mallory.shutdown(socket.SHUT_WR)
                while mallory.recv(1 << 16):
                    pass
            if mode == "tls":
                talk.alice.sees(f" failed: {TLS_FAILED}")
                talk.alice.sees(MODIFIED)
                assert len(talk.alice.logs()) == 1
            else:
                talk.alice.sees("The connection was cut.")
                talk.alice.blamed("Incorrect token.")
            assert talk.alice.stop() == 0
            talk.arrived_once("once")

    return {"again": case}


def test_strangers_and_silent_ones(tmp_path):
    """Goal: peers who say nothing, drip, or speak something else, keep an honest bob from nothing
    and are gone after a time of their own."""
    with Conversation(tmp_path, "tls") as talk:
        port = int((tmp_path / "alice" / "port").read_text())
        strangers = []
        for said in [b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\xff" * 5,
                     frame(HELLO, b"avow\x01\x01"), frame(HELLO, b"avow\x01\x01") + b"\0\0", bytes(70000)]:
            strangers.append(socket.create_connection(("127.0.0.1", port), timeout=20))
            strangers[-1].sendall(said)
        talk.start().say("served")
        talk.ends_well("served")
        for stranger in strangers:
            try:
                while stranger.recv(1 << 16):
                    pass
            except ConnectionError:
                pass
            stranger.close()
        assert "it looks like HTTP" in talk.alice.screen() and "it looks like TLS" in talk.alice.screen()
