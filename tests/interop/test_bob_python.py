# SPDX-License-Identifier: Apache-2.0
"""A bob in Python, written from docs/PROTOCOL.md alone, is understood by the real alice."""
import hashlib
import os
import pathlib
import random
import re
import subprocess
import sys
import time

import pytest

BIN = pathlib.Path(os.environ.get("AVOW_BUILD", "build")).resolve() / "bin"
BOB = pathlib.Path(__file__).resolve().parent / "bob.py"


def talk(folder, texts, *options):
    """Let bob.py say these to an alice of its own: what she printed, and her log."""
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "out").open("wb") as printed, (folder / "screen").open("wb") as screen:
        alice = subprocess.Popen([BIN / "alice", "--handshake", "plain", "--log-detail", "full"],
                                 cwd=folder, env=environment, stdout=printed, stderr=screen)
    try:
        deadline = time.monotonic() + 10
        while not (folder / "port").exists():
            assert time.monotonic() < deadline and alice.poll() is None
            time.sleep(0.01)
        bob = subprocess.Popen([sys.executable, BOB, *options], cwd=folder, stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        try:
            _, said = bob.communicate(b"".join(text + b"\n" for text in texts), timeout=60)
        finally:
            bob.kill()
            bob.wait()
        assert (bob.returncode, said) == (0, b"")
        assert alice.wait(20) == 0, (folder / "screen").read_text(encoding="utf-8")
    finally:
        alice.kill()
        alice.wait()
    log, = (folder / "logs").glob("*.log")
    return (folder / "out").read_bytes(), log.read_bytes()


def check(texts, out, log):
    """Every message once, in order, with its hash; and an orderly end."""
    assert out == b"".join(text + b"\n" for text in texts)
    hashes = [hashlib.sha512(text).hexdigest().encode() for text in texts]
    assert re.findall(rb"(?m)^Hash value: (.*)$", log) == hashes
    assert re.findall(rb"(?m)^Message ID: (.*)$", log) == [b"%d" % i for i in range(len(texts))]
    assert log.count(b"\nMessage confirmed at: ") == len(texts)
    assert re.search(rb"\n\nMessages in all: %d\nEnded: [-0-9]{10} [:.0-9]{15} [-+]\d{4}\n"
                     rb"\nHead: [0-9a-f]{64}\n\Z" % len(texts), log)
    assert b"Incident" not in log


def test_messages_of_all_sizes(tmp_path):
    """Goal: texts from 0 bytes to 1 MiB, around every size where padding and base64 step, each in an
    envelope of its own, arrive as they were."""
    sizes = [*range(0, 130), 255, 256, 257, 1000, 4095, 4096, 4097, 65434, 65435, 65436, 65437, 65536,
             100000, 300000, 1048575, 1048576]
    noise = random.Random(2)
    texts = [bytes(noise.choice(b"abc \xc3\xa4\x00\x1b\\") for _ in range(size)) for size in sizes]
    out, log = talk(tmp_path, texts, "--each")
    check(texts, out, log)


@pytest.mark.parametrize("count", [1, 2, 3, 100, 1024, 1025, 5000])
def test_several_messages_in_an_envelope(tmp_path, count):
    """Goal: up to 1024 messages share an envelope, and a 1025th takes the next one."""
    texts = [b"message %d" % number for number in range(count)]
    out, log = talk(tmp_path, texts)
    check(texts, out, log)
    confirmed = set(re.findall(rb"(?m)^Message confirmed at: (.*)$", log))
    assert len(confirmed) <= -(-count // 600)  # one time for all messages of an envelope


def test_no_message_at_all(tmp_path):
    """Goal: a session in which nothing is said ends in order, too."""
    out, log = talk(tmp_path, [])
    check([], out, log)


def test_bob_is_short():
    """Goal: whoever reads the protocol has a bob in 150 lines."""
    assert len(BOB.read_text(encoding="utf-8").splitlines()) <= 150
