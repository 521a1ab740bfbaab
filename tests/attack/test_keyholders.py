# SPDX-License-Identifier: Apache-2.0
"""Against one who holds the key: who read it off a plain line, or is a false peer himself.

The tokens are authentic here, so what is left are the hashes, the ids, the times and the strictness
of the decoders; and a peer must never be able to bring the other side down.
"""
import functools
import hashlib
import struct
import time

import pytest

from keyholder import (CONFIRMATION, END, ENVELOPE, FOR_ALICE, FOR_BOB, NOTICE, FalseAlice, FalseBob,
                       Spy, clock, confirmation, ended, envelope, head, message, padded)
from line import TO_ALICE, TO_BOB, TOKEN, frame
from people import BUILD, Alice, Bob, Conversation, together

HEAD, COUNT = 26, 2
BODY = HEAD + COUNT  # of an envelope


def flipped(plaintext, at):
    return plaintext[:at] + bytes([plaintext[at] ^ 1]) + plaintext[at + 1:]


def field(at, data):
    """A change: write these bytes there."""
    return lambda plaintext: plaintext[:at] + data + plaintext[at + len(data):]


# What the key holder makes of bob's second envelope in its place, and what alice says of it.
SPOILT = {
    "wrong hash": (lambda p: flipped(p, BODY + 8), "Incorrect hash value."),
    "last byte of the hash": (lambda p: flipped(p, BODY + 8 + 63), "Incorrect hash value."),
    "hash of zeroes": (field(BODY + 8, bytes(64)), "Incorrect hash value."),
    "removed hash": (lambda p: p[:BODY + 8] + p[BODY + 72:], "Malformed token."),
    "removed hash, padded again": (lambda p: padded((p[:BODY + 8] + p[BODY + 72:]).rstrip(b"\0")),
                                   "Malformed token."),
    "removed timestamp": (lambda p: padded(p[:BODY] + p[BODY + 8:]), "Malformed token."),
    "text": (lambda p: flipped(p, BODY + 76), "Incorrect hash value."),
    "shorter text": (lambda p: padded(p[:BODY + 72] + struct.pack(">I", 5) + p[BODY + 76:BODY + 81]),
                     "Incorrect hash value."),
    "text length of 4 GiB": (field(BODY + 72, b"\xff" * 4), "Malformed token."),
    "text beyond the end": (field(BODY + 72, struct.pack(">I", 5000)), "Malformed token."),
    "text over the limit": (field(BODY + 72, struct.pack(">I", (1 << 20) + 1)), "Malformed token."),
    "timestamp after the year 9999": (field(BODY, b"\xff" * 8), "Malformed token."),
    "time after the year 9999": (field(2, b"\xff" * 8), "Malformed token."),
    "echo after the year 9999": (field(10, b"\xff" * 8), "Malformed token."),
    "no time": (field(2, bytes(8)), "Repeated token."),
    "unexpected id": (field(18, struct.pack(">Q", 7)), "A message before this one is missing."),
    "id beyond 2^53": (field(18, b"\xff" * 8), "Malformed token."),
    "last id": (field(18, struct.pack(">Q", (1 << 53) - 2)), "A message before this one is missing."),
    "no messages": (field(HEAD, b"\0\0"), "Malformed token."),
    "more messages than there are": (field(HEAD, struct.pack(">H", 2)), "Malformed token."),
    "more messages than may be": (field(HEAD, b"\xff\xff"), "Malformed token."),
    "kind 0": (field(0, b"\0"), "Malformed token."),
    "kind 9": (field(0, b"\x09"), "Malformed token."),
    "a confirmation": (field(0, bytes([CONFIRMATION])), "Malformed token."),
    "a notice": (field(0, bytes([NOTICE])), "Malformed token."),
    "to bob": (field(1, bytes([FOR_BOB])), "Malformed token."),
    "nowhere": (field(1, b"\x03"), "Malformed token."),
    "padding": (lambda p: p + b"\0" * 15 + b"\x01", "Malformed token."),
    "nothing": (lambda p: b"", "Malformed token."),
    "one byte": (lambda p: b"\x01", "Malformed token."),
    "a head alone": (lambda p: p[:HEAD], "Malformed token."),
}


def test_spoilt_envelopes(tmp_path):
    """Goal: a hash that is wrong or gone, and whatever else is not as the protocol says, is named
    and refused; bob's own envelope then comes through once."""
    def case(change, what, folder):
        with Conversation(folder, "plain") as talk:
            spy = Spy(talk.line)
            talk.line.on(TO_ALICE, spy.rewrite(change), kind=TOKEN, nth=1, times=1)
            talk.start()
            for text in ("first", "the second", "third"):
                talk.bob.say(text)
            talk.ends_well("first", "the second", "third")
            talk.alice.blamed_only(what)
            if what == "Repeated token.":  # no notice for it: bob's timer does it
                talk.bob.blamed_only("No confirmation received from the server.")
            else:
                talk.bob.blamed_only()

    together(tmp_path, {name: functools.partial(case, *how) for name, how in SPOILT.items()})


def test_tokens_that_no_fernet_makes(tmp_path):
    """Goal: a right HMAC over a wrong padding is refused like any other wrong token."""
    with Conversation(tmp_path, "plain") as talk:
        spy = Spy(talk.line)
        talk.line.on(TO_ALICE, lambda _: spy.key.seal_badly_padded(), kind=TOKEN, nth=1, times=1)
        talk.start()
        for text in ("first", "second"):
            talk.bob.say(text)
        talk.ends_well("first", "second")
        talk.alice.blamed_only("Incorrect token.")


def after(make):
    """An action: after bob's envelope was taken, one that ${make} makes of its time and echo."""
    def act(spy, passing):
        plaintext = spy.key.open(passing.frame.payload)
        made, echo = struct.unpack_from(">QQ", plaintext, 2)
        return passing.frame.bytes + spy.key.seal(make(made + 1, echo))
    return act


ADDED = {
    "same id, other text": (after(lambda t, e: envelope(t, e, 0, message(b"other"))),
                            "Another message under a stored ID."),
    "same id, another one beside it": (after(lambda t, e: envelope(t, e, 0, message(b"first"),
                                                                   message(b"more"))),
                                       "Unexpected message ID."),
    "an id ahead": (after(lambda t, e: envelope(t, e, 2, message(b"ahead"))),
                    "A message before this one is missing."),
    "an early end": (after(lambda t, e: head(END, FOR_ALICE, t, e, 5)), "Unexpected message ID."),
}


def test_added_envelopes(tmp_path):
    """Goal: another text under a stored id is a conflict, an id out of order is refused, and what is
    stored stays as it is."""
    def case(act, what, folder):
        with Conversation(folder, "plain") as talk:
            spy = Spy(talk.line)
            talk.line.on(TO_ALICE, functools.partial(act, spy), kind=TOKEN, nth=0, times=1)
            talk.start()
            for text in ("first", "second"):
                talk.bob.say(text)
            talk.ends_well("first", "second")
            talk.alice.blamed(what)

    together(tmp_path, {name: functools.partial(case, *how) for name, how in ADDED.items()})


CONFIRMED = {
    "wrong hash": (lambda p: flipped(p, 38), "Fake confirmation."),
    "last byte of the hash": (lambda p: flipped(p, 101), "Fake confirmation."),
    "hash of zeroes": (field(38, bytes(64)), "Fake confirmation."),
    "of another id": (field(18, struct.pack(">Q", 7)), "Fake confirmation."),
    "of no message": (field(HEAD, b"\0\0"), "Malformed token."),
    "of two": (lambda p: padded(field(HEAD, b"\0\2")(p)[:102] + bytes(64)), "Fake confirmation."),
    "of more than there are hashes": (field(HEAD, struct.pack(">H", 1024)), "Malformed token."),
    "recorded after the year 9999": (field(28, b"\xff" * 8), "Malformed token."),
    "recorded a day east of UTC": (field(36, struct.pack(">h", 1440)), "Malformed token."),
    "recorded a day west of UTC": (field(36, struct.pack(">h", -1440)), "Malformed token."),
    "an envelope": (field(0, bytes([ENVELOPE])), "Malformed token."),
    "to alice": (field(1, bytes([FOR_ALICE])), "Malformed token."),
    "padding": (lambda p: p + b"\0" * 40 + b"\x80", "Malformed token."),
}


def test_spoilt_confirmations(tmp_path):
    """Goal: only a confirmation of all that is in flight, with its hashes, is one."""
    def case(change, what, folder):
        with Conversation(folder, "plain", resend_after=1) as talk:
            spy = Spy(talk.line)
            talk.line.on(TO_BOB, spy.rewrite(change), kind=TOKEN, nth=1, times=1)
            talk.start()
            for text in ("first", "second", "third"):
                talk.bob.say(text)
            talk.ends_well("first", "second", "third")
            talk.bob.blamed_only(what, "No confirmation received from the server.")
            talk.alice.blamed_only("Message received again, confirmed again.")

    together(tmp_path, {name: functools.partial(case, *how) for name, how in CONFIRMED.items()})


def test_a_changed_key_in_plain_mode(tmp_path):
    """Goal: where the line may change the key itself, nothing is confirmed that did not arrive, and
    both sides say what they see; a later connection heals it.  (tls mode is there so that nobody can
    do it.)"""
    with Conversation(tmp_path, "plain", resend_after=1) as talk:
        talk.line.on(TO_BOB, lambda p: flip_at(p.frame.bytes, 5 + 20), kind=4, times=1)
        talk.start().submit("only")
        talk.alice.sees("Incorrect token.")
        talk.bob.sees("Fake confirmation.")
        talk.bob.sees("No confirmation received from the server.")
        talk.line.wires[0].cut()
        talk.bob.confirmed()
        talk.alice.sees("The connection was cut.")
        talk.ends_well("only")


def flip_at(data, at):
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]


@pytest.fixture
def alice(tmp_path):
    person = Alice(tmp_path / "alice", "--handshake", "plain", "--serve")
    person.port = int((tmp_path / "alice" / "port").read_text())
    yield person
    person.kill()


def sanitized():
    """A sanitizer's own memory is not ours to bound."""
    return b"__asan_init" in (BUILD / "bin" / "alice").read_bytes()


def next_kind(bob):
    plaintext = bob.receive_token()
    return None if plaintext is None else plaintext[0]


def test_a_bob_whose_clock_runs_wild(alice):
    """Goal: alice judges age by her own clocks; tokens from bob's past, future and the end of time
    bring nothing down."""
    bob = FalseBob(alice.port)
    bob.envelope(0, message(b"now"))
    assert next_kind(bob) == CONFIRMATION
    hour = 3600 * 1000000
    bob.made = clock() + hour  # fresh: nobody can tell how far ahead his clock is
    bob.envelope(1, message(b"an hour ahead"))
    assert next_kind(bob) == CONFIRMATION
    bob.made -= hour
    bob.envelope(2, message(b"back again"))
    bob.made = 253402214399999999 - 1
    bob.envelope(2, message(b"the last microsecond", timestamp=253402214399999999))
    assert next_kind(bob) == CONFIRMATION
    bob.envelope(3, message(b"after the end of time"))
    assert next_kind(bob) == NOTICE
    bob.close()
    alice.sees("The connection was cut.")
    assert alice.stop() == 0
    assert alice.texts() == ["now", "an hour ahead", "the last microsecond"] == alice.logged()
    alice.blamed_only("Repeated token.", "Malformed token.", "The connection was cut.")


def test_a_bob_who_asks_and_never_listens(alice):
    """Goal: envelopes without end from one who reads no confirmation stop being read; others are
    served meanwhile."""
    deaf = FalseBob(alice.port)
    deaf.socket.settimeout(2)
    texts = [message(b"x" * 10) for _ in range(1000)]
    try:
        for number in range(2000):
            deaf.envelope(1000 * number, *texts)
    except TimeoutError:
        pass
    assert number < 1000, "alice reads on"
    if not sanitized():
        assert resident_kb(alice) < 120000
    bob = FalseBob(alice.port)
    bob.envelope(0, message(b"served"))
    assert next_kind(bob) == CONFIRMATION
    deaf.close()
    bob.close()
    assert alice.stop() == 0


def resident_kb(person):
    with open(f"/proc/{person.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_long_messages_leave_no_heap_behind(alice):
    """Goal: what alice holds for a session does not grow with the number of its long messages."""
    bob = FalseBob(alice.port)
    held = []
    for number in range(24):
        bob.envelope(number, message(b"x" * 1000000))
        assert next_kind(bob) == CONFIRMATION
        held.append(resident_kb(alice))
    bob.close()
    if not sanitized():
        assert held[-1] - held[3] < 8000, held
    assert alice.stop() == 0
    assert len(alice.texts()) == 24


def test_many_envelopes_in_one_go(alice):
    """Goal: a bob who does not wait for confirmations is served in order, and so is one who sends
    the same envelope a thousand times."""
    bob = FalseBob(alice.port)
    sealed = [bob.key.seal(envelope(bob.now(), bob.taken, number, message(b"%d" % number)))
              for number in range(500)]
    bob.send(b"".join(sealed))
    for number in range(500):
        assert struct.unpack_from(">BBQQQ", bob.receive_token())[::4] == (CONFIRMATION, number)
    again = [bob.key.seal(envelope(bob.now(), bob.taken, 499, message(b"499"))) for _ in range(1000)]
    bob.send(b"".join(again))
    for _ in again:
        assert next_kind(bob) == CONFIRMATION
    bob.send(bob.key.seal(head(END, FOR_ALICE, bob.now(), bob.taken, 500)))
    assert next_kind(bob) == END
    bob.close()
    assert alice.stop() == 0
    assert alice.texts() == [str(number) for number in range(500)] == alice.logged()
    assert alice.incidents("Message received again, confirmed again.") == 1000
    alice.blamed_only("Message received again, confirmed again.")


def with_bob(tmp_path, behave, texts, *options):
    """Let a false alice behave so with a bob who sends these; bob and his exit code."""
    folder = tmp_path / "bob"
    folder.mkdir()
    false = FalseAlice(folder, behave)
    bob = Bob(folder, "--handshake", "plain", "--resend-after", "1", "--wait-for", "1", *options)
    try:
        for text in texts:
            bob.submit(text)
        code = bob.finish()
        false.over()
        return bob, code
    finally:
        bob.kill()


def digest_of(plaintext):
    return plaintext[BODY + 8:BODY + 72]


def test_an_alice_who_confirms_what_she_has_not_got(tmp_path):
    """Goal: an alice who guesses what bob will say, and confirms it all at once before it leaves,
    cannot bring him down."""
    guessed = 11  # so many wait in his queue
    texts = [f"{number:05}" * 53000 for number in range(17)]  # 265,000 bytes: one in an envelope

    def behave(alice):
        alice.receive_token()
        time.sleep(1)  # bob's queue is full now
        alice.send(b"".join(
            alice.key.seal(confirmation(alice.now(), alice.taken, number,
                                        [hashlib.sha512(text.encode()).digest()]))
            for number, text in enumerate(texts[:guessed])))
        while (plaintext := alice.receive_token()) is not None:
            number, = struct.unpack_from(">Q", plaintext, 18)
            if plaintext[0] == ENVELOPE:
                alice.send(alice.key.seal(confirmation(alice.now(), alice.taken, number,
                                                       [digest_of(plaintext)])))
            elif plaintext[0] == END:
                alice.send(alice.key.seal(ended(alice.now(), alice.taken, len(texts))))

    bob, code = with_bob(tmp_path, behave, texts)
    assert code == 0, bob.told()


def test_an_alice_who_only_sends_notices(tmp_path):
    """Goal: notices without end make bob transmit once a second and no more; an end from her with
    messages open makes his exit code 6."""
    def behave(alice):
        alice.receive_token()
        alice.send(b"".join(alice.key.seal(head(NOTICE, FOR_BOB, alice.now(), alice.taken, 0))
                            for _ in range(5000)))
        time.sleep(0.5)
        alice.send(alice.key.seal(ended(alice.now(), alice.taken, 0)))
        while alice.receive_token() is not None:
            alice.tokens = getattr(alice, "tokens", 0) + 1
        assert alice.tokens <= 2

    bob, code = with_bob(tmp_path, behave, ["never stored"])
    assert code == 6, bob.told()
    bob.sees("The server ended the session.")
    bob.sees("1 of 1 message is not confirmed. It waits in outbox/")
    bob.blamed_only()


def test_an_alice_who_repeats_confirmations(tmp_path):
    """Goal: a confirmation that comes again, in a new token, confirms nothing else."""
    def behave(alice):
        first = alice.receive_token()
        for _ in range(3):
            alice.send(alice.key.seal(confirmation(alice.now(), alice.taken, 0, [digest_of(first)])))
        second = alice.receive_token()
        # The hash of the first one under the second one's id, then as if both were one envelope.
        alice.send(alice.key.seal(confirmation(alice.now(), alice.taken, 1, [digest_of(first)])))
        alice.send(alice.key.seal(confirmation(alice.now(), alice.taken, 0,
                                               [digest_of(first), digest_of(second)])))
        time.sleep(0.3)

    folder = tmp_path / "bob"
    folder.mkdir()
    false = FalseAlice(folder, behave)
    bob = Bob(folder, "--handshake", "plain", "--wait-for", "1")
    try:
        bob.say("first")
        bob.submit("second")
        assert bob.exit() == 5, bob.told()
        false.over()
        bob.blamed_only("Fake confirmation.", "The connection was cut.")
        bob.sees("1 of 2 messages is not confirmed. It waits in outbox/")
        assert bob.log().count("\nMessages: ") == 1
    finally:
        bob.kill()
