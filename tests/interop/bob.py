#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/interop/bob.py [--each]: a bob in Python, for alice --handshake plain.

Finds her by the file `port`, sends each line of standard input as a message, and exits 0 when all are
confirmed.  Written from docs/PROTOCOL.md alone, with the standard library and `cryptography`.  As many
as fit go into one envelope; --each puts one into each.  It resumes no session, so it never asks.
"""
import base64
import hashlib
import select
import socket
import struct
import sys
import time

from cryptography.fernet import Fernet

HELLO, OPEN, SESSION, REFUSAL, TOKEN = 1, 3, 4, 5, 6
ENVELOPE, CONFIRMATION, NOTICE, END = 1, 2, 3, 4
FRAME_MAX, COUNT_MAX, TEXT_MAX, FILL = 1485580, 1024, 1048576, 65536
RESEND_S = 10
OUR_HELLO = b"avow" + bytes([1, 0])  # version 1, plain


class Session:
    """An open session with alice."""

    def __init__(self, port):
        self.socket, self.stream = socket.create_connection(("127.0.0.1", port)), b""
        self.send(HELLO, OUR_HELLO)
        if self.expect(HELLO) != OUR_HELLO:
            sys.exit("bob.py: that is no alice of ours")
        # The clock is read after alice's hello: she counts our age from there.
        self.wall, self.monotonic = time.time_ns() // 1000, time.monotonic_ns() // 1000
        self.last = self.wall
        self.send(OPEN, struct.pack(">QhB16sQh", self.wall, 0, 0, bytes(16), 0, 0))  # UTC; a new one
        _id, key, clock, _zone, _opened, next_id = struct.unpack(">16s32sQhQQ", self.expect(SESSION))
        assert next_id == 0  # all ids below it would be stored
        self.fernet, self.taken = Fernet(base64.urlsafe_b64encode(key)), clock

    def send(self, kind, payload):
        self.socket.sendall(struct.pack(">IB", len(payload), kind) + payload)

    def receive(self, seconds=None):
        """The next frame, or None if there is none in time."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while len(self.stream) < 5 or len(self.stream) < 5 + struct.unpack_from(">I", self.stream)[0]:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not select.select([self.socket], [], [], left)[0]:
                return None
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                sys.exit("bob.py: the connection was cut")
            self.stream += chunk
            if len(self.stream) >= 5 and struct.unpack_from(">I", self.stream)[0] > FRAME_MAX:
                sys.exit("bob.py: malformed frame")
        size, kind = struct.unpack_from(">IB", self.stream)
        payload, self.stream = self.stream[5:5 + size], self.stream[5 + size:]
        return kind, payload

    def expect(self, wanted):
        kind, payload = self.receive()
        if kind != wanted:
            sys.exit(f"bob.py: alice refuses, code {payload[0]}" if kind == REFUSAL else
                     f"bob.py: unexpected frame {kind}")
        return payload

    def stamp(self):
        """The time of this transmission: later than all before."""
        now = self.wall + time.monotonic_ns() // 1000 - self.monotonic
        self.last = max(now, self.last + 1)
        return self.last

    def seal(self, kind, first_id, body=b""):
        """Send a token: the head, the body, zeroes up to a Padme size."""
        plain = struct.pack(">BBQQQ", kind, 1, self.stamp(), self.taken, first_id) + body
        e = len(plain).bit_length() - 1
        mask = (1 << max(e - e.bit_length(), 0)) - 1
        plain += bytes(((len(plain) + mask) & ~mask) - len(plain))
        self.send(TOKEN, self.fernet.encrypt(plain))

    def unseal(self, seconds):
        """The next token of alice's: kind, first id and the rest; None if none comes in time."""
        frame = self.receive(seconds)
        if frame is None:
            return None
        if frame[0] != TOKEN:
            sys.exit("bob.py: unexpected frame")
        plain = self.fernet.decrypt(frame[1])
        kind, direction, made, _echo, first_id = struct.unpack_from(">BBQQQ", plain)
        if direction != 2 or made <= self.taken:
            sys.exit("bob.py: malformed or repeated token")
        self.taken = made
        return kind, first_id, plain[26:]

    def exchange(self, kind, first_id, body, right_answer):
        """Send until the right answer comes."""
        while True:
            self.seal(kind, first_id, body)
            deadline = time.monotonic() + RESEND_S
            while answer := self.unseal(max(deadline - time.monotonic(), 0)):
                if right_answer(*answer):
                    return
                if answer[0] == NOTICE:
                    break
            print("No confirmation received from the server. Resending message.", file=sys.stderr)


def message(text):
    return (struct.pack(">Q", time.time_ns() // 1000) + hashlib.sha512(text).digest()
            + struct.pack(">I", len(text)) + text)


def deliver(session, first_id, texts):
    """One envelope, until it is confirmed: the same id, the same count, all the hashes."""
    hashes = b"".join(hashlib.sha512(text).digest() for text in texts)
    count = struct.pack(">H", len(texts))

    def confirms(kind, answered_id, rest):
        if kind == END:
            sys.exit("bob.py: alice ended the session")
        body, padding = rest[10:10 + len(hashes)], rest[10 + len(hashes):]
        return (kind == CONFIRMATION and answered_id == first_id and rest[:2] == count
                and body == hashes and not any(padding))

    session.exchange(ENVELOPE, first_id, count + b"".join(map(message, texts)), confirms)


def main():
    each = "--each" in sys.argv
    with open("port", encoding="ascii") as file:
        session = Session(int(file.read()))
    sent, texts, size = 0, [], 0
    for line in sys.stdin.buffer:
        text = line[:-1] if line.endswith(b"\n") else line
        if len(text) > TEXT_MAX:
            sys.exit(f"bob.py: message {sent + len(texts)} is too long")
        if texts and (each or len(texts) == COUNT_MAX or size + 76 + len(text) > FILL):
            deliver(session, sent, texts)
            sent, texts, size = sent + len(texts), [], 0
        texts.append(text)
        size += 76 + len(text)
    if texts:
        deliver(session, sent, texts)
    session.exchange(END, sent + len(texts), b"", lambda kind, *_: kind == END)


if __name__ == "__main__":
    main()
