# SPDX-License-Identifier: Apache-2.0
"""A bob in Python, written from docs/PROTOCOL.md and docs/EVIDENCE.md alone, is understood by the real
alice, in both modes."""
import hashlib
import importlib.util
import os
import pathlib
import random
import re
import subprocess
import sys
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from statements import signed_data, ssh_keygen_verifies, statements

BIN = pathlib.Path(os.environ.get("AVOW_BUILD", "build")).resolve() / "bin"
BOB = pathlib.Path(__file__).resolve().parent / "bob.py"


@pytest.fixture(params=["plain", "tls"])
def mode(request):
    return request.param


def talk(folder, mode, texts, *options):
    """Let bob.py say these to an alice of its own: what she printed, and her log."""
    key = folder / "bob-key"
    if mode == "tls":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=20)
        options = (*options, key)
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "out").open("wb") as printed, (folder / "screen").open("wb") as screen:
        alice = subprocess.Popen([BIN / "alice", "--handshake", mode, "--log-detail", "full"],
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


def check(folder, mode, texts, out, log):
    """Every message once, in order, with its hash; and an orderly end.  All that is signed in tls mode,
    ssh-keygen verifies."""
    assert out == b"".join(text + b"\n" for text in texts)
    hashes = [hashlib.sha512(text).hexdigest().encode() for text in texts]
    assert re.findall(rb"(?m)^Hash value: (.*)$", log) == hashes
    assert re.findall(rb"(?m)^Message ID: (.*)$", log) == [b"%d" % i for i in range(len(texts))]
    assert len(re.findall(rb"(?m)^Message text: .*\nMessage confirmed at: ", log)) == len(texts)
    closing = b"" if mode == "plain" else (rb"(Bob's head|Alice's head|Signed by Bob|Head at the end|"
                                           rb"Signed by Alice): .*\n")
    assert re.search(rb"\n\nMessages in all: %d\nEnded: [-0-9]{10} [:.0-9]{15} [-+]\d{4}\n(%s){%d}"
                     rb"\nHead: [0-9a-f]{64}\n\Z" % (len(texts), closing, 5 if closing else 1), log)
    assert b"Incident" not in log
    if mode == "tls":
        signed, keys = statements(log), dict(re.findall(r"^(Alice|Bob): (\S+ \S+)", log.decode(), re.M))
        assert [one.title for one in signed[:2] + signed[-2:]] == ["opening", "opening", "end", "ended"]
        for one in [*signed[:20], *signed[-4:]]:
            assert ssh_keygen_verifies(folder, one, keys), one


def test_messages_of_all_sizes(tmp_path, mode):
    """Goal: texts from 0 bytes to 1 MiB, around every size where padding and base64 step, each in an
    envelope of its own, arrive as they were."""
    sizes = [*range(0, 130), 255, 256, 257, 1000, 4095, 4096, 4097, 65434, 65435, 65436, 65437, 65536,
             100000, 300000, 1048575, 1048576]
    noise = random.Random(2)
    texts = [bytes(noise.choice(b"abc \xc3\xa4\x00\x1b\\") for _ in range(size)) for size in sizes]
    out, log = talk(tmp_path, mode, texts, "--each")
    check(tmp_path, mode, texts, out, log)


@pytest.mark.parametrize("count", [1, 2, 3, 100, 1024, 1025, 5000])
def test_several_messages_in_an_envelope(tmp_path, mode, count):
    """Goal: up to 1024 messages share an envelope, and a 1025th takes the next one."""
    texts = [b"message %d" % number for number in range(count)]
    out, log = talk(tmp_path, mode, texts)
    check(tmp_path, mode, texts, out, log)
    confirmed = set(re.findall(rb"(?m)^Message confirmed at: (.*)$", log))
    assert len(confirmed) <= -(-count // 600)  # one time for all messages of an envelope


def test_no_message_at_all(tmp_path, mode):
    """Goal: a session in which nothing is said ends in order, too."""
    out, log = talk(tmp_path, mode, [])
    check(tmp_path, mode, [], out, log)


def test_another_key_than_alices(tmp_path):
    """Goal: nothing is said to somebody who has another key than the one in alice.pub."""
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    for name in ("key", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True, timeout=20)
    with (tmp_path / "screen").open("wb") as screen:
        alice = subprocess.Popen([BIN / "alice"], cwd=tmp_path, env=environment, stdout=screen, stderr=screen)
    try:
        deadline = time.monotonic() + 10
        while not (tmp_path / "port").exists():
            assert time.monotonic() < deadline and alice.poll() is None
            time.sleep(0.01)
        (tmp_path / "alice.pub").write_bytes((tmp_path / "other.pub").read_bytes())
        bob = subprocess.run([sys.executable, BOB, tmp_path / "key"], cwd=tmp_path, input=b"x\n",
                             capture_output=True, timeout=20, check=False)
        assert (bob.returncode, bob.stderr) == (1, b"bob.py: that is not alice's key\n")
        assert not list((tmp_path / "logs").glob("*.log"))
    finally:
        alice.kill()
        alice.wait()


def test_bob_checks_what_alice_signs():
    """Goal: he takes no proof that is not of what he signed, or that alice has not signed."""
    spec = importlib.util.spec_from_file_location("bob_py", BOB)
    bob = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bob)
    session, alice = bob.Session.__new__(bob.Session), Ed25519PrivateKey.generate()
    session.key, session.alice, session.session, session.head = (
        Ed25519PrivateKey.generate(), alice.public_key(), "Session: x\n", bob.EMPTY)
    ours = session.prove("origin", "lines\n")
    text = f"avow receipt 1\nSession: x\nlines\nBob's head: {bob.EMPTY.hex()}\nHead at receipt: {(b'h' * 32).hex()}\n"
    proof = ours + b"h" * 32 + alice.sign(signed_data(text))
    takes = lambda proof: session.proven(proof, ours, "receipt", "lines\n", "Head at receipt")
    for at in range(len(proof)):
        assert not takes(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1:]), at
        assert session.head == bob.EMPTY
    assert takes(proof) and session.head == b"h" * 32


def test_bob_is_short():
    """Goal: whoever reads the protocol has a bob in 280 lines, TLS and signatures among them."""
    assert len(BOB.read_text(encoding="utf-8").splitlines()) <= 280
