# SPDX-License-Identifier: Apache-2.0
"""Our Fernet beside Python's `cryptography`: tokens both ways, and changed tokens to both.

AVOW_BUILD names the build directory; the tool is its tests/fernet_tool.
"""

import base64
import os
import random
import struct
import subprocess
from pathlib import Path

import pytest

fernet = pytest.importorskip("cryptography.fernet")

SEED = 20261122
LENGTHS = [*range(301), *range(301, 4200, 97), 4095, 4096, 4097, 8191, 8192, 16383, 16384, 16385,
           32768, 50001, 65535, 65536, 65537, 69999, 70000]
NOT_AUTHENTIC = 5  # AVOW_NOT_AUTHENTIC of base/error.h


def tool() -> str:
    if "AVOW_BUILD" not in os.environ:
        pytest.skip("AVOW_BUILD is not set")
    return str(Path(os.environ["AVOW_BUILD"]) / "tests" / "fernet_tool")


def batch(requests):
    """Send (what, key, time, iv, data) to one process; return its (error, data) answers."""
    sent = b"".join(
        what + key + struct.pack(">Q", time) + iv + struct.pack(">I", len(data)) + data
        for what, key, time, iv, data in requests)
    got = subprocess.run([tool(), "batch"], input=sent, capture_output=True, check=True).stdout
    answers, at = [], 0
    while at < len(got):
        error, size = struct.unpack_from(">BI", got, at)
        answers.append((error, got[at + 5:at + 5 + size]))
        at += 5 + size
    assert len(answers) == len(requests)
    return answers


class Case:
    def __init__(self, rng, length):
        self.key = rng.randbytes(32)
        self.time = rng.choice([0, 499162800, 2**31, 2**32 + 1, 2**40]) + rng.randrange(1000)
        self.iv = rng.randbytes(16)
        self.message = rng.randbytes(length)
        self.python = fernet.Fernet(base64.urlsafe_b64encode(self.key))
        # What Python makes of the same key, time, IV and message.
        self.token = self.python._encrypt_from_parts(self.message, self.time, self.iv)

    def encrypt(self):
        return (b"e", self.key, self.time, self.iv, self.message)

    def decrypt(self, token):
        return (b"d", self.key, 0, bytes(16), token)


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(SEED)
    return [Case(rng, length) for length in LENGTHS]


def test_same_tokens(cases):
    """Goal: the same key, time, IV and message give the same token, letter by letter, and Python
    reads from ours the message and the time."""
    for case, (error, token) in zip(cases, batch([case.encrypt() for case in cases])):
        assert error == 0
        assert token == case.token, len(case.message)
        assert case.python.decrypt(token) == case.message
        assert case.python.extract_timestamp(token) == case.time


def test_python_to_us(cases):
    """Goal: we read the tokens that Python makes with its own IV and clock."""
    tokens = [case.python.encrypt(case.message) for case in cases]
    answers = batch([case.decrypt(token) for case, token in zip(cases, tokens)])
    for case, answer in zip(cases, answers):
        assert answer == (0, case.message), len(case.message)


def flipped(rng, token):
    """The token with one bit flipped: in its bytes (even draws) or in its letters."""
    if rng.randrange(2) == 0:
        raw = bytearray(base64.urlsafe_b64decode(token))
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        return base64.urlsafe_b64encode(raw)
    text = bytearray(token)
    text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    return bytes(text)


def canonical(text):
    """Whether strict base64url reads it; Python's reader drops wrong letters and unused bits."""
    try:
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(text)) == text
    except ValueError:
        return False


def test_one_bit_refused(cases):
    """Goal: a token with one random bit flipped is refused by us always, and by Python where it is
    canonical base64."""
    rng = random.Random(SEED + 1)
    changed = [[flipped(rng, case.token) for _ in range(4)] for case in cases]
    answers = iter(batch([case.decrypt(token) for case, tokens in zip(cases, changed)
                          for token in tokens]))
    seen_canonical = 0
    for case, tokens in zip(cases, changed):
        for token in tokens:
            assert next(answers) == (NOT_AUTHENTIC, b""), len(case.message)
            if canonical(token):
                seen_canonical += 1
                with pytest.raises(fernet.InvalidToken):
                    case.python.decrypt(token)
    assert seen_canonical > len(cases)


def test_lax_letters_refused(cases):
    """Goal: of all other last letters of a token with unused bits, Python accepts those that differ
    in these bits only; we accept none."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    lax = 0
    for case in cases[:96]:
        stripped = case.token.rstrip(b"=")
        padding = case.token[len(stripped):]
        if not padding:
            continue
        others = [stripped[:-1] + bytes([letter]) + padding for letter in letters
                  if letter != stripped[-1]]
        for token, answer in zip(others, batch([case.decrypt(token) for token in others])):
            assert answer == (NOT_AUTHENTIC, b"")
            try:
                lax += case.python.decrypt(token) == case.message
            except fernet.InvalidToken:
                pass
    assert lax > 0  # else this test compares with nothing


def test_command_line():
    """Goal: the tool's commands for people do what they say: the specification's vector."""
    key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
    iv = "000102030405060708090a0b0c0d0e0f"
    token = subprocess.run([tool(), "encrypt", key, "499162800", iv], input=b"hello",
                           capture_output=True, check=True).stdout
    assert token == (b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPg"
                     b"JobwOz7JcbmrR64jVmpU4IwqDA==")
    back = subprocess.run([tool(), "decrypt", key], input=token, capture_output=True, check=True)
    assert back.stdout == b"hello"
    refused = subprocess.run([tool(), "decrypt", key], input=token[:-1], capture_output=True)
    assert (refused.returncode, refused.stdout) == (1, b"")
