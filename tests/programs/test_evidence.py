# SPDX-License-Identifier: Apache-2.0
"""Goal: what both sides signed stands in both logs, and stock ssh-keygen checks it."""
import hashlib
import re
import subprocess

import pytest

from avow_programs import BIN, TERMINATE, Proxy, heads_hold
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


def judged(place, command, *logs):
    """The word of judge on these logs."""
    signers = place.root / "signers"
    signers.write_text("".join(f"{who.lower()} {key}\n" for who, key in keys(place).items()))
    paths = [place.root / f"judged-{number}.log" for number in range(len(logs))]
    for path, log in zip(paths, logs):
        path.write_bytes(log)
    run = subprocess.run([BIN / "judge", command, *paths, "--keys", signers, "-q"], capture_output=True,
                         text=True, timeout=20, check=False)
    return run.stdout.split(":")[0].split("\n")[0]


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


def resumed(place, confirmations_lost):
    """A session of three messages, in which alice was killed after the second one."""
    alice = place.alice()
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    where = [f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice")]
    bob = place.bob(*where, stdin=subprocess.PIPE)
    bob.write(b"one\n")
    assert place.until(lambda: alice.out() == b"one\n", 10)
    assert place.until(lambda: place.log("outbox").read_bytes().count(b"\nReceipt: ") == 1, 10)
    proxy.swallow = confirmations_lost
    bob.write(b"two\n")
    assert place.until(lambda: alice.out() == b"one\ntwo\n", 10)
    assert confirmations_lost or place.until(
        lambda: place.log("outbox").read_bytes().count(b"\nReceipt: ") == 2, 10)
    proxy.port_of_alice = 1  # nobody's: hers may soon be that of some other alice
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


@pytest.mark.parametrize("lost", [False, True], ids=["all confirmed", "confirmations lost"])
def test_a_resumed_session(place, lost):
    """Goal: after a cut each connection is signed anew, what was stored keeps its receipt, and the heads
    that are signed afterwards are those of the new connection."""
    resumed(place, lost)
    hers, his = (all_good(place, log) for log in both_logs(place))
    openings = [signed for signed in hers if signed.title == "opening"]
    assert [re.search("^(Opened|Resumed): ", signed.text, re.M)[1] for signed in openings] == \
        ["Opened", "Opened", "Resumed", "Resumed"]
    assert "\nNext ID: 2\n" in openings[2].text
    assert sorted(hers) == sorted(his)  # the receipts that Bob asked for come later in his log
    assert [signed.title for signed in his].count("receipt") == 3
    assert judged(place, "same", *both_logs(place)) == "PROVEN"


def with_new_heads(log):
    """What an owner makes of his log when he has edited it: every `Head:` line fits again."""
    so_far, made = hashlib.sha256(), []
    for line in log.splitlines(keepends=True):
        if line.startswith(b"Head: "):
            line = f"Head: {so_far.hexdigest()}\n".encode()
        if not line.startswith((b"Message text: ", b"Key: ")):
            so_far.update(line)
        made.append(line)
    return b"".join(made)


def block_removed(name):
    return lambda log: re.sub(rb"\n%s: .*?\n(?=\n)" % name, b"", log, count=1, flags=re.S)


def digit_changed(before):
    return lambda log: re.sub(rb"(?m)^(%s.*:\d\d\.\d{5})(\d)" % before,
                              lambda m: m[1] + b"%d" % (9 - int(m[2])), log, count=1)


EDITS = {
    "another text": lambda log: log.replace(hashlib.sha512(b"one").hexdigest().encode(),
                                            hashlib.sha512(b"eno").hexdigest().encode()).replace(b"one\n", b"eno\n"),
    "another time": digit_changed(b"Timestamp: "),
    "another time of the opening": digit_changed(b"Opened: "),
    "another time of the receipt": digit_changed(b"(?<=0-0\n)Message confirmed at: "),
    "another time of the end": digit_changed(b"Ended: "),
    "a message gone": block_removed(b"Message ID"),
    "an incident gone": block_removed(b"Incident"),
    "a connection gone": lambda log: re.sub(rb"\nConnected: [^\n]*\nSession: [^\n]*\nResumed: .*?\n(?=\n)", b"",
                                            log, count=1, flags=re.S),
    "an incident more": lambda log: log.replace(
        b"\nMessages: 0-0\n", b"\nIncident: Late token. Possible replay attack.\nVerdict: stale\n"
        b"Seen at: 2026-01-01 00:00:00.000000 +0000\n\nMessages: 0-0\n"),
}


def test_an_owner_who_edits_his_log(place):
    """Goal: a change before the last receipt is refuted by the signatures, or by the heads that they name,
    although every `Head:` line was made anew; judge finds it, too."""
    def holds(log):
        assert heads_hold(log)
        try:
            check_heads(log)
            found = statements(log)
        except (AssertionError, KeyError, UnboundLocalError):
            return False
        return all(ssh_keygen_verifies(place.root, signed, keys(place)) for signed in found)

    resumed(place, False)
    for log in both_logs(place):
        assert holds(log) and with_new_heads(log) == log and judged(place, "verify", log) == "PROVEN"
        for what, edit in EDITS.items():
            edited = edit(log)
            if what == "an incident gone" and b"\nIncident: " not in log:
                assert not log.startswith(b"To: ")  # alice was killed, and saw no cut
                continue
            edited = with_new_heads(edited)
            assert edited != log and not holds(edited) and judged(place, "verify", edited) == "REFUTED", what


def test_nothing_is_signed_in_plain_mode(place):
    """Goal: a plain session has no evidence, and says so."""
    alice = place.alice("--handshake", "plain")
    bob = place.send(b"one\n", "--handshake", "plain")
    assert (bob.end(), alice.end()) == (0, 0)
    for log in both_logs(place):
        assert heads_hold(log) and b"\nEvidence: none (keys were sent in the clear)\n" in log
        assert not {name for block in blocks(log) for name in block if
                    re.search("[Ss]ign|Receipt|'s head|Head at", name)}
