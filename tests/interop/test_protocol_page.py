# SPDX-License-Identifier: Apache-2.0
"""The worked example of docs/PROTOCOL.md is true, byte by byte, by the rules of that page."""
import base64
import hashlib
import pathlib
import re
import struct

from cryptography.fernet import Fernet

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
EXAMPLE = PAGE[PAGE.index("\n## A worked example\n"):PAGE.index("\n## Versions\n")]
FILES = re.findall(r"^```\n(.*?)^```$", EXAMPLE, re.M | re.S)
HASH = hashlib.sha512(b"Hey dude").digest()


def octets(text):
    """The bytes of lines of hex, each with a comment behind two spaces."""
    text = text.replace("e62cdaa5 ... 5180acbb", HASH.hex())
    lines = (re.match(r"\s*((?:[0-9a-f]{2,} ?)*)(?:  |$)", line).group(1) for line in text.splitlines())
    return bytes.fromhex("".join(lines).replace(" ", ""))


def log(first_line):
    """A log on the page, from its first line on."""
    return next(block for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.M | re.S)
                if block.startswith(first_line)).encode()


def test_the_frames_of_the_opening():
    """Goal: lengths, offsets and heads are those of the tables."""
    assert octets(FILES[0]) == struct.pack(">IB", 6, 1) + b"avow\x01\x00"
    opening, session = map(octets, FILES[1].split("\n\n"))
    assert opening[:5] == struct.pack(">IB", len(opening) - 5, 3) and len(opening) == 5 + 73
    assert session[:5] == struct.pack(">IB", len(session) - 5, 4) and len(session) == 5 + 106
    assert opening[-36:-4].hex() == re.findall("^Head: (.*)$", FILES[-1], re.M)[-1]
    assert session[-32:] == hashlib.sha256().digest()
    assert base64.urlsafe_b64encode(session[21:53]).decode() in EXAMPLE


def test_the_tokens():
    """Goal: each token, decrypted, is what the page says that it is; a time is what it is said to be."""
    key = Fernet(base64.urlsafe_b64encode(octets(FILES[1].split("\n\n")[1])[21:53]))
    for at, frame in ((2, "000000f8"), (4, "000000e4")):
        token = FILES[at].replace("\n", "").encode()
        assert struct.pack(">I", len(token)).hex() == frame and f"`{frame} 06`" in EXAMPLE
        assert key.decrypt(token) == octets(FILES[at + 1])
    token = base64.urlsafe_b64decode(FILES[2].replace("\n", ""))
    assert f"`{token[1:9].hex()}`" in EXAMPLE and f"`{token[9:25].hex()}`" in EXAMPLE
    assert [len(octets(line)) for line in re.split("\n(?=0)", FILES[6].strip())] == [26, 36]
    times = re.findall(r"(000660e5[0-9a-f]{8})\b.*?(\d\d:\d\d:\d\d\.\d{6})", EXAMPLE)
    assert len(times) >= 7
    for number, clock in times:
        micro = int(number, 16) % (24 * 3600 * 10**6)
        seconds = micro // 10**6
        assert clock == f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micro % 10**6:06}"


def test_the_logs():
    """Goal: each head is that of the lines before it, and the hash is that of the text."""
    for text in (log("Connected: ('127.0.0.1', "), log("To: port")):
        so_far, heads = hashlib.sha256(), 0
        for line in text.splitlines(keepends=True):
            if line.startswith(b"Head: "):
                assert line == f"Head: {so_far.hexdigest()}\n".encode()
                heads += 1
            if not line.startswith((b"Message text: ", b"Key: ")):
                so_far.update(line)
        assert heads and f"\nHash value: {HASH.hex()}\nTimestamp: ".encode() in text
