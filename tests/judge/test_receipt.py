# SPDX-License-Identifier: Apache-2.0
"""judge receipt and judge redact: what is shown, and what is withheld."""
import hashlib
import html.parser
import re
import subprocess
import sys

import pytest

import forge
from showing import JUDGE, PROVEN, REFUTED, ROOT, UNDECIDED, USAGE, Room, room  # noqa: F401

NASTY = "<script>alert(\"no\")</script> & 'q' \x1b[31m Grüße {}"
ALICE_PRINT, BOB_PRINT = (
    subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=key.line, capture_output=True, text=True,
                   timeout=20).stdout.split()[1] for key in (forge.ALICE, forge.BOB))


@pytest.mark.parametrize("log", ["alice.log", "bob.log"])
def test_a_receipt_says_all_that_is_proven(room, log):
    """Goal: who, to whom, what hash, which text, when, which id and session, and the verdict."""
    shown = room.good("receipt", log, "--message", 2, "--keys", "keys")
    sha = hashlib.sha512(b"Hey dude, number 2").hexdigest()
    block = next(block for block in room.session.alice.blocks if block[0] == ["Message ID", 2])
    for part in (f"From        bob@host\n            {BOB_PRINT}\n", f"To          alice@host\n            {ALICE_PRINT}\n",
                 f"Message     2 of the session {room.session.id}\n", f"{sha[:64]}\n            {sha[64:]}\n",
                 "Text        Hey dude, number 2\n", f"Sent        {forge.get(block, 'Timestamp')}, by the sender's",
                 f"Stored      {forge.get(block, 'Message confirmed at')}, by the receiver's",
                 "\nPROVEN: bob@host has signed that this message was sent,\nand alice@host has signed"):
        assert part in shown, part


def test_a_key_that_was_revoked_in_the_middle(room):
    """Goal: Bob's key ends between two connections: what he sent before is proven, what came later is not."""
    times = [forge.get(block, "Message confirmed at") for block in room.session.alice.blocks if block[0][0] == "Messages"]
    assert times[1] < "2026-11-22 21:31:00" < times[2]
    (room.folder / "keys").write_text(forge.allowed_signers(bob='valid-before="20261122203100Z"'))
    assert "PROVEN" in room.good("receipt", "bob.log", "--message", 3, "--keys", "keys")
    said = room.refused(UNDECIDED, "was not valid at", "receipt", "bob.log", "--message", 4, "--keys", "keys")
    assert BOB_PRINT in said


class Page(html.parser.HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.attributes, self.open = [], "", [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_page_stands_alone_and_runs_nothing(tmp_path):
    """Goal: a text of HTML stays text; nothing is loaded from elsewhere, nothing is run."""
    room = Room(tmp_path, forge.honest(groups=(1,), texts=NASTY), f"<b>ob {forge.BOB.line}\na&b {forge.ALICE.line}\n")
    page = room.good("receipt", "alice.log", "--message", 0, "--keys", "keys", "--html")
    read = Page(page)
    assert read.open == []
    assert set(read.tags) <= {"html", "head", "meta", "title", "style", "body", "h1", "table", "tr", "th", "td", "code",
                              "br", "p", "strong"}
    assert {name for name, _ in read.attributes} <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert "url(" not in page and "@import" not in page and "size: A4" in page
    for part in ("<script>alert(\"no\")</script> & 'q' \\x1b[31m Grüße 0", "<b>ob", "a&b", ALICE_PRINT, BOB_PRINT, "PROVEN"):
        assert part in read.text, part
    assert "\x1b" not in page


def test_no_receipt_without_proof(room, tmp_path):
    """Goal: what is not verified gets no receipt, on stdout there is nothing."""
    args = ["--message", "2", "--keys", "keys"]
    room.refused(USAGE, "--keys", "receipt", "alice.log", "--message", 2)
    room.refused(UNDECIDED, "no message 9", "receipt", "alice.log", "--message", 9, "--keys", "keys")
    data = (tmp_path / "alice.log").read_bytes()
    (tmp_path / "bad.log").write_bytes(data.replace(b"number 2\n", b"number 3\n"))
    room.refused(REFUTED, "damaged at line", "receipt", "bad.log", *args)
    blocks = forge.parse(data)
    envelope = next(block for block in blocks if block[0] == ["Messages", "1-3"])
    forge.put(envelope, "Message confirmed at", "2020-01-01 00:00:00.000000 +0000")
    blocks = forge.repair(blocks, "Alice", forge.ALICE, sign=False)
    (tmp_path / "bad.log").write_bytes(forge.text_of(blocks))
    room.refused(REFUTED, "Alice's receipt does not verify", "receipt", "bad.log", *args)
    (tmp_path / "plain.log").write_text(plain())
    room.refused(UNDECIDED, "in the clear", "receipt", "plain.log", "--message", 0, "--keys", "keys")


def plain():
    """The log of a session whose keys were sent in the clear."""
    log, sha = forge.Log(), hashlib.sha512(b"Hey").hexdigest()
    log.add(("Connected", "('127.0.0.1', 52114)"), ("Session", "00" * 16), ("Opened", forge.when(forge.BEGIN)),
            ("Handshake", "plain"), ("Evidence", "none (keys were sent in the clear)"))
    log.add(("Message ID", 0), ("Hash value", sha), ("Timestamp", forge.when(forge.BEGIN)), ("Message text", "Hey"),
            ("Message confirmed at", forge.when(forge.BEGIN)))
    log.add(("Messages", "0-0"))
    log.seal()
    return log.bytes().decode()


def second_verifier(room, *logs):
    return subprocess.run([sys.executable, ROOT / "tools" / "verify_evidence", *logs, "--keys", "keys"], cwd=room.folder,
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("log,other", [("alice.log", "bob.log"), ("bob.log", "alice.log")])
def test_a_copy_without_a_text_still_verifies(room, log, other):
    """Goal: the line is gone, nothing else is, and the evidence of the copy is as good as before."""
    before = (room.folder / log).read_text()
    copy = room.good("redact", log, "--message", 2, "--message", 5)
    lost = [f"Message text: Hey dude, number {number}\n" for number in (2, 5)]
    expected = before
    for line in lost:
        assert before.count(line) == 1
        expected = expected.replace(line, "")
    assert copy == expected and (room.folder / log).read_text() == before
    (room.folder / "copy.log").write_text(copy)
    done = second_verifier(room, "copy.log", other)
    assert done.returncode == PROVEN, done.stdout + done.stderr
    shown = room.good("receipt", "copy.log", "--message", 2, "--keys", "keys")
    assert "Text        withheld" in shown and "PROVEN" in shown
    assert "Text        Hey dude, number 3" in room.good("receipt", "copy.log", "--message", 3, "--keys", "keys")


def test_a_copy_in_a_file(room):
    """Goal: -o makes a new file for its owner only, and never touches one that is there."""
    room.good("redact", "alice.log", "--message", 0, "-o", "copy.log")
    path = room.folder / "copy.log"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == room.good("redact", "alice.log", "--message", 0)
    room.refused(USAGE, "copy.log", "redact", "alice.log", "--message", 1, "-o", "copy.log")
    room.refused(USAGE, "alice.log", "redact", "alice.log", "--message", 1, "-o", "alice.log")
    assert "number 1" in path.read_text()


def test_redact_refuses(room, tmp_path):
    """Goal: an id that is not there, a damaged log, a wrong command line: nothing is written."""
    room.refused(USAGE, "no message 7", "redact", "alice.log", "--message", 1, "--message", 7)
    room.refused(USAGE, "no message 7", "redact", "alice.log", "--message", 7, "-o", "copy.log")
    data = (tmp_path / "alice.log").read_bytes()
    (tmp_path / "bad.log").write_bytes(data.replace(b"number 2\n", b"number 3\n"))
    room.refused(REFUTED, "damaged at line", "redact", "bad.log", "--message", 1, "-o", "copy.log")
    for args in (["alice.log"], ["--message", 1], ["alice.log", "--message", "x"], ["alice.log", "bob.log", "--message", 1]):
        room.refused(USAGE, "judge: ", "redact", *args)
    assert not (tmp_path / "copy.log").exists()
    with open("/dev/full", "w") as full:
        done = subprocess.run([JUDGE, "redact", "alice.log", "--message", "1"], cwd=tmp_path, stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == USAGE and "cannot write" in done.stderr


def test_no_text_to_take_out(room, tmp_path):
    """Goal: on a log that never had the texts (--log-detail proof), that is said, and the copy is the same."""
    proof = re.sub("Message text: .*\n", "", (tmp_path / "alice.log").read_text())
    (tmp_path / "proof.log").write_text(proof)
    done = room.judge("redact", "proof.log", "--message", 2)
    assert done.returncode == PROVEN and done.stdout == proof
    assert "Message 2 has no text in proof.log" in done.stderr


def test_a_torn_end_and_the_key_stay_behind(tmp_path):
    """Goal: a text that a crash left at the end does not slip through, nor the key of the session."""
    key = "A" * 43 + "="
    room = Room(tmp_path, forge.honest(groups=(1, 1), key_line=key))
    whole = (tmp_path / "alice.log").read_text()
    assert f"Key: {key}\n" in whole
    torn = whole + "\nMessage ID: 0\nHash value: " + "0" * 128 + "\nTimestamp: 2026-11-22 21:30:06.020730 +0100\n"
    (tmp_path / "torn.log").write_text(torn + "Message text: secre")
    done = room.judge("redact", "torn.log", "--message", 0)
    assert done.returncode == PROVEN and "key was taken out" in done.stderr
    expected = whole.replace(f"Key: {key}\n", "").replace("Message text: Hey dude, number 0\n", "")
    assert done.stdout == expected
    (tmp_path / "copy.log").write_text(done.stdout)
    assert "PROVEN" in room.good("receipt", "copy.log", "--message", 0, "--keys", "keys")


def test_a_long_log_in_pieces(tmp_path):
    """Goal: lines that lie across the pieces in which a file is read come out whole."""
    room = Room(tmp_path, forge.honest(groups=(3,) * 4, texts="x" * 99_991 + " {}"))
    before = (tmp_path / "bob.log").read_text()
    assert len(before) > 1_000_000
    gone = f"Message text: {'x' * 99_991} 7\n"
    assert room.good("redact", "bob.log", "--message", 7) == before.replace(gone, "")
