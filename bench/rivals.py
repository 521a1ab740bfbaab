# SPDX-License-Identifier: Apache-2.0
"""Redis, mosquitto and PostgreSQL, for bench/path.py: each with TLS, on a port of its own, in a
folder of its own, with a client that keeps it busy.

The clients of the first two send bytes that were made before, and count what comes back, so they
have less to do than bob has.
"""

import os
import pwd
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import time

PATIENCE_S = 20
# So many bytes of messages are under way, as with bob, and are sent in pieces of so many.
WINDOW = 2 << 20
PIECE = 64 << 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificate(folder):
    """A self-signed one; (certificate, key)."""
    made = folder / "server.crt", folder / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", made[0], "-keyout", made[1]], check=True, capture_output=True)
    return made


def percentiles(times_us):
    times_us = sorted(times_us)
    return times_us[len(times_us) // 2], times_us[len(times_us) * 99 // 100]


class Rival:
    """A server with TLS; `pieces(text, count)` and `answers(bytes)` are a pipelining client's."""

    name = ""
    program = ""

    def __init__(self, folder):
        self.folder = folder / self.program
        self.folder.mkdir()
        self.port = free_port()
        self.certificate, self.key = certificate(self.folder)
        self.process = None

    @classmethod
    def there(cls):
        return shutil.which(cls.program) is not None

    def start(self, command, **more):
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output, **more)
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "output").read_text())
                time.sleep(0.05)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE_S)

    def connect(self):
        line = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ssl.create_default_context(cafile=self.certificate).wrap_socket(
            line, server_hostname="127.0.0.1")

    def rate(self, size, count):
        """Messages a second, with a full pipe."""
        text = b"x" * size
        batch = min(max(1, PIECE // size), count)
        piece = self.pieces(text, batch)
        with self.connect() as line:
            self.greet(line)
            line.setblocking(False)
            start = time.perf_counter()
            self.keep_busy(line, piece, batch, count // batch * batch, max(batch, WINDOW // size))
            spent = time.perf_counter() - start
        self.forget()
        return count // batch * batch / spent

    def keep_busy(self, line, piece, batch, count, window):
        sent = answered = 0
        rest = memoryview(b"")
        while answered < count:
            moved = False
            if not rest and sent < count and sent - answered + batch <= window:
                rest = memoryview(piece)
                sent += batch
            try:
                while rest:
                    rest = rest[line.send(rest):]
                    moved = True
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            try:
                got = line.recv(1 << 18)
                if not got:
                    raise RuntimeError(f"{self.name} has hung up")
                answered += self.answers(got)
                moved = True
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            if not moved:
                select.select([line], [line] if rest else [], [], PATIENCE_S)

    def one_by_one(self, size, count):
        """(p50, p99) in microseconds."""
        piece = self.pieces(b"x" * size, 1)
        times = []
        with self.connect() as line:
            self.greet(line)
            for _ in range(count):
                start = time.perf_counter()
                line.sendall(piece)
                answered = 0
                while answered == 0:
                    answered = self.answers(line.recv(4096))
                times.append((time.perf_counter() - start) * 1e6)
        self.forget()
        return percentiles(times)

    def greet(self, line):
        pass

    def forget(self):
        pass


class Redis(Rival):
    name, program = "Redis", "redis-server"
    promise = "`XADD`, `appendfsync always`"

    def __init__(self, folder):
        super().__init__(folder)
        self.start([self.program, "--port", "0", "--bind", "127.0.0.1",
                    "--tls-port", str(self.port), "--tls-cert-file", self.certificate,
                    "--tls-key-file", self.key, "--tls-auth-clients", "no",
                    "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                    "--auto-aof-rewrite-percentage", "0", "--dir", self.folder])

    def pieces(self, text, count):
        return b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nm\r\n$%d\r\n%s\r\n" % (
            len(text), text) * count

    def answers(self, got):
        return got.count(b"$")

    def forget(self):
        with self.connect() as line:
            line.sendall(b"*1\r\n$8\r\nFLUSHALL\r\n")
            line.recv(100)


class Mosquitto(Rival):
    name, program, answered = "mosquitto", "mosquitto", 0
    promise = "QoS 1, no subscriber, not synced"

    def __init__(self, folder):
        super().__init__(folder)
        conf = self.folder / "conf"
        conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
                        f"certfile {self.certificate}\nkeyfile {self.key}\n"
                        "user root\nmax_inflight_messages 0\nset_tcp_nodelay true\n")
        self.start([self.program, "-c", conf])

    @classmethod
    def there(cls):
        os.environ["PATH"] += ":/usr/sbin"
        return super().there()

    def greet(self, line):
        line.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench")
        if line.recv(4) != b"\x20\x02\x00\x00":
            raise RuntimeError("mosquitto does not let us in")

    def pieces(self, text, count):
        left, length = 2 + 1 + 2 + len(text), b""  # the topic "m" with its length, an id, the text
        while True:
            left, digit = left >> 7, left & 127
            length += bytes([digit | (128 if left else 0)])
            if not left:
                break
        return b"".join(b"\x32" + length + b"\x00\x01m" + (1 + i).to_bytes(2, "big") + text
                        for i in range(count))

    def answers(self, got):
        self.answered += len(got)
        answers, self.answered = divmod(self.answered, 4)
        return answers


class Postgres(Rival):
    name, program = "PostgreSQL", "postgres"
    promise = "inserts of up to 1,000 rows"

    def __init__(self, folder):
        super().__init__(folder)
        self.owner = {}
        if os.geteuid() == 0:
            who = pwd.getpwnam("postgres")
            self.owner = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
            for path in (self.folder, self.certificate, self.key):
                os.chown(path, who.pw_uid, who.pw_gid)
        bin_folder = os.path.dirname(os.path.realpath(shutil.which("postgres")))
        data = self.folder / "data"
        subprocess.run([f"{bin_folder}/initdb", "-D", data, "-A", "trust", "-U", "bench"],
                       cwd=self.folder, check=True, capture_output=True, **self.owner)
        self.start([f"{bin_folder}/postgres", "-D", data, "-p", str(self.port),
                    "-h", "127.0.0.1", "-k", "", "-c", "ssl=on",
                    "-c", f"ssl_cert_file={self.certificate}", "-c", f"ssl_key_file={self.key}"],
                   **self.owner)
        self.say("CREATE TABLE m (id bigserial PRIMARY KEY, text text);\n"
                 "ALTER TABLE m ALTER text SET STORAGE EXTERNAL;")

    @classmethod
    def there(cls):
        return super().there() and shutil.which("psql") is not None

    def say(self, script):
        path = self.folder / "script"
        path.write_text(script)
        return subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path,
             f"host=127.0.0.1 port={self.port} user=bench dbname=postgres sslmode=require"],
            check=True, capture_output=True, text=True).stdout

    def times_us(self, text, rows, count):
        insert = f"INSERT INTO m (text) VALUES {','.join([f'({text!r})'] * rows)};\n"
        said = self.say("\\timing on\n" + insert * count + "\\timing off\nTRUNCATE m;\n")
        return [float(ms) * 1000 for ms in re.findall(r"^Time: ([0-9.]+) ms", said, re.M)]

    def rate(self, size, count):
        rows = min(1000, max(1, (1 << 20) // size))
        times = self.times_us("x" * size, rows, count // rows)
        return rows * len(times) / (sum(times) / 1e6)

    def one_by_one(self, size, count):
        return percentiles(self.times_us("x" * size, 1, count))


ALL = [Redis, Mosquitto, Postgres]
