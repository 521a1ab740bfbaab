#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/interop/bob.py [--each] [KEY]: a bob in Python, for alice in either mode.

Finds her by the file `port`, sends each line of standard input as a message, and exits 0 when all are
confirmed.  With KEY, an OpenSSH identity, he speaks tls, trusts the key in alice.pub, signs what he sends
and checks her receipts; without it he speaks plain.  Written from docs/PROTOCOL.md and docs/EVIDENCE.md
alone, with the standard library and `cryptography`.  As many as fit go into one envelope; --each puts one
into each.  He keeps no log, so his head is that of an empty one; and he resumes no session.
"""
import base64
import datetime
import hashlib
import select
import socket
import ssl
import struct
import sys
import tempfile
import time

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization as ser

HELLO, HANDSHAKE, OPEN, SESSION, REFUSAL, TOKEN, AGREE = range(1, 8)
ENVELOPE, CONFIRMATION, NOTICE, END = 1, 2, 3, 4
FRAME_MAX, COUNT_MAX, TEXT_MAX, FILL = 1485580, 1024, 1048576, 65536
RESEND_S = 10
EMPTY = hashlib.sha256().digest()  # the head of our log


def key_text(key):
    return key.public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH).decode()


def signed_data(statement):
    """What an SSHSIG of it signs."""
    fields = b"avow", b"", b"sha512", hashlib.sha512(statement.encode()).digest()
    return b"SSHSIG" + b"".join(struct.pack(">I", len(field)) + field for field in fields)


def when(us, zone=0):
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(us // 10**6 + 60 * zone))
    return f"{clock}.{us % 10**6:06} {'-' if zone < 0 else '+'}{abs(zone) // 60:02}{abs(zone) % 60:02}"


class Session:
    """An open session with alice."""

    def __init__(self, port, key):
        self.socket, self.stream, self.tls = socket.create_connection(("127.0.0.1", port)), b"", None
        hello = b"avow" + bytes([1, 1 if key else 0])  # version 1, the handshake
        self.send(HELLO, hello)
        if self.expect(HELLO) != hello:
            sys.exit("bob.py: that is no alice of ours")
        self.key = key and ser.load_ssh_private_key(key, None)
        if key:
            self.shake_hands()
        # The clock is read after alice's last word: she counts our age from there.
        self.wall, self.monotonic = time.time_ns() // 1000, time.monotonic_ns() // 1000
        self.last = self.wall
        self.send(OPEN, struct.pack(">QhB16sQh32sI", self.wall, 0, 0, bytes(16), 0, 0, EMPTY, 0))  # UTC; new
        grant = self.expect(SESSION)
        name, token_key, clock, zone, opened, next_id, self.head = struct.unpack(">16s32sQhQQ32s", grant[:106])
        assert next_id == 0  # all ids below it would be stored
        self.fernet, self.taken = Fernet(base64.urlsafe_b64encode(token_key)), clock
        if key:
            self.session = f"Session: {name.hex()}\n"
            opening = (f"{self.session}Opened: {when(opened, zone)}\nHandshake: tls secp256r1\n{self.keys}"
                       f"Next ID: 0\nBob's head: {EMPTY.hex()}\nAlice's head: {self.head.hex()}\n")
            if not self.hers(grant[106:], "opening", opening):
                sys.exit("bob.py: alice did not sign the opening")
            self.send(AGREE, self.key.sign(signed_data("avow opening 1\n" + opening)))
            self.session, self.tls = self.session + self.keys, None

    def shake_hands(self):
        """TLS 1.3 in handshake frames; nothing of ours leaves for a key that is not alice's."""
        name, day, pem = x509.Name([]), datetime.datetime(1970, 1, 1), ser.Encoding.PEM
        ours = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
                .serial_number(1).not_valid_before(day).not_valid_after(day.replace(9999)).sign(self.key, None))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the raw key is what counts
        context.set_alpn_protocols(["avow/1"])
        context.set_ecdh_curve("prime256v1")  # its name in the opening: secp256r1
        with tempfile.NamedTemporaryFile() as file:
            file.write(ours.public_bytes(pem) + self.key.private_bytes(pem, ser.PrivateFormat.PKCS8,
                                                                       ser.NoEncryption()))
            file.flush()
            context.load_cert_chain(file.name)
        self.arrived, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.arrived, self.leaving)
        self.step(tls.do_handshake)
        self.alice = x509.load_der_x509_certificate(tls.getpeercert(True)).public_key()
        with open("alice.pub", encoding="utf-8") as file:
            if key_text(self.alice) != " ".join(file.read().split()[:2]):
                sys.exit("bob.py: that is not alice's key")
        self.keys = f"Alice: {key_text(self.alice)}\nBob: {key_text(self.key.public_key())}\n"
        self.send(HANDSHAKE, self.leaving.read())
        self.tls = tls

    def step(self, function, *arguments):
        """Do it in the TLS channel, with what it needs from alice."""
        while True:
            try:
                return function(*arguments)
            except ssl.SSLWantReadError:
                if data := self.leaving.read():
                    self.socket.sendall(struct.pack(">IB", len(data), HANDSHAKE) + data)
                self.arrived.write(self.check(HANDSHAKE, *self.receive()))

    def send(self, kind, payload):
        """A frame: through the TLS channel, while there is one."""
        frame = struct.pack(">IB", len(payload), kind) + payload
        if self.tls:
            self.tls.write(frame)
            data = self.leaving.read()
            frame = struct.pack(">IB", len(data), HANDSHAKE) + data
        self.socket.sendall(frame)

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
        """The payload of the next frame of the opening, which must be this."""
        if not self.tls:
            return self.check(wanted, *self.receive())
        inner = b""
        while len(inner) < 5 or len(inner) < 5 + struct.unpack_from(">I", inner)[0]:
            inner += self.step(self.tls.read, 1 << 14)
        return self.check(wanted, inner[4], inner[5:])

    def check(self, wanted, kind, payload):
        if kind != wanted:
            sys.exit(f"bob.py: alice refuses, code {payload[0]}" if kind == REFUSAL else
                     f"bob.py: unexpected frame {kind}")
        return payload

    def hers(self, signature, title, lines):
        """Whether alice has signed this statement."""
        try:
            self.alice.verify(signature, signed_data(f"avow {title} 1\n{lines}"))
            return True
        except InvalidSignature:
            return False

    def prove(self, title, lines):
        """Our part of the proof: both heads, and our signature; nothing in plain mode."""
        if not self.key:
            return b""
        heads = f"Bob's head: {EMPTY.hex()}\nAlice's head: {self.head.hex()}\n"
        statement = f"avow {title} 1\n{self.session}{lines}{heads}"
        return EMPTY + self.head + self.key.sign(signed_data(statement))

    def proven(self, proof, ours, title, lines, head):
        """Whether alice has signed that she has what we signed; then we have seen this head of hers."""
        if not self.key:
            return True
        heads = f"Bob's head: {EMPTY.hex()}\n{head}: {proof[128:160].hex()}\n"
        good = proof[:128] == ours and self.hers(proof[160:224], title, self.session + lines + heads)
        self.head = proof[128:160] if good else self.head
        return good

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


def deliver(session, first_id, texts):
    """One envelope, until it is confirmed: the same id, the same count, all the hashes, her receipt."""
    hashes, now, size = [hashlib.sha512(text).digest() for text in texts], time.time_ns() // 1000, 64 * len(texts)
    lines = "".join(f"Message ID: {first_id + i}\nHash value: {digest.hex()}\nTimestamp: {when(now)}\n"
                    for i, digest in enumerate(hashes))
    lines = (f"Messages: {first_id}-{first_id + len(texts) - 1}\n"
             f"Digest: {hashlib.sha256(lines.encode()).hexdigest()}\n")
    ours, count = session.prove("origin", lines), struct.pack(">H", len(texts))

    def confirms(kind, answered_id, rest):
        if kind == END:
            sys.exit("bob.py: alice ended the session")
        if kind != CONFIRMATION or answered_id != first_id or rest[:2] != count:
            return False
        proof, body = (rest[12:236], rest[236:]) if session.key else (b"", rest[12:])
        stored = f"Message confirmed at: {when(*struct.unpack_from('>Qh', rest, 2))}\n"
        return (body[:size] == b"".join(hashes) and not any(body[size:])
                and session.proven(proof, ours, "receipt", lines + stored, "Head at receipt"))

    session.exchange(ENVELOPE, first_id, count + ours + b"".join(
        struct.pack(">Q64sI", now, digest, len(text)) + text for digest, text in zip(hashes, texts)), confirms)


def end(session, count):
    """No more messages; alice signs that, too."""
    lines = f"Messages in all: {count}\n"
    ours = session.prove("end", lines)

    def ends(kind, number, rest):
        return kind == END and number == count and session.proven(
            rest[10:], ours, "ended", f"{lines}Ended: {when(*struct.unpack_from('>Qh', rest))}\n", "Head at the end")

    session.exchange(END, count, ours, ends)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--each"]
    with open("port", encoding="ascii") as file:
        session = Session(int(file.read()), open(arguments[0], "rb").read() if arguments else None)
    sent, texts, size = 0, [], 0
    for line in sys.stdin.buffer:
        text = line[:-1] if line.endswith(b"\n") else line
        if len(text) > TEXT_MAX:
            sys.exit(f"bob.py: message {sent + len(texts)} is too long")
        if texts and ("--each" in sys.argv or len(texts) == COUNT_MAX or size + 76 + len(text) > FILL):
            deliver(session, sent, texts)
            sent, texts, size = sent + len(texts), [], 0
        texts.append(text)
        size += 76 + len(text)
    if texts:
        deliver(session, sent, texts)
    end(session, sent + len(texts))


if __name__ == "__main__":
    main()
