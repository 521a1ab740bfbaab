# SPDX-License-Identifier: Apache-2.0
"""judge, as a program, on logs that real programs wrote."""
import json
import os
import re
import signal
import subprocess

import pytest

from avow_programs import BIN, FINGERPRINT, INTERRUPT, damaged

PROVEN, REFUTED, USAGE, UNDECIDED = 0, 1, 2, 3


def judge(place, *args, keys="people", **more):
    """Run it in the folder of a place: status, stdout, stderr."""
    options = [] if keys is None else ["--keys", keys]
    done = subprocess.run([str(BIN / "judge"), *map(str, args), *options], cwd=place.work, text=True,
                          capture_output=True, timeout=30, env=place.env("bob"), **more)
    return done.returncode, done.stdout, done.stderr


def know(place, alice="", bob=""):
    """The judge's own list."""
    (place.work / "people").write_text(f"# who is who\nalice@host {alice} {place.key('alice')} her key\n"
                                       f"bob@host {bob} {place.key('bob')}\n")


@pytest.fixture
def session(place):
    """Three messages, ended by bob: alice's log and bob's."""
    alice = place.alice()
    assert place.send(b"one\n\x1b[31mtwo\nthree\n").process.returncode == 0
    assert alice.end() == 0
    know(place)
    return place.log().relative_to(place.work), place.log("outbox").relative_to(place.work)


def test_answers(place, session):
    """Goal: each question about an honest session has its answer, its word first, and its exit status."""
    alice, bob = session
    for args, status, first in [
            (("verify", alice), PROVEN, "PROVEN: Alice's log is as it was signed. Messages that both "
             "signatures cover: 3. Whether something behind them was cut off, only the other log can show."),
            (("verify", bob, alice), PROVEN,
             "PROVEN: Both logs are as they were signed, and tell one story of 3 messages."),
            (("same", alice, bob), PROVEN,
             "PROVEN: Both logs are as they were signed, and tell one story of 3 messages."),
            (("complete", alice, bob), PROVEN,
             "PROVEN: The whole session is there: 3 messages, to its end, which both have signed."),
            (("sent", 0, alice), PROVEN, r"PROVEN: Bob sent message 0: his origin signature of messages "
             r"0-\d stands in Alice's log, line \d+\."),
            (("stored", 2, bob), PROVEN, r"PROVEN: Alice stored message 2: her receipt of messages \d-2 "
             r"stands in Bob's log, line \d+\."),
            (("stored", 3, alice, bob), REFUTED, r"REFUTED: Alice did not store message 3: both logs end "
             r"with an end of 3 messages in all, which both have signed \(Alice's log, line \d+\)\."),
            (("sent", 3, alice), UNDECIDED, r"UNDECIDED: Alice's log ends with an end of 3 messages in all, "
             r"line \d+; but a session may go on behind an end, and whether this one did, only both logs "
             r"together show\.")]:
        code, out, err = judge(place, *args)
        assert (code, err) == (status, "")
        shown = out.split("\n", 1)[0]
        assert shown == first or re.fullmatch(first, shown), shown
        assert judge(place, *args, "--quiet") == (status, shown + "\n", "")
        assert "\x1b" not in out


def test_details(place, session):
    """Goal: below the answer stands who, by the judge's list, and how far both logs agree."""
    alice, bob = session
    text = judge(place, "verify", alice, bob)[1]
    assert re.search(f"^Alice: alice@host, {FINGERPRINT} \\(line 2 of your list\\)$", text, re.M)
    assert re.search(f"^Bob: bob@host, {FINGERPRINT} \\(line 3 of your list\\)$", text, re.M)
    assert f"Alice's log: {alice}\n  3 messages (3 with text), 3 of them in " in text
    last = re.findall("^Head: (.*)", (place.work / alice).read_text(), re.M)[-1]
    assert f"signatures checked; last head {last}\n" in text
    assert "Both: one story of 1 connection and 3 messages, to its end\n" in text
    told = json.loads(judge(place, "sent", 1, alice, bob, "--json")[1])
    assert (told["ruling"], told["question"], told["id"]) == ("PROVEN", "sent", 1)
    assert (told["alice"]["principal"], told["bob"]["principal"]) == ("alice@host", "bob@host")
    assert told["alice"]["key"] == place.key("alice")
    assert [log["keeper"] for log in told["logs"]] == ["Alice", "Bob"]
    assert all(log["messages"] == 3 and log["ended"] and "fault" not in log for log in told["logs"])
    assert told["both"]["messages"] == 3 and told["both"]["ended"]


def test_damage(place, session):
    """Goal: each damage to a file is named with its line, is never proven, and the file stays as it is."""
    alice, bob = session
    for log in (alice, bob):
        path = place.work / log
        good = path.read_bytes()
        for kind, bad in damaged(good).items():
            path.write_bytes(bad)
            code, out, err = judge(place, "verify", alice, bob)
            assert (code in (REFUTED, UNDECIDED), err) == (True, ""), kind
            assert re.match(r"REFUTED: (Alice|Bob)'s log, line \d+: .|UNDECIDED: .* no head line covers|"
                            r"REFUTED: The log, line 1", out), (kind, out)
            assert path.read_bytes() == bad
        path.write_bytes(good)


def test_keys(place, session):
    """Goal: keys come from the judge's list only: unknown, run out, of somebody else; in time is good."""
    alice, bob = session
    assert judge(place, "verify", alice, "--alice", "alice@host", "--bob", "bob@host")[0] == PROVEN
    code, out, _ = judge(place, "verify", alice, "--alice", "carol@host")
    assert code == REFUTED and "is that of alice@host, and not of carol@host" in out
    for options, status, why in [('valid-before="20200101"', UNDECIDED, "was not valid at that time"),
                                 ('valid-after="20990101"', UNDECIDED, "was not valid at that time"),
                                 ('valid-after="20200101"', PROVEN, ""),
                                 ('namespaces="file"', UNDECIDED, "is not in your list of keys")]:
        know(place, bob=options)
        code, out, _ = judge(place, "same", alice, bob)
        assert code == status and why in out
    (place.work / "people").write_text("")
    code, out, _ = judge(place, "sent", 0, alice, bob)
    assert code == UNDECIDED and "is not in your list of keys" in out


def test_bad_input(place, session):
    """Goal: what cannot be ruled on says what is wrong and what to do, with an exit status of its own."""
    alice, bob = session
    (place.work / "empty").touch()
    (place.work / "broken").write_text("alice@host ssh-ed25519 AAAA\n")
    os.mkfifo(place.work / "pipe")
    for args, keys, why in [
            (("verify", alice), None, "Say it with --keys FILE"),
            (("verify", alice), "nowhere", "cannot read the keys in nowhere: "),
            (("verify", alice), "broken", "cannot read line 1 of broken. Mend it: a line is a name and a key"),
            (("verify", "nowhere"), "people", "cannot read nowhere: No such file or directory"),
            (("verify", "."), "people", "cannot read .: Is a directory"),
            (("verify", "pipe"), "people", "cannot read pipe: "),
            (("verify",), "people", "verify wants one log, or two"),
            (("verify", alice, bob, alice), "people", "verify wants one log, or two"),
            (("same", alice), "people", "same wants two logs"),
            (("sent", 0, alice, alice), "people", "both are logs of Alice's"),
            (("complete", bob, bob), "people", "both are logs of Bob's"),
            (("sent", alice), "people", "sent wants the number of a message"),
            (("sent", "-1", alice), "people", "I do not know the option"),
            (("sent", "9007199254740992", alice), "people", "sent wants the number of a message"),
            (("redact", alice, "--message", "9007199254740992"), None, "redact takes --message N"),
            (("verify", alice, "--why"), "people", "I do not know the option '--why'"),
            (("forgive", alice), "people", "I do not know what 'forgive' is"),
            ((), None, "say what to rule on")]:
        code, out, err = judge(place, *args, keys=keys)
        assert (code, out) == (USAGE, "") and why in err, (args, code, err)
    code, out, _ = judge(place, "verify", "empty")
    assert code == UNDECIDED and "holds no connection" in out
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BIN / "judge", "verify", alice, "--keys", "people"], cwd=place.work, stdout=full,
                              stderr=subprocess.PIPE, timeout=30)
    assert done.returncode == USAGE and b"cannot write to standard output" in done.stderr


def test_copies(place, session):
    """Goal: two logs of one side: one may go on where the other ends; of two sessions they are not the same."""
    alice, bob = session
    for log, who in ((alice, "Alice"), (bob, "Bob")):
        whole = (place.work / log).read_bytes()
        (place.work / "copy").write_bytes(whole[:whole.rindex(b"\n\nMessages in all: ") + 1])
        code, out, _ = judge(place, "same", log, "copy", "-q")
        assert (code, out) == (PROVEN, f"PROVEN: Both are logs of {who}'s, as they were signed, and one goes on "
                                       "where the other ends.\n")
    first = (place.work / alice).read_bytes()
    (place.work / alice).unlink()
    (place.work / "first").write_bytes(first)
    again = place.alice()
    assert place.send(b"one\n").process.returncode == 0 and again.end() == 0
    code, out, _ = judge(place, "same", "first", place.log(), "-q")
    assert code == REFUTED and "another session than in line" in out and "speaks" not in out


def test_only_reads(place, session):
    """Goal: a log may be a link, and read-only; judge opens it for reading, and writes no file."""
    alice, _ = session
    (place.work / "link").symlink_to(alice)
    (place.work / alice).chmod(0o400)
    (place.work / "logs").chmod(0o500)
    before = sorted(place.work.rglob("*"))
    assert judge(place, "verify", "link")[0] == PROVEN
    assert sorted(place.work.rglob("*")) == before
    (place.work / "logs").chmod(0o700)


def test_plain(place):
    """Goal: a session whose keys went over the line in the clear proves nothing, and says so."""
    alice = place.alice("--handshake", "plain")
    assert place.send(b"one\n", "--handshake", "plain").process.returncode == 0
    assert alice.end() == 0
    know(place)
    logs = [place.log(), place.log("outbox")]
    for args in (["verify", logs[0]], ["verify", logs[1]], ["same", *logs], ["complete", logs[0]],
                 ["sent", 0, logs[0]], ["stored", 0, logs[1]], ["stored", 7, *logs]):
        code, out, _ = judge(place, *args)
        assert code == UNDECIDED
        assert "this session has no evidence: keys were sent in the clear" in out.lower()


def test_resumed(place):
    """Goal: a session over a killed bob and a killed alice is one story."""
    know(place)
    alice = place.alice("--serve")
    bob = place.bob(stdin=subprocess.PIPE)
    for i in range(20):
        bob.write(b"message %d\n" % i)
    bob.see("Connected")
    place.until(lambda: b"message 19" in alice.out(), 10)
    bob.process.kill()
    bob.process.wait()
    alice.process.kill()
    alice.process.wait()
    alice = place.alice("--serve")
    bob = place.bob(stdin=subprocess.PIPE)
    bob.see("Connected")
    bob.write(b"one more\n")
    place.until(lambda: b"one more" in alice.out(), 10)
    bob.process.stdin.close()
    assert bob.end() == 0
    alice.signal(signal.SIGTERM)
    alice.end()
    for args in (["same"], ["complete"], ["stored", 20], ["sent", 20]):
        code, out, _ = judge(place, *args, place.log(), place.log("outbox"))
        assert code == PROVEN, out
    assert "one story of 21 messages" in judge(place, "same", place.log(), place.log("outbox"))[1]


def test_alice_stops(place):
    """Goal: an end that only alice has signed is told as such."""
    know(place)
    alice = place.alice()
    bob = place.bob(stdin=subprocess.PIPE)
    bob.write(b"one\n")
    place.until(lambda: b"one" in alice.out(), 10)
    alice.signal(INTERRUPT)
    alice.end()
    bob.end()
    code, out, _ = judge(place, "same", place.log(), place.log("outbox"))
    assert code == PROVEN, out
    code, out, _ = judge(place, "complete", place.log())
    assert code == UNDECIDED and "Bob has not signed that these were all" in out


def test_help_and_manual():
    """Goal: --help fits a screen, and names what the manual has."""
    text = subprocess.run([BIN / "judge", "--help"], capture_output=True, check=True, text=True).stdout
    assert len(text.splitlines()) <= 24 and max(map(len, text.splitlines())) <= 92
    version = subprocess.run([BIN / "judge", "--version"], capture_output=True, check=True, text=True).stdout
    assert version.startswith("judge (avow) ")
