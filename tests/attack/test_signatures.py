# SPDX-License-Identifier: Apache-2.0
"""Against one who holds the key of a tls session, and nobody's identity: who stole it from a log of
--log-detail full, say, and holds the line.

Whatever she seals is authentic, and every hash in it right.  Alice stores nothing that Bob has not
signed, and Bob takes nothing for confirmed that Alice has not signed.
"""
import functools
import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keyholder import END, EMPTY, FOR_ALICE, Thief, confirmation, ended, envelope, head, message, padded
from line import TO_ALICE, TO_BOB, TOKEN
from people import Conversation, together
from statements import signed_data

FIELDS = 26                                     # in front: kind, direction, time, echo, first id
ORIGIN = FIELDS + 2                             # in an envelope, behind the count: bob's part of the proof
TEXTS = ORIGIN + 128
RECEIPT = FIELDS + 2 + 10                       # in a confirmation, behind the time and the zone: all of it
HASHES = RECEIPT + 224
BOB_HEAD, ALICE_HEAD, BOB_SIGNED, HEAD, ALICE_SIGNED = 0, 32, 64, 128, 160  # within a proof
MALLORY = Ed25519PrivateKey.generate()


def put(at, data):
    return lambda plaintext, _: plaintext[:at] + data + plaintext[at + len(data):]


def flip(at):
    return lambda plaintext, _: plaintext[:at] + bytes([plaintext[at] ^ 1]) + plaintext[at + 1:]


def add(at, form, more):
    """A number is greater by so much."""
    def change(plaintext, _):
        number = struct.unpack_from(form, plaintext, at)[0] + more
        return plaintext[:at] + struct.pack(form, number) + plaintext[at + struct.calcsize(form):]
    return change


def other_text(plaintext, _):
    text = b"forgery"
    return padded(plaintext[:TEXTS + 8] + hashlib.sha512(text).digest() + struct.pack(">I", len(text)) + text)


def one_more(plaintext, _):
    """The envelope has another message behind its own."""
    size, = struct.unpack_from(">I", plaintext, TEXTS + 72)
    return padded(plaintext[:FIELDS] + b"\0\2" + plaintext[ORIGIN:TEXTS + 76 + size] + message(b"one more"))


def proof_of_before(at, size):
    """What was signed of the token before this one."""
    return lambda plaintext, before: plaintext[:at] + before[at:at + size] + plaintext[at + size:]


def signed_by_mallory(at):
    """Her signature in the place of one: of a statement or not, it is by the wrong key."""
    return put(at, MALLORY.sign(signed_data("avow origin 1\n")))


ORIGINS = {
    "another text, with its hash": (other_text, "Incorrect origin signature."),
    "another timestamp": (add(TEXTS, ">Q", 1), "Incorrect origin signature."),
    "one more message": (one_more, "Incorrect origin signature."),
    "the first bit of the signature": (flip(ORIGIN + BOB_SIGNED), "Incorrect origin signature."),
    "the last byte of the signature": (flip(TEXTS - 1), "Incorrect origin signature."),
    "a signature of zeroes": (put(ORIGIN + BOB_SIGNED, bytes(64)), "Incorrect origin signature."),
    "somebody else's signature": (signed_by_mallory(ORIGIN + BOB_SIGNED), "Incorrect origin signature."),
    "another signature of bob's": (proof_of_before(ORIGIN + BOB_SIGNED, 64), "Incorrect origin signature."),
    "all that bob signed before": (proof_of_before(ORIGIN, 128), "Incorrect origin signature."),
    "another head of bob's log": (flip(ORIGIN + BOB_HEAD), "Incorrect origin signature."),
    "an older head of bob's log": (proof_of_before(ORIGIN + BOB_HEAD, 32), "Incorrect origin signature."),
    "a head that alice's log never had": (flip(ORIGIN + ALICE_HEAD), "Another head of this log."),
    "no proof at all": (lambda p, _: padded(p[:ORIGIN] + p[TEXTS:]), "Malformed token."),
    "half a proof": (lambda p, _: p[:ORIGIN + 64], "Malformed token."),
}


class Change:
    """An action for every token of a direction: the second one is changed; what came before is kept."""

    def __init__(self, thief, make):
        self.thief, self.make, self.before, self.nth = thief, make, None, 0

    def __call__(self, passing):
        plaintext = self.thief.key.open(passing.frame.payload)
        self.nth += 1
        changed = self.make(plaintext, self.before) if self.nth == 2 else None
        self.before = plaintext
        return passing.frame.bytes if changed is None else self.thief.key.seal(changed)


def talk_with_thief(folder, direction, make, alice, bob, resend_after=1):
    with Conversation(folder, "tls", resend_after, alice=["--log-detail", "full"]) as talk:
        change = Change(Thief(talk.alice), make)
        talk.line.on(direction, change, kind=TOKEN)
        talk.start()
        for text in ("first", "second", "third"):
            talk.bob.say(text)
        talk.ends_well("first", "second", "third")
        assert change.nth > 2
        talk.alice.blamed_only(*alice)
        talk.bob.blamed_only(*bob)


def test_nothing_is_stored_that_bob_did_not_sign(tmp_path):
    """Goal: an envelope with right hashes under the right key is refused by name if Bob did not sign
    exactly this; nothing of it is stored, and his own then comes through once."""
    together(tmp_path, {name: functools.partial(talk_with_thief, direction=TO_ALICE, make=make, alice=[what],
                                                bob=[], resend_after=10)
                        for name, (make, what) in ORIGINS.items()})


def test_a_head_that_goes_back(tmp_path):
    """Goal: Bob has seen a later head of Alice's log; one that he had seen before is not his word."""
    def case(folder):
        with Conversation(folder, "tls", 10, alice=["--log-detail", "full"]) as talk:
            thief = Thief(talk.alice)
            older = put(ORIGIN + ALICE_HEAD, EMPTY)
            talk.line.on(TO_ALICE, thief.rewrite(lambda p: older(p, None)), kind=TOKEN, nth=2, times=1)
            talk.start()
            for text in ("first", "second", "third"):
                talk.bob.say(text)
            talk.ends_well("first", "second", "third")
            talk.alice.blamed_only("Another head of this log.")
            talk.bob.blamed_only()

    together(tmp_path, {"back": case})


def forged(proof):
    """An envelope of her own behind Bob's first one, under the next id."""
    return lambda t, e: envelope(t, e, 1, message(b"Bob never said this"), proof=proof)


FORGED = {
    "an envelope, unsigned": (forged(EMPTY + EMPTY + bytes(64)), "Incorrect origin signature."),
    "an envelope, signed by her": (forged(EMPTY + EMPTY + MALLORY.sign(signed_data("avow origin 1\n"))),
                                   "Incorrect origin signature."),
    "an end, unsigned": (lambda t, e: padded(head(END, FOR_ALICE, t, e, 1) + EMPTY + EMPTY + bytes(64)),
                         "Incorrect signature of the end."),
    "an end, signed by her": (lambda t, e: padded(head(END, FOR_ALICE, t, e, 1) + EMPTY + EMPTY
                                                  + MALLORY.sign(signed_data("avow end 1\n"))),
                              "Incorrect signature of the end."),
    "an end, of another log": (lambda t, e: padded(head(END, FOR_ALICE, t, e, 1) + EMPTY + b"x" * 32 + bytes(64)),
                               "Another head of this log."),
    "an end without a proof": (lambda t, e: padded(head(END, FOR_ALICE, t, e, 1)), "Malformed token."),
}


def test_forged_messages_and_ends(tmp_path):
    """Goal: who has the key, and not Bob's identity, cannot say anything in his name, nor end his
    session."""
    def case(make, what, folder):
        with Conversation(folder, "tls", 10, alice=["--log-detail", "full"]) as talk:
            thief = Thief(talk.alice)

            def act(passing):
                made, echo = struct.unpack_from(">QQ", thief.key.open(passing.frame.payload), 2)
                return passing.frame.bytes + thief.key.seal(make(made + 1, echo))

            talk.line.on(TO_ALICE, act, kind=TOKEN, nth=0, times=1)
            talk.start()
            for text in ("first", "second"):
                talk.bob.say(text)
            talk.ends_well("first", "second")
            talk.alice.blamed_only(what)
            talk.bob.blamed_only()

    together(tmp_path, {name: functools.partial(case, *how) for name, how in FORGED.items()})


RECEIPTS = {
    "another time": (add(FIELDS + 2, ">Q", 1), "Fake confirmation."),
    "another zone": (add(FIELDS + 10, ">h", 60), "Fake confirmation."),
    "the first bit of the receipt": (flip(RECEIPT + ALICE_SIGNED), "Fake confirmation."),
    "the last byte of the receipt": (flip(HASHES - 1), "Fake confirmation."),
    "a receipt of zeroes": (put(RECEIPT + ALICE_SIGNED, bytes(64)), "Fake confirmation."),
    "somebody else's receipt": (signed_by_mallory(RECEIPT + ALICE_SIGNED), "Fake confirmation."),
    "another receipt of alice's": (proof_of_before(RECEIPT + ALICE_SIGNED, 64), "Fake confirmation."),
    "all that was signed before": (proof_of_before(RECEIPT, 224), "Fake confirmation."),
    "another head of alice's log": (flip(RECEIPT + HEAD), "Fake confirmation."),
    "another head that bob had seen": (flip(RECEIPT + ALICE_HEAD), "Fake confirmation."),
    "another head of bob's log": (flip(RECEIPT + BOB_HEAD), "Fake confirmation."),
    "another origin signature": (flip(RECEIPT + BOB_SIGNED), "Fake confirmation."),
    "no proof at all": (lambda p, _: padded(p[:RECEIPT] + p[HASHES:]), "Malformed token."),
    "half a proof": (lambda p, _: p[:RECEIPT + 128], "Malformed token."),
    "an end in its place": (lambda p, _: ended(struct.unpack_from(">Q", p, 2)[0], 0, 1, bytes(224)),
                            "Fake confirmation."),
}


def test_no_confirmation_counts_that_alice_did_not_sign(tmp_path):
    """Goal: a confirmation with all the right hashes under the right key is a fake one if Alice did not
    sign exactly this; Bob asks again, and hers comes."""
    unconfirmed = "No confirmation received from the server."
    together(tmp_path, {name: functools.partial(talk_with_thief, direction=TO_BOB, make=make,
                                                alice=["Message received again, confirmed again."],
                                                bob=[what, unconfirmed])
                        for name, (make, what) in RECEIPTS.items()})


def test_a_confirmation_for_what_she_swallowed(tmp_path):
    """Goal: who swallows an envelope cannot confirm it in Alice's name, though she knows all that stands
    in it."""
    with Conversation(tmp_path, "tls", 1, alice=["--log-detail", "full"]) as talk:
        thief = Thief(talk.alice)

        def confirm_it(passing):
            plaintext = thief.key.open(passing.frame.payload)
            _, _, _, echo, first_id = struct.unpack_from(">BBQQQ", plaintext)
            proof = plaintext[ORIGIN:TEXTS] + b"h" * 32 + MALLORY.sign(signed_data("avow receipt 1\n"))
            passing.wire.send(TO_BOB, thief.key.seal(confirmation(
                echo + 1, 0, first_id, [plaintext[TEXTS + 8:TEXTS + 72]], proof)))

        talk.line.on(TO_ALICE, confirm_it, kind=TOKEN, nth=1, times=1)
        talk.start()
        for text in ("first", "second", "third"):
            talk.bob.say(text)
        talk.ends_well("first", "second", "third")
        talk.bob.blamed_only("Fake confirmation.", "No confirmation received from the server.")
        talk.alice.blamed_only()
