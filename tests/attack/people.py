# SPDX-License-Identifier: Apache-2.0
"""The real alice and the real bob, with a Line between them, and what both screens and logs say."""
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import time

from line import Line

BUILD = pathlib.Path(os.environ.get("AVOW_BUILD", "build")).resolve()
PATIENCE_S = 30

MODIFIED, REPLAYED = "Possible modification attack.", "Possible replay attack."
INTERRUPTED = "Possible interruption attack."
# What happened, the verdict on it, and the attack that it may be.
INCIDENTS = {
    "Incorrect token.": ("modified", MODIFIED),
    "Incorrect hash value.": ("modified", MODIFIED),
    "Incorrect origin signature.": ("modified", MODIFIED),
    "Incorrect signature of the end.": ("modified", MODIFIED),
    "Fake confirmation.": ("modified", MODIFIED),
    "Malformed token.": ("malformed", MODIFIED),
    "Malformed frame.": ("malformed", MODIFIED),
    "Truncated frame.": ("malformed", MODIFIED),
    "Unexpected frame.": ("malformed", MODIFIED),
    "Unexpected message ID.": ("malformed", MODIFIED),
    "A message before this one is missing.": ("early", INTERRUPTED),
    "Another message under a stored ID.": ("conflict", MODIFIED),
    "Another head of this log.": ("conflict", MODIFIED),
    "Repeated token.": ("replayed", REPLAYED),
    "Late token.": ("stale", REPLAYED),
    "Message received again, confirmed again.": ("duplicate", ""),
    "No confirmation received from the server.": ("unconfirmed", INTERRUPTED),
    "The connection was cut.": ("cut", INTERRUPTED),
}


def until(condition, what, seconds=PATIENCE_S):
    """Wait for a condition; say what was waited for if it never comes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what() if callable(what) else what}"
        time.sleep(0.01)


class Program:
    """One of the two programs, in a folder of its own, which is its HOME as well."""

    def __init__(self, name, folder, *arguments, stdin=subprocess.DEVNULL):
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.folder, self.log_folder = name, folder, folder
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        for option in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if option in os.environ:
                environment[option] = os.environ[option]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen([str(BUILD / "bin" / name), *arguments], cwd=folder,
                                            env=environment, stdin=stdin, stdout=out, stderr=err)

    def screen(self):
        """All that it has told its user so far."""
        return self.err.read_text(encoding="utf-8")

    def logs(self):
        """Its logs, oldest first."""
        return [log.read_bytes().decode() for log in sorted(self.log_folder.glob("*.log"))]

    def log(self):
        return "\n".join(self.logs())

    def exit(self, seconds=PATIENCE_S):
        """Wait for its end; the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} is still there. {self.told()}") from None

    def sees(self, text, seconds=PATIENCE_S):
        """Wait until it says so."""
        until(lambda: text in self.screen(), lambda: f"{text!r} of {self.name}. {self.told()}", seconds)

    def told(self):
        return f"{self.name}'s screen:\n{self.screen()}\nand log:\n{self.log()}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                pass

    def connections(self):
        """How many sessions its log tells of, resumed ones too."""
        return len(re.findall("^Connected: ", self.log(), re.M))

    def incidents(self, what):
        """How many of these its log counts."""
        counts = re.findall(rf"^Incident: {re.escape(what)}.*\nVerdict: .*\nSeen at: .*\n(?:Count: (\d+)\n)?",
                            self.log(), re.M)
        return sum(int(count or 1) for count in counts)

    def blamed(self, what):
        """The incident stands on the screen and in the log, by its name and with its attack."""
        verdict, attack = INCIDENTS[what]
        screen = rf"^{re.escape(what)}( \(\d+ times\))?\n" + (re.escape(attack) + "\n" if attack else "")
        if verdict == "unconfirmed":  # what bob does about it says it, as the figure has it
            screen = f"^{re.escape(what)} Resending message\\.\n"
        assert re.search(screen, self.screen(), re.M), f"no {what!r} on the screen. {self.told()}"
        log = f"\nIncident: {what}{' ' if attack else ''}{attack}\nVerdict: {verdict}\nSeen at: "
        assert log in self.log(), f"no {what!r} in the log. {self.told()}"

    def blamed_only(self, *whats, perhaps=()):
        """These incidents, and no others, but perhaps such."""
        for what in whats:
            self.blamed(what)
        others = set(re.findall(r"^Incident: ([^.]*\.)", self.log(), re.M)) - {*whats, *perhaps}
        assert not others, f"also {others}. {self.told()}"


class Alice(Program):
    def __init__(self, folder, *arguments):
        super().__init__("alice", folder, "-v", *arguments)
        self.log_folder = folder / "logs"
        until(lambda: (folder / "port").exists() or self.process.poll() is not None, "alice's port")

    def texts(self):
        """What she printed."""
        return self.out.read_text(encoding="utf-8").splitlines()

    def logged(self):
        """What she stored."""
        return re.findall("\nMessage text: (.*)", self.log())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.exit()


class Bob(Program):
    def __init__(self, folder, *arguments):
        super().__init__("bob", folder, "-v", *arguments, stdin=subprocess.PIPE)
        self.log_folder = folder / "outbox"
        self.said = 0

    def submit(self, text):
        """Give him a message, and do not wait."""
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        self.said += 1

    def confirmed(self, seconds=PATIENCE_S):
        """Wait until all that he was given is confirmed."""
        if self.said:
            self.sees(f"Message {self.said - 1} was successfully received by the server.", seconds)

    def say(self, text):
        self.submit(text)
        self.confirmed()

    def finish(self):
        """No more messages; his exit code."""
        self.process.stdin.close()
        return self.exit()


class Conversation:
    """alice, the line, and bob once start() is called.  Leaves nothing running."""

    def __init__(self, folder, mode="tls", resend_after=4, alice=(), bob=()):
        self.folder, self.mode = folder, mode
        self.bob_options = ("--handshake", mode, "--resend-after", str(resend_after), *bob)
        self.alice = Alice(folder / "alice", "--handshake", mode, *alice)
        (folder / "bob").mkdir()
        self.line = Line(folder / "alice", folder / "bob")
        self.bob, self.people = None, [self.alice]

    def start(self, *options):
        """Another bob (the first one in the folder `bob`)."""
        folder = self.folder / "bob"
        self.bob = Bob(folder, *self.bob_options, *options)
        self.people.append(self.bob)
        return self.bob

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.line.close()
        for person in self.people:
            person.kill()

    def arrived_once(self, *texts):
        """These messages were stored once and shown once, in this order, and no others."""
        assert self.alice.texts() == list(texts), self.alice.told()
        assert self.alice.logged() == list(texts), self.alice.told()

    def ends_well(self, *texts):
        """Bob has no more to say: all is confirmed, both end in order, all arrived once."""
        assert self.bob.finish() == 0, self.bob.told()
        assert self.alice.exit() == 0, self.alice.told()
        self.arrived_once(*texts)
        assert f"\nMessages in all: {len(texts)}\nEnded: " in self.alice.log(), self.alice.told()
        assert f"\nMessages in all: {len(texts)}\nEnded: " in self.bob.log(), self.bob.told()
        confirmed = [int(last) - int(first) + 1
                     for first, last in re.findall(r"^Messages: (\d+)-(\d+)$", self.bob.log(), re.M)]
        assert sum(confirmed) == len(texts), self.bob.told()


def together(tmp_path, cases):
    """Run these functions side by side, each with a folder of its own; all their failures at once.

    For tests that mostly wait.  ${cases} is name -> function of a folder.
    """
    def run(name, case):
        folder = tmp_path / re.sub(r"[^\w-]+", "_", name)
        folder.mkdir()
        case(folder)

    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        running = {name: pool.submit(run, name, case) for name, case in cases.items()}
        failures = [f"--- {name}:\n{job.exception()!s}" for name, job in running.items()
                    if job.exception() is not None]
    assert cases and not failures, f"{len(failures)} of {len(cases)}\n" + "\n".join(failures)


def in_both_modes(test):
    """Decorates a test that returns its cases for a mode: runs those of both modes together."""
    def run(tmp_path):
        together(tmp_path, {f"{mode} {name}": case for mode in ("tls", "plain")
                            for name, case in test(mode).items()})

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
