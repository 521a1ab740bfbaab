# SPDX-License-Identifier: Apache-2.0
"""alice and bob as processes, on pseudo-terminals or in pipes, in a folder of their own.

One thread: whoever waits also takes what the terminals write. Programs without a terminal write
into files, so they never block on us.
"""
import codecs
import glob
import hashlib
import importlib.machinery
import importlib.util
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("AVOW_BUILD", ROOT / "build")).resolve() / "bin"
PATIENCE_S = 20
FINGERPRINT = r"SHA256:[A-Za-z0-9+/]{43}"
KEY_LINE = r"ssh-ed25519 AAAA[A-Za-z0-9+/]{64}"
ADDRESS = r"\('127\.0\.0\.1', \d{4,5}\)"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"
READY = "You can now send messages to the server:"
CONFIRMED = "Your message was successfully received by the server."


def load_screen():
    """tools/screen has the terminal; no line of a test wraps."""
    loader = importlib.machinery.SourceFileLoader("avow_screen", str(ROOT / "tools" / "screen"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("avow_screen", loader))
    loader.exec_module(module)
    module.COLUMNS = 400
    return module


SCREEN = load_screen()


class Program:
    """One process; `terminal` puts it on a pseudo-terminal of its own."""

    def __init__(self, place, command, folder, env, terminal, stdin, stdout):
        self.place, self.terminal, self.name = place, terminal, f"{len(place.programs)}"
        self.out_path = place.root / f"out-{self.name}"
        self.err_path = place.root / f"err-{self.name}"
        self.raw, self.fd = b"", None
        if terminal:
            self.screen, self.decoder = SCREEN.Screen(), codecs.getincrementaldecoder("utf-8")("replace")
            self.fd, inside = pty.openpty()
            fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, SCREEN.COLUMNS, 0, 0))
            self.process = subprocess.Popen(["setsid", "-c", *command], cwd=folder, env=env,
                                            stdin=inside, stdout=inside, stderr=inside)
            os.close(inside)
        else:
            if isinstance(stdin, bytes):
                source = place.root / f"in-{self.name}"
                source.write_bytes(stdin)
                stdin = source.open("rb")
            with self.out_path.open("wb") as out, self.err_path.open("wb") as err:
                self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=stdout or out, stderr=err,
                                                stdin=subprocess.DEVNULL if stdin is None else stdin)
            if stdin not in (None, subprocess.PIPE):
                stdin.close()

    def out(self):
        return self.out_path.read_bytes()

    def text(self):
        """What the person sees: the screen, or stderr."""
        if self.terminal:
            self.place.pump(0)
            return self.screen.text()
        return self.err_path.read_bytes().decode("utf-8", "backslashreplace")

    def lines(self):
        return self.text().rstrip("\n").split("\n")

    def see(self, pattern, count=1, timeout=PATIENCE_S):
        """Wait until it shows ${pattern}, so many times."""
        seen = lambda: len(re.findall(pattern, self.text())) >= count
        over = lambda: seen() or self.process.poll() is not None
        self.place.until(over, timeout)
        self.place.until(seen, 0.5)  # the last words of one that has ended
        assert seen(), f"no {pattern!r} ({count} times) in:\n{self.text()}"
        return self

    def end(self, timeout=PATIENCE_S):
        """Wait until it has ended; the exit status."""
        assert self.place.until(lambda: self.process.poll() is not None, timeout), \
            f"still running after {timeout} s:\n{self.text()}"
        self.place.pump(0)
        return self.process.returncode

    def running(self):
        return self.process.poll() is None

    def edits_lines(self):
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def keys(self, text):
        """Press these keys."""
        os.write(self.fd, text if isinstance(text, bytes) else text.encode())

    def type(self, text):
        """Type a line once the prompt is there."""
        assert self.place.until(self.edits_lines, PATIENCE_S), f"no prompt:\n{self.text()}"
        self.keys(text + "\r")

    def say(self, text):
        """Type a message, and see it confirmed."""
        count = self.text().count(CONFIRMED)
        self.type(text)
        return self.see(re.escape(CONFIRMED), count + 1)

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def signal(self, number):
        self.process.send_signal(number)

    def take(self):
        """Take what it has written to its terminal."""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            os.close(self.fd)
            self.fd = None
        self.raw += data
        self.screen.write(self.decoder.decode(data))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except OSError:
                pass
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class Place:
    """A folder in which alice and bob work, each with a home and a prepared identity."""

    def __init__(self, root, identities=None):
        self.root, self.programs, self.closers = root, [], []
        self.work = root / "work"
        self.work.mkdir()
        for who in ("alice", "bob"):
            self.config(who).mkdir(parents=True)
            if identities is not None:
                for name in (f"{who}_ed25519", f"{who}_ed25519.pub"):
                    shutil.copy2(identities / name, self.config(who) / name)

    def config(self, who):
        return self.root / f"home-{who}" / ".config" / "avow"

    def key(self, who):
        """The public line `ssh-ed25519 AAAA...`."""
        return " ".join((self.config(who) / f"{who}_ed25519.pub").read_text().split()[:2])

    def env(self, who, **more):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        env.update(HOME=str(self.root / f"home-{who}"), TERM="xterm", LC_ALL="C.UTF-8", TZ="UTC")
        env.update(more)
        return {name: value for name, value in env.items() if value is not None}

    def start(self, who, *args, terminal=False, stdin=None, stdout=None, env=None,
              before=(), folder=None):
        program = Program(self, [*before, str(BIN / who), *map(str, args)], folder or self.work,
                          self.env(who, **(env or {})), terminal, stdin, stdout)
        self.programs.append(program)
        return program

    def alice(self, *args, wait=True, **more):
        program = self.start("alice", *args, **more)
        return program.see("Waiting for a client|^alice: ") if wait else program

    def bob(self, *args, **more):
        return self.start("bob", *args, **more)

    def send(self, data, *args, **more):
        """bob < data: the program, ended."""
        program = self.bob(*args, stdin=data, **more)
        program.end()
        return program

    def run(self, who, *args, **more):
        """Run to the end: status, stdout, stderr."""
        program = self.start(who, *args, **more)
        program.end()
        return program.process.returncode, program.out().decode(), program.text()

    def port(self):
        return int((self.work / "port").read_text())

    def log(self, folder="logs"):
        """The one log."""
        (path,) = (self.work / folder).glob("*.log")
        return path

    def pump(self, wait_s):
        fds = {program.fd: program for program in self.programs if program.fd is not None}
        if not fds:
            time.sleep(wait_s)
            return
        ready = select.select(list(fds), [], [], wait_s)[0]
        while ready:
            for fd in ready:
                fds.pop(fd).take()
            fds = {program.fd: program for program in self.programs if program.fd is not None}
            ready = select.select(list(fds), [], [], 0)[0] if fds else []

    def until(self, condition, timeout):
        """Wait for ${condition}; whether it came."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return condition()
            self.pump(0.01)
        return True

    def close(self):
        for program in self.programs:
            program.close()
        for closer in self.closers:
            closer()


class Proxy:
    """A line between bob and alice that can swallow or alter what alice says."""

    def __init__(self, port):
        self.port_of_alice, self.swallow, self.alter = port, False, lambda data: data
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.port_of_alice))
            except OSError:
                near.close()  # she is not there now; perhaps later
                continue
            self.sockets += [near, far]
            threading.Thread(target=self.carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, True), daemon=True).start()

    def carry(self, source, target, from_alice):
        try:
            while data := source.recv(65536):
                if not (from_alice and self.swallow):
                    target.sendall(self.alter(data) if from_alice else data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


def faketime(offset):
    """The environment in which all clocks are off by ${offset}, like "+3600"."""
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": library, "FAKETIME": offset}


def namespace(script, kind="-m"):
    """Put before a command: run ${script} in a namespace of its own (-m of mounts, -n of networks), then the command."""
    root = [] if os.geteuid() == 0 else ["-r"]
    return ["unshare", *root, kind, "sh", "-ec", f'{script}\nexec "$@"', "sh"]


def same(shown, expected):
    """Compare whole lines; an expected line is a text, or a compiled pattern for all of it."""
    shown = shown.rstrip("\n").split("\n") if isinstance(shown, str) else shown
    marks = [line if isinstance(line, str) else f"/{line.pattern}/" for line in expected]
    picture = "\n".join(["shown:", *shown, "", "expected:", *marks])
    assert len(shown) == len(expected), picture
    for line, wanted in zip(shown, expected):
        good = line == wanted if isinstance(wanted, str) else wanted.fullmatch(line)
        assert good, f"{line!r} is not {wanted!r}\n{picture}"


def texts_in_log(place, folder="logs"):
    return re.findall("^Message text: (.*)", place.log(folder).read_text(), re.M)


def taken(place, folder="outbox"):
    """How many messages bob's logs hold in finished chunks: these he will send, or has sent."""
    whole = [re.match(rb"(?s).*\nHead: [0-9a-f]{64}\n|", log.read_bytes()).group()
             for log in (place.work / folder).glob("*.log")]
    return sum(log.count(b"\nMessage ID: ") for log in whole)


def heads_hold(log):
    """Whether each head of a log stands for the lines before it, as anybody can compute it."""
    so_far, heads = hashlib.sha256(), 0
    for line in log.splitlines(keepends=True):
        if line.startswith(b"Head: "):
            heads += 1
            if line != f"Head: {so_far.hexdigest()}\n".encode():
                return False
        if not line.startswith((b"Message text: ", b"Key: ")):
            so_far.update(line)
    return heads > 0 and line.startswith(b"Head: ")


def damaged(log):
    """Ways in which a log that has messages and is not finished can be damaged: kind -> bytes."""
    def flip(before):
        at = log.index(before) + len(before)
        return log[:at] + bytes([log[at] ^ 1]) + log[at + 1:]
    middle = log.index(b"\nMessage ID: 1\n")
    heads = [match.end() for match in re.finditer(rb"\nHead: [0-9a-f]{64}\n", log)]
    return {"text": flip(b"\nMessage text: "), "hash": flip(b"\nHash value: "),
            "time": flip(b"\nTimestamp: 202"), "head": flip(b"\nHead: "), "id": flip(b"\nMessage ID: "),
            "session": flip(b"\nSession: "), "key": flip(b"\nBob: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"),
            "name of a field": flip(b"\nHash "), "a byte less": log[:middle + 20] + log[middle + 21:],
            "a byte more": log[:middle] + b"x" + log[middle:],
            "a part missing": log[:heads[0]] + log[heads[1]:],
            "cut off, and something else behind it": log[:middle + 9] + b"\nsomething else\n",
            "two chunks exchanged": (log[:heads[0]] + log[heads[1]:heads[2]] + log[heads[0]:heads[1]]
                                     + log[heads[2]:]),
            "the last chunk twice": log + log[heads[-2]:],
            "the last head": log[:-2] + bytes([log[-2] ^ 1]) + b"\n"}


# For a program under strace: the leak checker of a sanitizer build cannot work there.
TRACED = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
INTERRUPT, TERMINATE, HANG_UP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
