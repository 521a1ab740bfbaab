# SPDX-License-Identifier: Apache-2.0
"""Goal: no text and no name can forge a line of a log, or a screen; each log stands for itself."""
import hashlib
import re


def test_a_message_cannot_forge_the_log(place):
    """Goal: texts that look like fields, with every kind of line end, stay on their one line."""
    field = "Message ID: 99\nHash value: 00\nMessage confirmed at: 2018-10-22 15:49:27.776152 +0000"
    texts = [field.replace("\n", end) for end in ("\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\0",
                                                  "\x1b[1B\x1b[1G", "\\n", "\u202e", " ")]
    texts += ["Message text: x", "Ended: now", "\x1b[2J\x1b[H", "x\rMessage ID: 1"]
    texts += [f"{end}{name}: U1NIU0lH" for name in ("Receipt", "Origin signature", "Head at receipt", "Head")
              for end in ("", "\r", "\x85", "\u2028")]
    # A terminal takes U+0085 and bare C1 bytes as controls, too.
    raw = [text.encode() for text in texts] + [b"\x85Message ID: 99", b"\x9b2J"]
    alice = place.alice(terminal=True)
    bob = place.send(b"\n".join(raw) + b"\n")
    assert (bob.end(), alice.end()) == (0, 0)
    lines = place.log().read_bytes().split(b"\n")
    assert [line for line in lines if line.startswith(b"Message ID: ")] == \
        [b"Message ID: %d" % number for number in range(len(raw))]
    envelopes = sum(line.startswith(b"Messages: ") for line in lines)
    assert sum(line.startswith(b"Message confirmed at: ") for line in lines) == len(raw) + envelopes
    for name in (b"Receipt: ", b"Origin signature: ", b"Head at receipt: "):
        assert sum(line.startswith(name) for line in lines) == envelopes > 0
    assert place.log().read_text().splitlines() == place.log().read_text().split("\n")[:-1]
    escaped = [line[len(b"Message text: "):] for line in lines if line.startswith(b"Message text: ")]
    assert [unescape(text) for text in escaped] == raw
    assert all(0x20 <= byte != 0x7f for text in escaped for byte in text)
    fields = re.compile(rb"(Connected|Session|Opened|Handshake|Alice|Bob|Message ID|Hash value|"
                        rb"Timestamp|Message text|Message confirmed at|Messages|Messages in all|Head|Ended|"
                        rb"Next ID|Bob's head|Alice's head|Signed by Alice|Signed by Bob|Origin signature|"
                        rb"Head at receipt|Receipt|Head at the end): .*")
    assert all(line == b"" or fields.fullmatch(line) for line in lines)
    shown = alice.screen.text().encode()
    assert all(text in shown for text in escaped)
    assert b"\x1b[2J" not in alice.raw


def unescape(text):
    """The rule of the log, backwards."""
    plain = {b"\\\\": b"\\", b"\\n": b"\n", b"\\r": b"\r", b"\\t": b"\t"}
    return re.sub(rb"\\(?:x([0-9a-fA-F]{2})|.)",
                  lambda m: bytes([int(m[1], 16)]) if m[1] else plain[m[0]], text)


def test_a_key_comment_cannot_forge_the_log(place):
    """Goal: a name in a key list or key file that holds controls does not reach a log or screen."""
    name = place.config("alice") / "allowed_signers"
    name.write_bytes(b"b\x1b[2Job@\xff " + place.key("bob").encode() + b"\n")
    alice = place.alice(terminal=True)
    bob = place.send(b"x\n")
    bob.end()
    assert b"\x1b[2J" not in alice.raw
    logs = list((place.work / "logs").glob("*.log"))
    assert all(b"\x1b" not in log.read_bytes() for log in logs)


def test_a_conversation_can_be_repeated(place):
    """Goal: session after session in one folder, each with its own Fernet key and log."""
    for number in range(3):
        alice = place.alice("--log-detail", "full")
        assert (place.send(b"x\n").end(), alice.end()) == (0, 0)
    logs = [path.read_text() for path in (place.work / "logs").iterdir()]
    assert len({re.search("^Key: (.*)", log, re.M).group(1) for log in logs}) == 3


def test_log_detail_proof(place):
    """Goal: with --log-detail proof alice's log does not hold the text, and the hash is there; bob's is
    his outbox, and he says that he cannot leave the texts out."""
    alice = place.alice("--log-detail", "proof")
    bob = place.send(b"a secret text\n", "--log-detail", "proof")
    assert bob.end() == 2 and "bob: my log is my outbox" in bob.text()
    bob = place.send(b"a secret text\n")
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"a secret text\n")
    texts = {folder: place.log(folder).read_text() for folder in ("logs", "outbox")}
    assert "secret" not in texts["logs"] and "Message text: a secret text\n" in texts["outbox"]
    for text in texts.values():
        assert "Key:" not in text and hashlib.sha512(b"a secret text").hexdigest() in text
