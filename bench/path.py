# SPDX-License-Identifier: Apache-2.0
"""Messages from bob to alice, confirmed and on both disks, beside other programs that keep messages.

    /usr/bin/python3 bench/path.py BUILD_DIR [ROUNDS]

prints Markdown tables in less than four minutes.  Everything runs on loopback, with TLS, in a folder
of its own in BUILD_DIR: that must lie on a disk, and not in memory.  Of Redis, mosquitto and
PostgreSQL those take part that are installed.  The machine may be busy, so all take turns, and each
number is the median of its turns; the ratios are worth more than the numbers.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import rivals

ROUNDS = 5
ROUNDS_AFTER_S = 150  # no further round is begun then
# For each size of a message, how many of them: ours, theirs.
SIZES = {100: (500_000, 100_000), 1024: (150_000, 30_000), 65536: (4_000, 1_000)}
ONE_SIZE, ONE_COUNT = 100, 400
RECORD_SIZE = 1200  # what such a message becomes in a log when it is alone, with its evidence
PATIENCE_S = 60
PRIMITIVES = {"SHA-512": "sha512", "SHA-256": "sha256", "AES-128-CBC": "aes-128-cbc"}


class Pair:
    """alice and bob, with keys that know each other."""

    def __init__(self, build, folder):
        self.bin, self.helper, self.folder = build / "bin", build / "bench" / "bench_path", folder
        self.env = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        keys = folder / ".config" / "avow"
        keys.mkdir(mode=0o700, parents=True)
        for who in ("alice", "bob"):
            subprocess.run([self.bin / who, "keygen"], env=self.env, check=True, capture_output=True)
        public = {who: " ".join((keys / f"{who}_ed25519.pub").read_text().split()[:2])
                  for who in ("alice", "bob")}
        (keys / "allowed_signers").write_text(f"bob {public['bob']}\n")
        self.bob = [self.bin / "bob", "--quiet", "--server-key", public["alice"]]
        self.inputs = {}
        for size, (count, _) in SIZES.items():
            self.inputs[size] = folder / f"lines-{size}"
            with self.inputs[size].open("wb") as lines:
                for _ in range(count):
                    lines.write(base64.b64encode(os.urandom(size * 3 // 4 + 3))[:size] + b"\n")

    def alice(self, place):
        process = subprocess.Popen(
            [self.helper, "run", "alice", self.bin / "alice", "--quiet"], cwd=place, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        while not (place / "port").exists() and time.monotonic() < end:
            time.sleep(0.01)
        return process

    def turn(self, command, stdin):
        """Run ${command} against a new alice; what it prints, and the numbers of both."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        alice = self.alice(place)
        said = subprocess.run(command, cwd=place, env=self.env, stdin=stdin, check=True,
                              stdout=subprocess.PIPE, timeout=PATIENCE_S).stdout
        if alice.wait(PATIENCE_S) != 0:
            sys.exit("alice has failed")
        used = {path.name: [float(word) for word in path.read_text().split()]
                for path in (place / "alice", place / "bob") if path.exists()}
        shutil.rmtree(place)
        return said, used

    def piped(self, size):
        with self.inputs[size].open("rb") as lines:
            return self.turn([self.helper, "run", "bob", *self.bob], lines)[1]

    def one_by_one(self):
        said, _ = self.turn([self.helper, "ask", str(ONE_COUNT), str(ONE_SIZE), *self.bob, "--json"],
                            subprocess.DEVNULL)
        return [float(word) for word in said.split()]


class Numbers:
    """The turns of each thing that is measured."""

    def __init__(self):
        self.turns = {}

    def add(self, name, value):
        self.turns.setdefault(name, []).append(value)

    def add_both(self, name, values):
        for which, value in zip(("p50", "p99"), values):
            self.add((name, which), value)

    def __getitem__(self, name):
        return median(self.turns[name])

    def spread(self, name):
        turns = sorted(self.turns[name])
        return f"{turns[0]:,.0f} to {turns[-1]:,.0f}"


def helper_times(pair, *arguments):
    said = subprocess.run([pair.helper, *map(str, arguments)], check=True, capture_output=True,
                          timeout=PATIENCE_S)
    return [float(word) for word in said.stdout.split()]


def primitive_ns(function, size):
    """Nanoseconds for ${size} bytes, from a line such as +F:25:sha512:1432590480.00"""
    command = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", str(size), "-evp", function]
    got = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return size / float(re.search(r"^\+F:.*:([0-9.]+)$", got, re.M).group(1)) * 1e9


def measure_ours(numbers, pair):
    numbers.add_both("avow", pair.one_by_one())  # right after the bare appends: it is held against them
    for size, (count, _) in SIZES.items():
        used = pair.piped(size)
        numbers.add(("avow", size), count / used["bob"][0])
        for who in ("alice", "bob"):
            numbers.add((who, "cpu", size), used[who][1] / count * 1e6)
            numbers.add((who, "peak", size), used[who][2] / (1 << 20))


def measure_theirs(numbers, rival):
    for size, (_, count) in SIZES.items():
        numbers.add((rival.name, size), rival.rate(size, count))
    numbers.add_both(rival.name, rival.one_by_one(ONE_SIZE, ONE_COUNT))


def measure_machine(numbers, pair, number):
    file = pair.folder / f"disk-{number}"
    numbers.add_both("large", helper_times(pair, "disk", file, 40, 1 << 20))
    file.unlink()
    numbers.add_both("line", helper_times(pair, "line", 2000))
    numbers.add_both("disk", helper_times(pair, "disk", file, ONE_COUNT, RECORD_SIZE))
    file.unlink()


def measure(pair, others, rounds):
    numbers, start = Numbers(), time.monotonic()
    for number in range(rounds):
        if time.monotonic() - start > ROUNDS_AFTER_S:
            break
        measure_machine(numbers, pair, number)
        measure_ours(numbers, pair)
        for rival in others:
            measure_theirs(numbers, rival)
        print(f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    for name, function in PRIMITIVES.items():
        for size in (128, 1024, 65536):
            numbers.add((name, size), primitive_ns(function, size))
    return numbers


def row(*cells):
    return f"| {' | '.join(cells)} |"


def table_of_rates(numbers, others):
    names = ["avow", *(rival.name for rival in others)]
    yield row("", *names)
    yield row("---", *("--:" for _ in names))
    yield row("durable when confirmed", "on both sides", *(rival.promise for rival in others))
    for size in SIZES:
        yield row(f"messages a second, {size} B", *(f"{numbers[name, size]:,.0f}" for name in names))
    for size in SIZES:
        yield row(f"avow is so many times as fast, {size} B",
                  *(f"{numbers['avow', size] / numbers[name, size]:.1f}" for name in names))
    for which in ("p50", "p99"):
        yield row(f"one at a time, {which}, µs", *(f"{numbers[name, which]:,.0f}" for name in names))
    yield row("one at a time, p50 / two appends",
              *(f"{numbers[name, 'p50'] / numbers['disk', 'p50'] / 2:.1f}" for name in names))


def table_of_costs(numbers):
    yield row("bytes", "lowest and highest rate", "bob, CPU s a million", "alice, CPU s a million",
              "bob, peak MiB", "alice, peak MiB")
    yield row("--:", "--:", "--:", "--:", "--:", "--:")
    for size in SIZES:
        yield row(str(size), numbers.spread(("avow", size)),
                  *(f"{numbers[who, 'cpu', size]:.2f}" for who in ("bob", "alice")),
                  *(f"{numbers[who, 'peak', size]:.0f}" for who in ("bob", "alice")))


def table_of_limits(numbers):
    yield row("the machine alone", "p50", "p99")
    yield row("---", "--:", "--:")
    for name, text in (("disk", f"append {RECORD_SIZE} B and fdatasync, µs"),
                       ("large", "append 1 MiB and fdatasync, µs"),
                       ("line", "a byte to another process and back, µs")):
        yield row(text, *(f"{numbers[name, which]:,.0f}" for which in ("p50", "p99")))
    yield ""
    yield row("`openssl speed`, ns", "128 B", "1024 B", "65536 B")
    yield row("---", "--:", "--:", "--:")
    for name in PRIMITIVES:
        yield row(name, *(f"{numbers[name, size]:,.0f}" for size in (128, 1024, 65536)))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    build = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else ROUNDS
    folder = Path(tempfile.mkdtemp(dir=build, prefix="path-"))
    folder.chmod(0o711)  # the owner of PostgreSQL's folder must get there
    others = []
    try:
        for rival in rivals.ALL:
            if rival.there():
                others.append(rival.__new__(rival))
                others[-1].__init__(folder)
        numbers = measure(Pair(build, folder), others, rounds)
        for table in (table_of_rates(numbers, others), table_of_costs(numbers),
                      table_of_limits(numbers)):
            print("\n".join(table) + "\n")
    finally:
        for rival in others:
            rival.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
