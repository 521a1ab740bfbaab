# SPDX-License-Identifier: Apache-2.0
"""What both sides sign, made from the lines of a log; written from docs/EVIDENCE.md alone."""
import hashlib
import re
import struct
import subprocess
from collections import namedtuple

EMPTY = hashlib.sha256().hexdigest()
Signed = namedtuple("Signed", "title by text signature at")  # at: the time that the signed record bears


class Block(dict):
    """A block of a log: its lines by name; ${there}: the head of the log before each of them."""


def blocks(log):
    """All blocks of a log (bytes), in order, those of one `Head:` line too."""
    so_far, block, found = hashlib.sha256(), Block(), []
    block.there = {}
    for line in log.splitlines(keepends=True):
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if line == b"\n":
            found.append(block)
            block = Block()
            block.there = {}
        else:
            assert name not in block, line
            block[name], block.there[name] = value, so_far.hexdigest()
        if not line.startswith((b"Message text: ", b"Key: ")):
            so_far.update(line)
    return [*found, block]


def text(title, block, *names):
    """A statement with these lines of a block."""
    return f"avow {title} 1\n" + "".join(f"{name}: {block[name]}\n" for name in names)


def statements(log):
    """Everything that is signed in a log."""
    found, messages, opening = [], {}, None
    for block in blocks(log):
        if "Connected" in block:
            opening = block
            for name in ("Alice", "Bob"):
                block[name] = " ".join(block[name].split()[:2])
            when = "Resumed" if "Resumed" in block else "Opened"
            names = ["Session", when, "Handshake", "Alice", "Bob", "Next ID", "Bob's head", "Alice's head"]
            session = {name: block[name] for name in ("Session", "Alice", "Bob")}
            at, statement = block[when], text("opening", block, *names)
            found.append(Signed("opening", "Alice", statement, block["Signed by Alice"], at))
        elif list(block) == ["Signed by Bob"]:
            found.append(Signed("opening", "Bob", statement, block["Signed by Bob"], at))
        elif "Message ID" in block:
            messages[int(block["Message ID"])] = "".join(
                f"{name}: {block[name]}\n" for name in ("Message ID", "Hash value", "Timestamp"))
        elif "Messages" in block:
            first, last = map(int, block["Messages"].split("-"))
            lines = "".join(messages[number] for number in range(first, last + 1))
            block = {**block, **session, "Digest": hashlib.sha256(lines.encode()).hexdigest()}
            at, both = block["Message confirmed at"], ["Session", "Alice", "Bob", "Messages", "Digest"]
            found.append(Signed("origin", "Bob", text("origin", block, *both, "Bob's head", "Alice's head"),
                                block["Origin signature"], at))
            found.append(Signed("receipt", "Alice", text("receipt", block, *both, "Message confirmed at",
                                                         "Bob's head", "Head at receipt"), block["Receipt"], at))
        elif "Messages in all" in block:
            block = {**block, **session}
            both, at = ["Session", "Alice", "Bob", "Messages in all"], block["Ended"]
            if "Signed by Bob" in block:
                found.append(Signed("end", "Bob", text("end", block, *both, "Bob's head", "Alice's head"),
                                    block["Signed by Bob"], at))
            found.append(Signed("ended", "Alice", text("ended", block, *both, "Ended", "Bob's head",
                                                       "Head at the end"), block["Signed by Alice"], at))
    return found


def check_heads(log):
    """All heads that a log names are heads that it has; and in Alice's log each head of hers that Bob
    signed is the last connection's, or of a receipt behind it, and never goes back."""
    hers, own, given, count, asked = not log.startswith(b"To: "), [EMPTY], [], 0, False
    for block in blocks(log):
        for name in ("Head", "Head at receipt", "Head at the end"):
            if name in block and (hers or name == "Head"):
                assert block[name] == block.there[name], block
        if "Head" in block:
            own.append(block["Head"])
        if "Connected" in block:
            assert not hers or (block["Alice's head"], int(block["Next ID"])) == (own[-1], count), block
            given = [block["Alice's head"]] if hers else [*given, block["Alice's head"]]
        elif "Alice's head" in block:
            assert block["Alice's head"] in given, block
            given = given[given.index(block["Alice's head"]):] if hers else given
        if not hers and "Bob's head" in block:
            assert block["Bob's head"] in own, block
        if "Receipt" in block:
            given.append(block["Head at receipt"])
            count = int(block["Messages"].split("-")[1]) + 1


def signed_data(statement):
    """What an SSHSIG of it signs."""
    string = lambda data: struct.pack(">I", len(data)) + data
    digest = hashlib.sha512(statement.encode()).digest()
    return b"SSHSIG" + b"".join(map(string, (b"avow", b"", b"sha512", digest)))


def ssh_keygen_verifies(folder, signed, keys):
    """Whether stock ssh-keygen finds that ${signed} is by its signer; keys: "Alice" and "Bob" -> line."""
    allowed, file = folder / "allowed_signers", folder / "statement.sig"
    allowed.write_text("".join(f'{who} namespaces="avow" {key}\n' for who, key in keys.items()))
    lines = "\n".join(re.findall(".{1,70}", signed.signature))
    file.write_text(f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n")
    run = subprocess.run(["ssh-keygen", "-Y", "verify", "-n", "avow", "-f", allowed, "-I", signed.by, "-s", file],
                         input=signed.text.encode(), capture_output=True, timeout=20, check=False)
    return run.returncode == 0 and b'Good "avow" signature' in run.stdout
