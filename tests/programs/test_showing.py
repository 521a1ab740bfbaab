# SPDX-License-Identifier: Apache-2.0
"""What real logs can be shown to somebody: export, receipt, redact."""
import re
import subprocess

from avow_programs import ROOT

SECOND = ROOT / "tools" / "verify_evidence"
PROVEN = 0


def commands(readme):
    return [line[6:] for line in readme.read_text().splitlines() if line.startswith("    $ ")]


def judge(place, *args):
    code, told, said = place.run("judge", *args)
    assert code == PROVEN, said
    return told, said


def test_every_message_of_a_session(place):
    """Goal: from both logs of a session with envelopes of several messages, over two connections, each message is
    exported, and the commands of its README confirm it."""
    keys = place.work / "keys"
    keys.write_text("".join(f"{who}@host {place.key(who)}\n" for who in ("alice", "bob")))
    alice = place.alice("--serve")
    texts = ["Grüße \\ \t", "", "quit", *(f"number {number}" for number in range(9))]
    assert place.send("".join(text + "\n" for text in texts).encode()).end() == 0
    alice.signal(15)
    alice.end()
    for log in (place.log(), place.log("outbox")):
        judge(place, "verify", log, "--keys", keys)
        for number, text in enumerate(texts):
            out = place.work / f"{log.parent.name}-{number}"
            judge(place, "export", log, "--message", number, out, "--keys", keys)
            assert (out / "text").read_text() == text
            script = "set -e\n" + "\n".join(command + " | grep -q ." for command in commands(out / "README"))
            done = subprocess.run(["bash", "-o", "pipefail", "-c", script], cwd=out, capture_output=True, timeout=20)
            assert done.returncode == 0, (number, done)
        told, _ = judge(place, "receipt", log, "--message", 3, "--keys", keys)
        assert "From        bob@host\n" in told and "Text        number 0\n" in told


def test_a_log_without_texts(place):
    """Goal: with --log-detail proof there is nothing to take out of Alice's log, and Bob's copy, redacted, still
    verifies beside it."""
    keys = place.work / "keys"
    keys.write_text("".join(f"{who}@host {place.key(who)}\n" for who in ("alice", "bob")))
    alice = place.alice("--log-detail", "proof")
    assert place.send(b"one\ntwo\n").end() == 0
    alice.end()
    copy, said = judge(place, "redact", place.log(), "--message", 0)
    assert "there was nothing to take out" in said and copy == place.log().read_text()
    judge(place, "redact", place.log("outbox"), "--message", 1, "-o", "copy.log")
    assert re.findall("Message text: (.*)", (place.work / "copy.log").read_text()) == ["one"]
    told, _ = judge(place, "verify", place.log(), "copy.log", "--keys", keys)
    assert told.startswith("PROVEN: ")
    told, _ = judge(place, "receipt", "copy.log", "--message", 1, "--keys", keys)
    assert "Text        withheld" in told


def test_a_log_with_the_key(place):
    """Goal: a copy of a log of --log-detail full has no key, and verifies."""
    keys = place.work / "keys"
    keys.write_text("".join(f"{who}@host {place.key(who)}\n" for who in ("alice", "bob")))
    alice = place.alice("--log-detail", "full")
    assert place.send(b"one\n").end() == 0
    alice.end()
    assert "\nKey: " in place.log().read_text()
    _, said = judge(place, "redact", place.log(), "--message", 0, "-o", "copy.log")
    assert "\nKey: " not in (place.work / "copy.log").read_text() and "key was taken out" in said
    judge(place, "verify", "copy.log", place.log("outbox"), "--keys", keys)
    second = subprocess.run([SECOND, "copy.log", place.log("outbox"), "--keys", keys], cwd=place.work, timeout=60)
    assert second.returncode == PROVEN
