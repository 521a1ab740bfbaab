# SPDX-License-Identifier: Apache-2.0
"""alice and bob hold conversations on disks that will lose power; and what their logs say."""
import functools
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time

PATIENCE_S = 30
HEAD = re.compile("\n\nHead: [0-9a-f]{64}\n")
MESSAGE = re.compile(r"^Message ID: (\d+)\n(?:.+\n)*?Message text: (.*)\n", re.M)


@functools.cache
def texts_of(conversation):
    """What is said in this conversation: each text is one of its kind."""
    chance = random.Random(f"texts {conversation}")
    size = lambda: chance.choice((0, 20, 90, 90, 400, 900)) if chance.random() < 0.97 else chance.randint(4000, 9000)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789 "
    return [f"c{conversation}-{number:04d} " + "".join(chance.choices(letters, k=size())).strip()
            for number in range(COUNTS[conversation])]


COUNTS = (1200, 24, 50, 90, 5)
AFTERWARDS = 4  # the conversation that begins after the cut, if there is none to go on with


class Log:
    """What stands in one log, up to its last head: the rest was never promised to anybody."""

    def __init__(self, path):
        text = path.read_bytes().decode(errors="backslashreplace")
        end = max((head.end() for head in HEAD.finditer(text)), default=0)
        self.path, self.text = path, text[:end]
        self.messages = MESSAGE.findall(self.text)
        self.texts = [text for _, text in self.messages]
        self.ended = "\nMessages in all: " in self.text
        self.in_order = [int(number) for number, _ in self.messages] == list(range(len(self.messages)))


def logs_in(folder):
    return [Log(path) for path in sorted(pathlib.Path(folder).glob("*.log"))]


class Line:
    """Between bob and alice, and it can be cut."""

    def __init__(self, near_file, far_file):
        self.far_file, self.sockets = far_file, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        near_file.write_text(f"{self.listener.getsockname()[1]}\n")
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", int(self.far_file.read_text())))
            except (OSError, ValueError):
                near.close()
                continue
            self.sockets = [near, far]
            threading.Thread(target=self.carry, args=(near, far), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near), daemon=True).start()

    def carry(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        self.shut(target)

    @staticmethod
    def shut(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def cut(self):
        for one in self.sockets:
            self.shut(one)

    def close(self):
        self.listener.close()
        self.cut()


class Stage:
    """Where they talk: folders for the logs, and where their output goes.

    ${voices} has the path of each one's standard output, ${wrap} may put a command before theirs,
    ${mark} hears of every start.
    """

    def __init__(self, bin_folder, work, home, logs, outbox, voices, wrap=None, mark=None):
        self.bin, self.work, self.home, self.voices = bin_folder, work, home, voices
        self.folders = {"alice": logs, "bob": outbox}
        self.wrap, self.mark = wrap or (lambda who: []), mark or (lambda text: None)
        self.processes, self.port = [], "port"
        self.env = {name: value for name, value in os.environ.items()
                    if name in ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_PRELOAD")}
        self.env.update(HOME=str(home), LC_ALL="C.UTF-8", TZ="UTC")

    def start(self, who, *args, stdin=subprocess.DEVNULL):
        self.mark(json.dumps({"start": who}))
        with open(self.voices[who], "ab", buffering=0) as out, open(self.work / f"{who}.err", "ab") as err:
            process = subprocess.Popen([*self.wrap(who), self.bin / who, *args], cwd=self.work, env=self.env,
                                       stdin=stdin, stdout=out, stderr=err)
        self.processes.append(process)
        return process

    def alice(self):
        port = self.work / self.port
        port.unlink(missing_ok=True)
        process = self.start("alice", "--serve", "--logs", self.folders["alice"], "--port-file", self.port)
        self.until(port.exists, process)
        return process

    def bob(self, stdin=subprocess.PIPE):
        key = " ".join((self.home / ".config/avow/alice_ed25519.pub").read_text().split()[:2])
        return self.start("bob", "--json", "--outbox", self.folders["bob"], "--server-key", key, stdin=stdin)

    def until(self, condition, process):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert process.poll() is None and time.monotonic() < deadline, self.words()
            time.sleep(0.001)

    def words(self):
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-2000:]}"
                         for path in sorted(self.work.glob("*.err")))

    def end(self, process):
        try:
            assert process.wait(PATIENCE_S) == 0, self.words()
        except subprocess.TimeoutExpired:
            raise AssertionError(f"bob does not end:\n{self.words()}") from None

    def kill(self, process):
        process.kill()
        process.wait()

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)
            if process.stdin is not None:
                process.stdin.close()


def say(process, texts):
    process.stdin.write("".join(text + "\n" for text in texts).encode())
    process.stdin.flush()


class Play:
    """The conversations, one after the other, with kills and cuts in them."""

    def __init__(self, stage):
        self.stage, self.chance = stage, random.Random("play")

    def confirmed(self):
        return self.stage.voices["bob"].read_bytes().count(b'"confirmed","id"')

    def rest(self, conversation):
        """What of it is not in the outbox."""
        texts = texts_of(conversation)
        held = [log for log in logs_in(self.stage.folders["bob"]) if log.texts[:1] == texts[:1]]
        return texts[len(held[0].texts):] if held else texts

    def begin(self, conversation):
        self.stage.mark(json.dumps({"conversation": conversation}))

    def batch(self):
        """All at once, and so much that bob writes ahead: what he reads from a file, he reads in large pieces."""
        self.begin(0)
        with open(self.stage.work / "batch", "w+b") as batch:
            batch.write("".join(text + "\n" for text in texts_of(0)).encode())
            batch.seek(0)
            self.stage.end(self.stage.bob(stdin=batch))

    def singles(self):
        """Each waits for the confirmation of the one before it."""
        self.begin(1)
        bob = self.stage.bob()
        for text in texts_of(1):
            before = self.confirmed()
            say(bob, [text])
            self.stage.until(lambda: self.confirmed() > before, bob)
        bob.stdin.close()
        self.stage.end(bob)

    def offline(self, alice):
        """Bob writes while nobody is there, is killed, is started again, and is killed in between."""
        self.begin(2)
        self.stage.kill(alice)
        bob = self.stage.bob()
        say(bob, texts_of(2)[:15])
        self.stage.until(lambda: len(self.rest(2)) <= len(texts_of(2)) - 15, bob)
        self.stage.kill(bob)
        alice = self.stage.alice()
        for wait in (0, 3, 9):
            bob, before = self.stage.bob(), self.confirmed()
            for text in self.rest(2)[:10]:
                say(bob, [text])
                time.sleep(0.002)
            self.stage.until(lambda: self.confirmed() >= before + wait, bob)
            time.sleep(0.004 * self.chance.random())
            self.stage.kill(bob)
        bob = self.stage.bob()
        say(bob, self.rest(2))
        bob.stdin.close()
        self.stage.end(bob)
        return alice

    def bursts(self, alice, line):
        """Some at a time; the line is cut, and alice is killed, while more are on the way."""
        self.begin(3)
        bob = self.stage.bob()
        left = texts_of(3)
        for turn in range(len(left)):
            if not left:
                break
            count, before = self.chance.choice((1, 1, 2, 3, 8)), self.confirmed()
            say(bob, left[:count])
            left = left[count:]
            time.sleep(0.004 * self.chance.random())
            if turn % 5 == 2:
                line.cut()
            if turn % 13 == 6:
                self.stage.kill(alice)
                alice = self.stage.alice()
            if turn % 3 == 1:
                self.stage.until(lambda: self.confirmed() > before, bob)
        bob.stdin.close()
        self.stage.end(bob)
        return alice

    def all(self):
        self.stage.port = "port-alice"
        line = Line(self.stage.work / "port", self.stage.work / "port-alice")
        try:
            alice = self.stage.alice()
            self.batch()
            self.singles()
            alice = self.offline(alice)
            alice = self.bursts(alice, line)
            alice.send_signal(signal.SIGTERM)
            self.stage.end(alice)
        finally:
            line.close()
            self.stage.close()
