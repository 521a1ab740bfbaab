# SPDX-License-Identifier: Apache-2.0
"""The line between bob and alice, in the hands of whoever writes a test.

A Line is a TCP proxy that knows frames (docs/PROTOCOL.md, "Frames") and nothing else: it holds no
key.  It writes a `port` file of its own into bob's folder, with a copy of alice's `alice.pub`, so
that bob finds the line and takes it for alice.  Every frame that passes is shown to the rules, in
their order; the first one that wants it says what goes on in its place.

    line = Line(alice_folder, bob_folder)
    line.on(TO_ALICE, flip(17, 3), kind=TOKEN, nth=1)    # the second token of a connection
    line.on(TO_BOB, drop, kind=TOKEN, after=lambda: armed.is_set(), times=3)

An action gets the Passing (frame, connection and line) and returns the bytes to send on, or None
for nothing.  It runs in the thread that reads its direction, so an action that sleeps stalls the
direction: nothing more is read from there.
"""
import dataclasses
import pathlib
import shutil
import socket
import struct
import threading
import time

HELLO, HANDSHAKE, OPEN, SESSION, REFUSAL, TOKEN, AGREE = range(1, 8)
TO_ALICE, TO_BOB = "to alice", "to bob"
HEADER = 5


def frame(kind, payload):
    """The bytes of a frame."""
    return struct.pack(">IB", len(payload), kind) + payload


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame as it came: nth counts its kind in its direction on its connection."""

    direction: str
    connection: int
    kind: int
    nth: int
    payload: bytes
    seen_at: float

    @property
    def bytes(self):
        return frame(self.kind, self.payload)


@dataclasses.dataclass
class Rule:
    """What to do with which frames; times counts down."""

    direction: str
    action: object
    kind: int = None
    nth: int = None
    connection: int = None
    times: int = 1 << 30
    when: object = None

    def wants(self, passing):
        f = passing.frame
        return (self.times > 0 and self.direction == f.direction and self.kind in (None, f.kind)
                and self.nth in (None, f.nth) and self.connection in (None, f.connection)
                and (self.when is None or self.when(passing)))


@dataclasses.dataclass
class Passing:
    """A frame on its way: what an action is given."""

    line: "Line"
    wire: "Wire"
    frame: Frame


# Actions.  Offsets count from the frame's first byte, so 0 to 3 are its length and 4 its type;
# negative ones count from its end.


def drop(_passing):
    """Swallow the frame."""
    return None


def flip(offset, bit=0):
    """Flip one bit."""
    def act(passing):
        data = bytearray(passing.frame.bytes)
        data[offset] ^= 1 << bit
        return bytes(data)
    return act


def truncate(size):
    """Let only the first bytes through, and forget the rest."""
    return lambda passing: passing.frame.bytes[:size]


def repeat(times=2):
    """Send it more than once, in one go."""
    return lambda passing: passing.frame.bytes * times


def inject(before=b"", after=b""):
    """Send other bytes before and after it."""
    return lambda passing: before + passing.frame.bytes + after


def replace(data):
    """Send something else: bytes, or what a function makes of the payload."""
    return lambda passing: data(passing.frame.payload) if callable(data) else data


def hold(seconds):
    """Keep it for so long; what comes behind it overtakes."""
    def act(passing):
        direction = passing.frame.direction
        timer = threading.Timer(seconds, passing.wire.send, (direction, passing.frame.bytes))
        timer.daemon = True
        timer.start()
    return act


def reflect(passing):
    """Send it back to its maker, too."""
    passing.wire.send(TO_BOB if passing.frame.direction == TO_ALICE else TO_ALICE,
                      passing.frame.bytes)
    return passing.frame.bytes


def stall(seconds):
    """Let it pass, then read nothing more from there for so long."""
    def act(passing):
        passing.wire.send(passing.frame.direction, passing.frame.bytes)
        time.sleep(seconds)
    return act


class Wire:
    """One connection through the line: bob's socket, alice's socket, one thread each way."""

    def __init__(self, line, number, bob, alice):
        self.line, self.number = line, number
        self.sockets = {TO_ALICE: (bob, alice), TO_BOB: (alice, bob)}
        self.locks = {TO_ALICE: threading.Lock(), TO_BOB: threading.Lock()}
        self.counts = {}
        for direction in self.sockets:
            threading.Thread(target=self.carry, args=(direction,), daemon=True).start()

    def send(self, direction, data):
        """Put bytes on the line, whole."""
        with self.locks[direction]:
            try:
                self.sockets[direction][1].sendall(data)
            except OSError:
                pass

    def cut(self):
        """Tear the connection down on both sides."""
        for there, _ in self.sockets.values():
            try:
                there.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def carry(self, direction):
        """Read frames, let the rules decide, send on; hand on the end of the stream."""
        source, target = self.sockets[direction]
        stream = b""
        try:
            while chunk := source.recv(1 << 16):
                stream += chunk
                while len(stream) >= HEADER:
                    size, kind = struct.unpack_from(">IB", stream)
                    if len(stream) < HEADER + size:
                        break
                    self.pass_on(direction, kind, stream[HEADER:HEADER + size])
                    stream = stream[HEADER + size:]
        except OSError:
            pass
        with self.locks[direction]:
            try:
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def pass_on(self, direction, kind, payload):
        nth = self.counts.get((direction, kind), 0)
        self.counts[direction, kind] = nth + 1
        passing = Passing(self.line, self,
                          Frame(direction, self.number, kind, nth, payload, time.monotonic()))
        data = self.line.decide(passing)
        if data:
            self.send(direction, data)


class Line:
    """The proxy: see the module."""

    def __init__(self, alice_folder, bob_folder):
        self.alice_folder = pathlib.Path(alice_folder)
        self.rules, self.seen, self.wires = [], [], []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        key = self.alice_folder / "alice.pub"
        if key.exists():
            shutil.copy(key, pathlib.Path(bob_folder) / "alice.pub")
        self.port = self.listener.getsockname()[1]
        pathlib.Path(bob_folder, "port").write_text(f"{self.port}\n", encoding="ascii")
        threading.Thread(target=self.accept, daemon=True).start()

    def on(self, direction, action, **which):
        """Add a rule: see Rule; the first one that wants a frame gets it.  Returns the rule."""
        rule = Rule(direction, action, **which)
        with self.lock:
            self.rules.append(rule)
        return rule

    def decide(self, passing):
        """Remember the frame, and return what goes on in its place."""
        with self.lock:
            self.seen.append(passing.frame)
            rule = next((rule for rule in self.rules if rule.wants(passing)), None)
            if rule is not None:
                rule.times -= 1
        return passing.frame.bytes if rule is None else rule.action(passing)

    def recorded(self, direction, kind=TOKEN, connection=None):
        """All frames of a kind that came so far."""
        with self.lock:
            return [f for f in self.seen if f.direction == direction and f.kind == kind
                    and connection in (None, f.connection)]

    def accept(self):
        while True:
            try:
                bob, _ = self.listener.accept()
            except OSError:
                return
            try:
                port = int((self.alice_folder / "port").read_text(encoding="ascii"))
                alice = socket.create_connection(("127.0.0.1", port), timeout=10)
            except (OSError, ValueError):
                bob.close()
                continue
            alice.settimeout(None)
            for end in (bob, alice):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.wires.append(Wire(self, len(self.wires), bob, alice))

    def close(self):
        """No more connections, and none of those that are."""
        for wire in self.wires:
            wire.cut()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
