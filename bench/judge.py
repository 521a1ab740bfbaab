#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/judge.py BUILD [TURNS]: how fast `judge` reads logs, beside sha256sum and sha512sum.

BUILD is a build directory of Meson, as a release build. Makes logs in a private folder, lets the three
programs read them in turns, and prints a table in Markdown; each number is the median of TURNS (5).
"""
import os
import pathlib
import statistics
import sys
import tempfile
import time

# messages, bytes of each, messages in an envelope
SESSIONS = [(100_000, 100, 400), (1_000_000, 100, 400), (100_000, 1024, 60), (20_000, 100, 1)]


def run(arguments):
    """Seconds that it took, seconds of processor time, and the most memory in KiB."""
    start = time.monotonic()
    with open(os.devnull, "wb") as sink:
        pid = os.posix_spawn(arguments[0], arguments, os.environ,
                             file_actions=[(os.POSIX_SPAWN_DUP2, sink.fileno(), 1)])
        _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(arguments)} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def measure(commands, turns):
    """The median of what run says of each command; they run in turns."""
    taken = [[] for _ in commands]
    for _ in range(turns):
        for command, results in zip(commands, taken):
            results.append(run(command))
    return [[statistics.median(column) for column in zip(*results)] for results in taken]


def row(build, folder, session, turns):
    messages, size, each = session
    run([str(build / "bench/bench_judge"), str(folder), str(messages), str(size), str(each)])
    alice, bob = str(folder / "alice.log"), str(folder / "bob.log")
    judge = [str(build / "bin/judge"), "verify", "--keys", str(folder / "keys")]
    sha256, sha512, one, both = measure(
        [["/usr/bin/sha256sum", alice], ["/usr/bin/sha512sum", alice], judge + [alice],
         judge + [alice, bob]], turns)
    megabytes = os.path.getsize(alice) / 1e6
    megabytes_both = megabytes + os.path.getsize(bob) / 1e6
    signatures = 2 * -(-messages // each) + 4
    return (f"| {messages:,} of {size} B, {each} an envelope | {megabytes:.0f} | {signatures:,} "
            f"| {sha256[0] + sha512[0]:.2f} | {one[0]:.2f} | {one[0] / (sha256[0] + sha512[0]):.1f} "
            f"| {one[1] / (sha256[1] + sha512[1]):.1f} | {megabytes / one[0]:.0f} "
            f"| {messages / one[0]:,.0f} | {both[0]:.2f} | {megabytes_both / both[0]:.0f} "
            f"| {one[2] / 1024:.0f} | {both[2] / 1024:.0f} |")


def main(arguments):
    if not 1 <= len(arguments) <= 2:
        sys.exit(__doc__)
    build, turns = pathlib.Path(arguments[0]).resolve(), int((arguments + ["5"])[1])
    print("| session | log, MB | signatures | sha256sum + sha512sum, s | `judge verify`, s | ratio "
          "| ratio of CPU time | MB/s | messages/s | both logs, s | both, MB/s | peak MiB "
          "| both, peak MiB |")
    print("|---|" + "--:|" * 12)
    for session in SESSIONS:
        with tempfile.TemporaryDirectory(prefix="avow-judge-") as folder:
            print(row(build, pathlib.Path(folder), session, turns), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
