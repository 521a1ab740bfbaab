# SPDX-License-Identifier: Apache-2.0
"""Goal: one of the two lies, with all the keys that are his. Judge finds against him, or stays UNDECIDED; it is
never PROVEN in his favour. Each test says who lies, and what judge answers."""
import base64
import copy
import hashlib
import hmac

import forge
from court import Court

P, R, U = "PROVEN", "REFUTED", "UNDECIDED"
GROUPS = (1,) * 10


def started(count=10, confirmed=None):
    """A session in which Alice has stored ${count} messages, and Bob has the receipts of so many."""
    one = forge.Session()
    one.submit(1)
    one.connect()
    for number in range(count):
        if number:
            one.submit(1)
        one.send(1)
        one.deliver()
        if confirmed is None or number < confirmed:
            one.confirm()
    return one


def cut_at(blocks, message):
    """The log without this message and all behind it, ending with a head line."""
    at = next(number for number, block in enumerate(blocks) if block[0] == ["Message ID", str(message)])
    blocks = blocks[:at]
    while blocks[-1][0][0] != "Head":
        blocks.pop()
    return blocks


def test_alice_confirms_and_denies(court):
    """Alice lies: she confirmed message 7, and her log does not have it, nor what came after. Her receipt, in
    Bob's log, proves that she stored it; the two logs are REFUTED."""
    alice, bob = started().pair()
    denied = forge.text_of(forge.repair(cut_at(forge.parse(alice), 7), "Alice", forge.ALICE))
    assert court.views(denied, bob) == (P, P, R)
    word, why = court.judge("stored", 7, alice=denied, bob=bob)
    assert word == P and "speaks against Alice" in why
    assert court.judge("stored", 7, alice=denied)[0] == U
    word, why = court.judge("verify", alice=denied, bob=bob)
    assert "speaks against Alice" in why


def test_alice_denies_and_signs_an_end(court):
    """Alice lies: she cuts messages 7 to 9 off and signs an end of 7. Bob's log holds her receipts: REFUTED, and
    stored is PROVEN against her."""
    alice, bob = started().pair()
    liar = started(7)
    liar.end("Alice", reaches_bob=False)
    denied = liar.pair()[0]
    assert court.views(denied, bob) == (P, P, R)
    assert court.judge("stored", 7, alice=denied, bob=bob)[0] == P
    assert court.judge("stored", 7, alice=denied)[0] == U


def test_alice_shows_two_people_two_logs(court):
    """Alice lies: she goes on twice from message 5. Each log is in order by itself. Bob's, of the one that he
    lives in, refutes the other; and a Bob of the other one refutes the first."""
    one = started(5)
    two = copy.deepcopy(one)
    for other, texts in ((one, "Yes {}"), (two, "No {}")):
        other.texts = texts
        other.submit(1)
        other.send(1)
        other.deliver()
        other.confirm()
        other.end()
    for left, right in ((one, two), (two, one)):
        assert court.views(left.pair()[0], right.pair()[1]) == (P, P, R)
        assert court.judge("same", alice=left.pair()[0], bob=right.pair()[1])[0] == R
        word, why = court.judge("verify", alice=left.pair()[0], other=right.pair()[0])
        assert word == court.verify(alice=left.pair()[0], other=right.pair()[0]) == R
        assert "speaks against Alice" in why
    assert court.verify(alice=one.pair()[0], other=started(5).pair()[0]) == P  # an older copy is no other story


def test_alice_invents_a_message(court):
    """Alice lies: she adds a message that Bob never sent, with a receipt of hers, and his origin signature of
    another one, or one made by herself. REFUTED in her log alone."""
    one = started(3)
    for key in (None, forge.ALICE):
        liar = copy.deepcopy(one)
        liar.submit(1)
        liar.send(1)
        origin, mine = liar.flight[0]
        if key is None:
            origin["Origin signature"] = forge.get(one.alice.blocks[-2], "Origin signature")
        else:
            origin["Origin signature"] = key.sign(forge.statement("origin", {**origin, **liar.common}))
        liar.deliver()
        assert court.views(liar.pair()[0], one.pair()[1]) == (R, P, R)
        for question in ("sent", "stored"):
            assert court.judge(question, 3, alice=liar.pair()[0], bob=one.pair()[1])[0] == U


def test_alice_signs_the_connection_for_bob(court):
    """Alice lies: under a connection that Bob never signed she puts a signature of her own, or his of another
    text. REFUTED in her log alone."""
    one = forge.Session()
    one.submit(1)
    one.connect(reaches_bob=False)
    for signature in (forge.ALICE.sign(forge.statement("opening", {**one.connection, **one.common})),
                      forge.BOB.sign("x")):
        liar = copy.deepcopy(one)
        liar.alice.add(("Signed by Bob", signature))
        liar.alice.seal()
        assert court.views(*liar.pair()) == (R, U, R)


def test_bob_denies_what_he_sent(court):
    """Bob lies: he sent message 7, and his log does not have it, nor what came after. His origin signature, in
    Alice's log, proves that he sent it; the two logs are REFUTED."""
    alice, bob = started().pair()
    denied = forge.text_of(forge.repair(cut_at(forge.parse(bob), 7), "Bob", forge.BOB))
    assert court.views(alice, denied) == (P, P, R)
    assert court.judge("sent", 7, alice=alice, bob=denied)[0] == P
    assert court.judge("sent", 7, bob=denied)[0] == U


def test_bob_denies_a_connection(court):
    """Bob lies: he signed a second connection, which reached Alice, and cuts it off his log. Each log is in order
    by itself; the two are REFUTED."""
    one = started(3)
    cut = one.pair()[1]
    one.connect()
    assert court.views(one.pair()[0], cut) == (P, P, P)  # until his signature comes, it may never have reached him
    one.sign_in()
    one.alice.seal()
    assert court.views(one.pair()[0], one.pair()[1]) == (P, P, P)
    assert court.views(one.pair()[0], cut) == (P, P, R)


def test_bob_edits_what_he_sent(court):
    """Bob lies: message 7 has another text in his log, with its hash, new heads, and his signature anew. Alice's
    receipt no longer fits it: REFUTED in his log alone. That he sent the true one stays PROVEN."""
    alice, bob = started().pair()
    blocks = forge.parse(bob)
    block = next(block for block in blocks if block[0] == ["Message ID", "7"])
    forge.put(block, "Message text", "I owe you nothing")
    forge.put(block, "Hash value", hashlib.sha512(b"I owe you nothing").hexdigest())
    for sign in (False, True):
        edited = forge.text_of(forge.repair(blocks, "Bob", forge.BOB, sign=sign))
        assert court.views(alice, edited) == (P, R, R)
        assert court.judge("stored", 7, bob=edited)[0] == U
        assert court.judge("sent", 7, alice=alice, bob=edited)[0] == P


def test_bob_claims_what_he_never_sent(court):
    """Bob lies: he adds message 5 and a receipt that he made up: signed by himself, or that of message 4. REFUTED
    in his log alone; that Alice stored it is UNDECIDED."""
    one = started(5)
    for made_up in (True, False):
        liar = copy.deepcopy(one)
        liar.submit(1)
        liar.send(1)
        origin, _ = liar.flight[0]
        fields = {**origin, "Message confirmed at": liar.now(), "Head at receipt": "ab" * 32}
        receipt = forge.BOB.sign(forge.statement("receipt", {**fields, **liar.common})) if made_up else \
            forge.get(one.alice.blocks[-2], "Receipt")
        liar.bob.add(*((name, fields[name]) for name in ("Messages", "Message confirmed at", "Bob's head",
                                                         "Alice's head", "Origin signature", "Head at receipt")),
                     ("Receipt", receipt))
        liar.bob.seal()
        assert court.views(one.pair()[0], liar.pair()[1]) == (P, R, R)
        for logs in ({"alice": one.pair()[0], "bob": liar.pair()[1]}, {"bob": liar.pair()[1]}):
            assert court.judge("stored", 5, **logs)[0] == U


def test_bob_uses_an_id_again(court):
    """Bob lies: two texts under id 7. He signed both; Alice's log has one of them, his the other. REFUTED."""
    one = started(7)
    two = copy.deepcopy(one)
    two.texts = "Another one {}"
    for other in (one, two):
        other.submit(1)
        other.send(1)
        other.deliver()
    assert court.views(one.pair()[0], two.pair()[1]) == (P, P, R)
    assert court.judge("sent", 7, alice=one.pair()[0], bob=two.pair()[1])[0] == P


def test_bob_adds_a_message_before_the_end(court):
    """Bob lies: before the end that Alice signed he adds a message, with new heads. An end says that there is none
    outside of an envelope: REFUTED in his log alone."""
    alice, bob = forge.honest((2, 1), end="Alice").pair()
    blocks = forge.parse(bob)
    at = next(number for number, block in enumerate(blocks) if block[0][0] == "Messages in all")
    message = [["Message ID", "3"], ["Hash value", hashlib.sha512(b"x").hexdigest()],
               ["Timestamp", forge.when(forge.BEGIN)], ["Message text", "x"]]
    added = forge.text_of(forge.repair(blocks[:at] + [message] + blocks[at:], "Bob", forge.BOB))
    assert court.views(alice, added) == (P, R, R)


def test_a_receipt_made_with_the_session_key(court):
    """Somebody who has the Fernet key, which both sides share, makes an authentic token; a receipt it is not.
    REFUTED in Bob's log alone."""
    one = started(5, confirmed=4)
    key = b"k" * 32
    origin, true = one.receipts[0], forge.ALICE.sign("x")
    liar = copy.deepcopy(one)
    block = copy.deepcopy(origin)
    tag = hmac.new(key, repr(block).encode(), "sha512").digest()
    forge.put(block, "Receipt", base64.b64encode(base64.b64decode(true)[:-64] + tag).decode())
    liar.receipts = [block]
    liar.confirm()
    assert court.views(one.pair()[0], liar.pair()[1]) == (P, R, R)
    assert court.judge("stored", 4, bob=liar.pair()[1])[0] == U


def test_both_lie(tmp_path):
    """Both lie together, with both keys: they can tell any story. Judge says what they signed, PROVEN, to a reader
    who takes these keys for theirs, and nothing to one who does not."""
    story = forge.honest(GROUPS, texts="It never rained {}").pair()
    fine, other = (tmp_path / name for name in ("fine", "other"))
    fine.mkdir()
    other.mkdir()
    assert Court(fine).views(*story) == (P, P, P)
    assert Court(other, f"alice@host {forge.ALICE.line}\n").views(*story) == (U, U, U)
