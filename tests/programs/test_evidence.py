# SPDX-License-Identifier: Apache-2.0
"""Goal: what both sides signed stands in both logs, and stock ssh-keygen checks it."""
import re
import subprocess

import pytest

from avow_programs import TERMINATE, Proxy, heads_hold
from statements import blocks, check_heads, ssh_keygen_verifies, statements


def keys(place):
    return {who: place.key(who.lower()) for who in ("Alice", "Bob")}


def all_good(place, log):
    """Every statement of the log is signed by its signer, and by nobody else; the heads are its own."""
    found = statements(log)
    assert heads_hold(log) and b"\nEvidence: " not in log
    check_heads(log)
    for signed in found:
        assert ssh_keygen_verifies(place.root, signed, keys(place)), signed
    for signed in {signed.title + signed.by: signed for signed in found}.values():
        other = {"Alice": "Bob", "Bob": "Alice"}[signed.by]
        assert not ssh_keygen_verifies(place.root, signed._replace(by=other), keys(place)), signed
        assert not ssh_keygen_verifies(place.root, signed._replace(text=signed.text + "\n"), keys(place))
    return found


def both_logs(place):
    return place.log().read_bytes(), place.log("outbox").read_bytes()


def test_ssh_keygen_verifies_a_session(place):
    """Goal: opening, origin, receipt, end and ended of a real session verify with ssh-keygen -Y verify,
    and are the same in both logs."""
    alice = place.alice()
    bob = place.bob(stdin=subprocess.PIPE)
    for number in range(3):
        bob.write(b"first of two %d\nsecond of two\n" % number)
        assert place.until(lambda: alice.out().count(b"\n") == 2 * number + 2, 10)
    bob.process.stdin.close()
    assert (bob.end(), alice.end()) == (0, 0)
    hers, his = (all_good(place, log) for log in both_logs(place))
    assert hers == his
    titles = [signed.title for signed in hers]
    assert titles == ["opening", "opening", *["origin", "receipt"] * 3, "end", "ended"]
    assert [signed.by for signed in hers[:2]] == ["Alice", "Bob"]


def test_a_session_that_alice_ended(place):
    """Goal: her end bears her signature alone."""
    alice = place.alice()
    bob = place.bob(stdin=subprocess.PIPE)
    bob.write(b"one\n")
    assert place.until(lambda: alice.out() == b"one\n", 10)
    bob.see("Connected")
    alice.signal(TERMINATE)
    assert alice.end() == 0
    bob.end()
    hers, his = (all_good(place, log) for log in both_logs(place))
    assert [signed.title for signed in hers] == ["opening", "opening", "origin", "receipt", "ended"] == \
        [signed.title for signed in his]
    assert hers == his


@pytest.mark.parametrize("how", ["alice killed", "confirmations lost"])
def test_a_resumed_session(place, how):
    """Goal: after a cut each connection is signed anew, what was stored keeps its receipt, and the heads
    that are signed afterwards are those of the new connection."""
    alice = place.alice()
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    where = [f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice")]
    bob = place.bob(*where, stdin=subprocess.PIPE)
    bob.write(b"one\n")
    assert place.until(lambda: alice.out() == b"one\n", 10)
    assert place.until(lambda: place.log("outbox").read_bytes().count(b"\nReceipt: ") == 1, 10)
    proxy.swallow = how == "confirmations lost"
    bob.write(b"two\n")
    assert place.until(lambda: alice.out() == b"one\ntwo\n", 10)
    alice.process.kill()
    alice.process.wait()
    proxy.swallow = False
    again = place.alice()
    proxy.port_of_alice = place.port()
    bob.see("Connected to server", 2)
    bob.write(b"three\n")
    assert place.until(lambda: again.out() == b"three\n", 10)
    bob.process.stdin.close()
    assert (bob.end(), again.end()) == (0, 0)
    hers, his = (all_good(place, log) for log in both_logs(place))
    resumed = [signed for signed in hers if signed.title == "opening"]
    assert [re.search("^(Opened|Resumed): ", signed.text, re.M)[1] for signed in resumed] == \
        ["Opened", "Opened", "Resumed", "Resumed"]
    assert "\nNext ID: 2\n" in resumed[2].text
    assert sorted(hers) == sorted(his)  # the receipts that Bob asked for come later in his log
    assert [signed.title for signed in his].count("receipt") == 3


def test_nothing_is_signed_in_plain_mode(place):
    """Goal: a plain session has no evidence, and says so."""
    alice = place.alice("--handshake", "plain")
    bob = place.send(b"one\n", "--handshake", "plain")
    assert (bob.end(), alice.end()) == (0, 0)
    for log in both_logs(place):
        assert heads_hold(log) and b"\nEvidence: none (keys were sent in the clear)\n" in log
        assert not {name for block in blocks(log) for name in block if
                    re.search("[Ss]ign|Receipt|'s head|Head at", name)}
