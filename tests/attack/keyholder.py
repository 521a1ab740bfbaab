# SPDX-License-Identifier: Apache-2.0
"""Test doubles that hold the key: what one can do who read it in plain mode, or is a false peer.

All of it is written from docs/PROTOCOL.md.  Nothing here checks what it is told: a test lies with it.
"""
import base64
import functools
import hashlib
import hmac
import os
import pathlib
import re
import socket
import struct
import threading
import time

from cryptography.fernet import Fernet

from line import HELLO, OPEN, SESSION, TO_BOB, TOKEN, frame

ENVELOPE, CONFIRMATION, NOTICE, END = 1, 2, 3, 4
FOR_ALICE, FOR_BOB = 1, 2
HELLO_PLAIN = b"avow\x01\x00"
EMPTY = hashlib.sha256().digest()  # the head of an empty log


def clock():
    """Now, as the line has it: microseconds."""
    return time.time_ns() // 1000


def padded(plaintext):
    """Padme."""
    size = len(plaintext)
    exponent = size.bit_length() - 1
    mask = (1 << max(exponent - exponent.bit_length(), 0)) - 1
    return plaintext + bytes(((size + mask) & ~mask) - size)


def head(kind, direction, made, echo, first_id):
    return struct.pack(">BBQQQ", kind, direction, made, echo, first_id)


def message(text, timestamp=None, digest=None):
    digest = hashlib.sha512(text).digest() if digest is None else digest
    return struct.pack(">Q", timestamp or clock()) + digest + struct.pack(">I", len(text)) + text


def envelope(made, echo, first_id, *messages, proof=b""):
    """The plaintext of an envelope; ${proof}: bob's part of it, in tls mode."""
    return padded(head(ENVELOPE, FOR_ALICE, made, echo, first_id) + struct.pack(">H", len(messages))
                  + proof + b"".join(messages))


def confirmation(made, echo, first_id, hashes, proof=b""):
    """The plaintext of a confirmation; ${proof} in tls mode."""
    return padded(head(CONFIRMATION, FOR_BOB, made, echo, first_id)
                  + struct.pack(">HQh", len(hashes), clock(), 0) + proof + b"".join(hashes))


def ended(made, echo, count, proof=b""):
    """The plaintext of alice's end."""
    return padded(head(END, FOR_BOB, made, echo, count) + struct.pack(">Qh", clock(), 0) + proof)


class Key:
    """The Fernet key of a session."""

    def __init__(self, key):
        self.key, self.fernet = key, Fernet(base64.urlsafe_b64encode(key))

    def seal(self, plaintext):
        """A whole frame with a token in it."""
        return frame(TOKEN, self.fernet.encrypt(plaintext))

    def open(self, token):
        return self.fernet.decrypt(token)

    def seal_badly_padded(self):
        """A token whose HMAC is right and whose ciphertext is no PKCS #7."""
        while True:
            body = b"\x80" + struct.pack(">Q", int(time.time())) + os.urandom(16 + 64)
            tag = hmac.new(self.key[:16], body, hashlib.sha256).digest()
            token = base64.urlsafe_b64encode(body + tag)
            try:
                self.fernet.decrypt(token)
            except Exception:  # what cryptography raises for it differs by version
                return frame(TOKEN, token)


class Spy:
    """Reads the key off a plain line as it passes, and knows the newest time of either side."""

    def __init__(self, line):
        self.key = None
        line.on(TO_BOB, self.learn, kind=SESSION, times=1)

    def learn(self, passing):
        self.key = Key(passing.frame.payload[16:48])
        return passing.frame.bytes

    def rewrite(self, change):
        """An action: seal what ${change} makes of the plaintext, in the token's place."""
        return lambda passing: self.key.seal(change(self.key.open(passing.frame.payload)))

    def add(self, make):
        """An action: after the token, one more with what ${make} makes of the token's plaintext."""
        return lambda passing: (passing.frame.bytes
                                + self.key.seal(make(self.key.open(passing.frame.payload))))


class Thief(Spy):
    """Has the key of a tls session, from alice's log of --log-detail full; knows no identity."""

    def __init__(self, alice):
        self.alice = alice

    @functools.cached_property
    def key(self):
        key, = re.findall(r"^Key: (.*)$", self.alice.log(), re.M)
        return Key(base64.urlsafe_b64decode(key))


class Peer:
    """One end of a plain connection."""

    def __init__(self, connection):
        self.socket, self.stream, self.key, self.opened = connection, b"", None, 0
        self.socket.settimeout(20)
        self.made = self.taken = 0

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next frame: type and payload; (None, b"") at the end."""
        while True:
            if len(self.stream) >= 5:
                size, kind = struct.unpack_from(">IB", self.stream)
                if len(self.stream) >= 5 + size:
                    payload, self.stream = self.stream[5:5 + size], self.stream[5 + size:]
                    return kind, payload
            try:
                chunk = self.socket.recv(1 << 16)
            except ConnectionError:
                chunk = b""
            if not chunk:
                return None, b""
            self.stream += chunk

    def receive_token(self):
        """The next token's plaintext, or None at the end."""
        kind, payload = self.receive()
        if kind is None:
            return None
        plaintext = self.key.open(payload)
        self.taken = struct.unpack_from(">Q", plaintext, 2)[0]
        return plaintext

    def now(self):
        """The time of our next token."""
        self.made = max(clock(), self.made + 1)
        return self.made

    def close(self):
        self.socket.close()


class FalseBob(Peer):
    """Opens a session with a real alice in plain mode, or resumes that of another one."""

    def __init__(self, port, of=None):
        super().__init__(socket.create_connection(("127.0.0.1", port), timeout=20))
        self.send(frame(HELLO, HELLO_PLAIN))
        assert self.receive() == (HELLO, HELLO_PLAIN)
        past = (0, bytes(16), 0, 0) if of is None else (1, *of.past)
        self.send(frame(OPEN, struct.pack(">QhB16sQh32sI", self.now(), 0, *past, EMPTY, 0)))
        kind, grant = self.receive()
        assert kind == SESSION, (kind, grant)
        self.key, self.taken = Key(grant[16:48]), struct.unpack_from(">Q", grant, 48)[0]
        zone, opened, self.next_id = struct.unpack_from(">hQQ", grant, 56)
        self.past = grant[:16], opened, zone

    def envelope(self, first_id, *messages):
        """Send one."""
        self.send(self.key.seal(envelope(self.now(), self.taken, first_id, *messages)))


class FalseAlice:
    """Is found by a real bob through the port file in his folder, and does with him what she likes."""

    def __init__(self, bob_folder, behave):
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        pathlib.Path(bob_folder, "port").write_text(f"{port}\n", encoding="ascii")
        self.failure = None
        self.thread = threading.Thread(target=self.serve, args=(behave,), daemon=True)
        self.thread.start()

    def serve(self, behave):
        try:
            peer = Peer(self.listener.accept()[0])
            assert peer.receive() == (HELLO, HELLO_PLAIN)
            peer.send(frame(HELLO, HELLO_PLAIN))
            assert peer.receive()[0] == OPEN
            key = os.urandom(32)
            peer.key, peer.opened = Key(key), peer.now()
            peer.send(frame(SESSION, os.urandom(16) + key + struct.pack(">QhQQ32s", peer.opened, 0, peer.opened, 0, EMPTY)))
            behave(peer)
            self.listener.close()  # or bob would come again, to nobody
            peer.close()
        except Exception as failure:  # for the test to see
            self.failure = failure

    def over(self):
        """Wait for it; what went wrong there goes wrong here."""
        self.thread.join(30)
        self.listener.close()
        if self.failure:
            raise self.failure
