#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/quiet.py [--seconds N] [--every S] BUILD [SESSIONS]...: alice with many sessions that say little.

BUILD is a release build. For each number of sessions (10 and 1000 if none is given) it starts `alice
--serve --handshake plain`, opens so many sessions, and lets each send a message of 100 bytes every S
seconds (3), at a moment of its own, for N seconds (30). One Python process plays all bobs, so its own
time is in the latencies, too. It works in the folder that it is started in: that must lie on a disk.
Prints Markdown tables; the first is what the disk alone takes for what a message needs.
"""
import argparse
import base64
import hashlib
import heapq
import os
import pathlib
import random
import resource
import selectors
import signal
import socket
import struct
import subprocess
import tempfile
import time

from cryptography.fernet import Fernet

HELLO, OPEN, SESSION, TOKEN = 1, 3, 4, 6
ENVELOPE, CONFIRMATION = 1, 2
TEXT = b"x" * 100


class Session:
    """One session of a bob's, in plain mode; see docs/PROTOCOL.md."""

    def __init__(self, port):
        self.socket, self.stream = socket.create_connection(("127.0.0.1", port)), b""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send(HELLO, b"avow\1\0")
        self.wait()
        self.wall, self.monotonic = time.time_ns() // 1000, time.monotonic_ns() // 1000
        self.made = self.wall
        self.send(OPEN, struct.pack(">QhB16sQh32sI", self.wall, 0, 0, bytes(16), 0, 0,
                                    hashlib.sha256().digest(), 0))
        kind, grant = self.wait()
        if kind != SESSION:
            raise SystemExit(f"quiet.py: alice refuses, code {grant[0]}")
        self.fernet = Fernet(base64.urlsafe_b64encode(grant[16:48]))
        self.taken = struct.unpack_from(">Q", grant, 48)[0]
        self.next_id, self.sent = 0, None

    def send(self, kind, payload):
        self.socket.sendall(struct.pack(">IB", len(payload), kind) + payload)

    def frame(self):
        """The next whole frame, or None."""
        if len(self.stream) < 5 or len(self.stream) < 5 + struct.unpack_from(">I", self.stream)[0]:
            return None
        size, kind = struct.unpack_from(">IB", self.stream)
        payload, self.stream = self.stream[5:5 + size], self.stream[5 + size:]
        return kind, payload

    def wait(self):
        while (frame := self.frame()) is None:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise SystemExit("quiet.py: the connection was cut")
            self.stream += chunk
        return frame

    def say(self):
        """Send the next message."""
        self.made = max(self.wall + time.monotonic_ns() // 1000 - self.monotonic, self.made + 1)
        plain = (struct.pack(">BBQQQH", ENVELOPE, 1, self.made, self.taken, self.next_id, 1)
                 + struct.pack(">Q", time.time_ns() // 1000) + hashlib.sha512(TEXT).digest()
                 + struct.pack(">I", len(TEXT)) + TEXT)
        token = self.fernet.encrypt(plain)
        self.sent = time.perf_counter()
        self.send(TOKEN, token)

    def heard(self):
        """Take what came; the latency if it is the confirmation."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise SystemExit("quiet.py: the connection was cut")
        now = time.perf_counter()
        self.stream += chunk
        if (frame := self.frame()) is None:
            return None
        plain = self.fernet.decrypt(frame[1])
        kind, _direction, self.taken, _echo, first_id = struct.unpack_from(">BBQQQ", plain)
        if kind != CONFIRMATION or first_id != self.next_id:
            raise SystemExit(f"quiet.py: kind {kind} for message {first_id}, not {self.next_id}")
        latency, self.sent = now - self.sent, None
        self.next_id += 1
        return latency


def memory_kb(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def syncs(folder):
    """A chunk of a log is one append and one fdatasync; it ends with a head line."""
    return sum(log.read_bytes().count(b"\nHead: ") for log in (folder / "logs").glob("*.log"))


def converse(sessions, seconds, every):
    """Each says something every so often; all latencies."""
    chance, poll, latencies = random.Random(1), selectors.DefaultSelector(), []
    for session in sessions:
        poll.register(session.socket, selectors.EVENT_READ, session)
    begin = time.perf_counter()
    due = [(begin + chance.uniform(0, every), number) for number in range(len(sessions))]
    heapq.heapify(due)
    while True:
        now = time.perf_counter()
        if now - begin > seconds and all(session.sent is None for session in sessions):
            return latencies
        while due and due[0][0] <= now < begin + seconds:
            at, number = heapq.heappop(due)
            if sessions[number].sent is None:
                sessions[number].say()
            heapq.heappush(due, (at + every, number))
        left = min(due[0][0] - time.perf_counter(), 0.1) if now < begin + seconds else 0.1
        for key, _ in poll.select(max(left, 0)):
            latency = key.data.heard()
            if latency is not None:
                latencies.append(latency)


def disk(seconds):
    """Append 600 bytes and sync, a hundred times a second: what alice has to wait for; all times."""
    times, end = [], time.perf_counter() + seconds
    with tempfile.NamedTemporaryFile(dir=".") as file:
        while (begin := time.perf_counter()) < end:
            os.write(file.fileno(), bytes(600))
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
            time.sleep(0.01)
    return sorted(times)


def rank(times, part):
    """So long it took in microseconds, or less, in that part of the cases."""
    return f"{times[int(part * (len(times) - 1))] * 1e6:,.0f}"


def measure(alice_path, count, seconds, every):
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = pathlib.Path(name)
        alice = subprocess.Popen([alice_path, "-q", "--serve", "--handshake", "plain"], cwd=folder,
                                 env={**os.environ, "HOME": name}, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        try:
            while not (folder / "port").exists():
                time.sleep(0.01)
            empty_kb = memory_kb(alice.pid, "VmRSS")
            begin = time.perf_counter()
            port = int((folder / "port").read_text(encoding="ascii"))
            sessions = [Session(port) for _ in range(count)]
            opened = time.perf_counter() - begin
            cpu, synced, begin = cpu_s(alice.pid), syncs(folder), time.perf_counter()
            latencies = sorted(converse(sessions, seconds, every))
            lasted = time.perf_counter() - begin
            cpu, synced = cpu_s(alice.pid) - cpu, syncs(folder) - synced
            rss_kb = memory_kb(alice.pid, "VmRSS")
        finally:
            alice.send_signal(signal.SIGTERM)
            alice.wait()
    return [count, f"{opened / count * 1e6:,.0f}", len(latencies), rank(latencies, 0.5), rank(latencies, 0.99),
            rank(latencies, 1), f"{cpu / lasted * 100:.1f}", f"{cpu / len(latencies) * 1e6:,.0f}",
            synced, f"{rss_kb / 1024:.1f}", f"{(rss_kb - empty_kb) / count:.0f}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--every", type=float, default=3)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("sessions", type=int, nargs="*")
    given = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    alice = (given.build / "bin" / "alice").resolve()
    times = disk(min(5, given.seconds))
    print("| the disk alone | p50, µs | p99, µs | longest, µs |\n| --- | --: | --: | --: |\n"
          f"| append 600 B and fdatasync | {rank(times, 0.5)} | {rank(times, 0.99)} | {rank(times, 1)} |\n")
    print("| sessions | opening one, µs | messages | p50, µs | p99, µs | longest, µs | alice, % of a CPU "
          "| alice, CPU µs a message | fdatasync | alice, MiB | KiB a session |")
    print("| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |")
    for count in given.sessions or [10, 1000]:
        print("| " + " | ".join(map(str, measure(alice, count, given.seconds, given.every))) + " |", flush=True)


if __name__ == "__main__":
    main()
