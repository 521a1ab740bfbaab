# SPDX-License-Identifier: Apache-2.0
"""Goal: whatever system call fails, or is the last one of a killed program, nothing that was confirmed
is lost, and nothing is stored twice: the programs are started again, and every message is there once.

strace counts the calls of a short session without faults; then each case spoils one of them. A
sample is run by default, every one of them with --full.
"""
import collections
import concurrent.futures
import contextlib
import random
import re
import shutil
import socket
import time

import pytest

from avow_programs import Place, taken

TEXTS = [f"message {number}" for number in range(4)]
SAMPLE = 100      # cases of each test, unless --full is given
TOGETHER = 6      # cases at a time: they wait more than they compute
CASE_S = 40
STARTS_MAX = 8    # of one program in one case
FAULTS = ("EIO", "ENOSPC")
SPOILT = ("write", "fdatasync", "fsync", "openat", "rename", "ftruncate", "flock")

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def traced(*options):
    """Put before a command: strace, as a grandchild, so that the program is our own child."""
    return ["strace", "-D", "-f", "-qq", *options]


# Where the system takes no port by itself (ip_local_port_range), in no order.
PORTS = iter(random.sample(range(20000, 32000), 12000))


def free_port():
    """A port for one case alone: an alice of another one must never be found there, and no connection
    may begin there while alice is started again."""
    for port in PORTS:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


class Session:
    """A short session in a place of its own; who ends before it is over is started again."""

    def __init__(self, root, identities, victim=None, options=()):
        root.mkdir()
        self.place, self.port = Place(root, identities), free_port()
        self.victim, self.options = victim, options
        self.starts, self.confirmed = collections.Counter(), set()

    def start(self, who, *args, stdin=None):
        strike = who == self.victim and self.starts[who] == 0
        before = traced("-o", str(self.place.root / "trace"), *self.options) if strike else ()
        self.starts[who] += 1
        assert self.starts[who] <= STARTS_MAX, f"{who} ends again and again:\n{self.told()}"
        return self.place.start(who, *args, before=before, stdin=stdin)

    def alice(self):
        return self.start("alice", "--port", self.port)

    def bob(self):
        rest = "".join(f"{text}\n" for text in TEXTS[taken(self.place):])
        return self.start("bob", "--json", "--wait-for", "10", "--resend-after", "1", stdin=rest.encode())

    def told(self):
        return "\n".join(f"{program.name}: {program.process.returncode}\n{program.text()}"
                         for program in self.place.programs)

    def run(self):
        """To the end, with all that was sent in alice's log, once."""
        try:
            alice, bob, deadline = self.alice(), self.bob(), time.monotonic() + CASE_S
            while bob.process.poll() != 0:
                assert time.monotonic() < deadline, f"no end:\n{self.told()}"
                if bob.process.poll() is not None:
                    self.check_confirmed(bob)
                    bob = self.bob()
                if alice.process.poll() is not None and bob.process.poll() is None:
                    alice = self.alice()
                time.sleep(0.003)
            self.check_confirmed(bob)
            self.place.until(lambda: not alice.running(), 0.5)
            alice.process.terminate()  # if the last goodbye was lost
            alice.end(10)
            self.check_sync()
            logs = [re.findall("^Message text: (.*)", path.read_text(), re.M)
                    for path in (self.place.work / "logs").glob("*.log")]
            assert [log for log in logs if log] == [TEXTS], f"{logs}\n{self.told()}"
            status = self.place.run("bob", "--outbox-status")
            # If the last goodbye was lost, the session is open, and nothing waits in it.
            assert status[0] == 0 and status[1].startswith("Nothing waits"), status
        finally:
            self.place.close()

    def check_sync(self):
        """Whoever had a sync fail has stopped: on a real disk, the next one may lie."""
        if any(option.startswith("inject=fdatasync:error") for option in self.options) and self.struck():
            first = next(program for program in self.place.programs if program.process.args[0] == "strace")
            assert first.process.returncode == 1, self.told()
            assert re.search(r": cannot write (logs|outbox)/", first.text()), self.told()

    def struck(self):
        """Whether the fault came to pass."""
        return "(INJECTED)" in (self.place.root / "trace").read_text()

    def check_confirmed(self, bob):
        """What this bob has said is confirmed stands in alice's log now."""
        self.confirmed.update(re.findall(rb'"event":"confirmed","id":(\d+)', bob.out()))
        stored = sum(log.read_text(errors="replace").count("\nMessage text: ")
                     for log in (self.place.work / "logs").glob("*.log"))
        assert stored >= len(self.confirmed), f"{stored}, {self.confirmed}\n{self.told()}"


@pytest.fixture(scope="module")
def calls(tmp_path_factory, identities):
    """How often each program makes each system call in a session without faults."""
    counts = {}
    for who in ("alice", "bob"):
        root = tmp_path_factory.mktemp("calls") / who
        Session(root, identities, who).run()
        counts[who] = collections.Counter(re.findall(r"^\d+ +(\w+)\(", (root / "trace").read_text(), re.M))
        assert counts[who]["fdatasync"] >= 2 and counts[who]["write"] >= 5, counts[who]
    return counts


def run_all(tmp_path, identities, who, cases):
    """Each case is the options of strace; all failures at once."""
    def run(number, options):
        Session(tmp_path / str(number), identities, who, options).run()
        shutil.rmtree(tmp_path / str(number))

    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        jobs = [(options, pool.submit(run, number, options)) for number, options in enumerate(cases)]
        failures = [f"--- {options}:\n{job.exception()!s}" for options, job in jobs if job.exception()]
    assert cases and not failures, f"{len(failures)} of {len(cases)}\n" + "\n".join(failures)


def chosen(cases, request, seed):
    if request.config.getoption("--full"):
        return cases
    return random.Random(seed).sample(cases, min(SAMPLE, len(cases)))


@pytest.fixture
def limit(request):
    """These have an end of their own for each case."""
    yield


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_call_that_fails(tmp_path, identities, calls, request, who):
    """Goal: EIO and ENOSPC at each write, sync, open and rename."""
    cases = [["-e", f"trace={name}", "-e", f"inject={name}:error={fault}:when={nth}"]
             for name in SPOILT for nth in range(1, calls[who][name] + 2) for fault in FAULTS]
    run_all(tmp_path, identities, who, chosen(cases, request, f"{who} fails"))


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_kill_9_at_a_call(tmp_path, identities, calls, request, who):
    """Goal: SIGKILL as each system call is entered."""
    cases = [["-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={nth}"]
             for name, count in sorted(calls[who].items()) for nth in range(1, count + 1)]
    run_all(tmp_path, identities, who, chosen(cases, request, f"{who} is killed"))
