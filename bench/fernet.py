# SPDX-License-Identifier: Apache-2.0
"""Our Fernet beside Python's, and beside the primitives that it is made of.

    /usr/bin/python3 bench/fernet.py BUILD_DIR

prints a Markdown table in less than a minute.  All times are processor time.  The machine may be
busy, so the things compared are measured in turns, and each number is the median of its turns.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from cryptography.fernet import Fernet

SIZES = [32, 128, 1024, 16384, 65536]
ROUNDS = 3
OURS_PER_ROUND = 2
OURS_MS = 20
PYTHON_MS = 20
# `openssl speed` takes whole seconds, so it takes most of the time.
PRIMITIVES = {
    "aes encrypt": ["-evp", "aes-128-cbc"],
    "aes decrypt": ["-decrypt", "-evp", "aes-128-cbc"],
    "sha256": ["-evp", "sha256"],
}


def openssl_ns(arguments, size):
    """Nanoseconds for ${size} bytes, from a line such as +F:25:aes-128-cbc:1432590480.00"""
    command = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", str(size), *arguments]
    got = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return size / float(re.search(r"^\+F:.*:([0-9.]+)$", got, re.M).group(1)) * 1e9


def python_ns(call):
    calls, some, spent, start = 0, 1, 0, time.process_time_ns()
    while spent < PYTHON_MS * 1_000_000:
        for _ in range(some):
            call()
        calls += some
        some = min(2 * some, 16)
        spent = time.process_time_ns() - start
    return spent / calls


def ours_ns(program, size):
    got = subprocess.run([program, str(size), str(OURS_MS)], capture_output=True, check=True)
    return [float(word) for word in got.stdout.split()]


def measure(program):
    """{(name, size): [nanoseconds of each turn]}"""
    times = {}

    def add(name, size, ns):
        times.setdefault((name, size), []).append(ns)

    python = Fernet(Fernet.generate_key())
    for _ in range(ROUNDS):
        for size in SIZES:
            message = bytes(size)
            token = python.encrypt(message)
            for name, arguments in PRIMITIVES.items():
                add(name, size, openssl_ns(arguments, size))
                for _ in range(OURS_PER_ROUND):
                    encrypt, decrypt = ours_ns(program, size)
                    add("ours encrypt", size, encrypt)
                    add("ours decrypt", size, decrypt)
                add("python encrypt", size, python_ns(lambda: python.encrypt(message)))
                add("python decrypt", size, python_ns(lambda: python.decrypt(token, ttl=60)))
    return times


def table(times):
    ns = {key: median(turns) for key, turns in times.items()}
    yield ("| | bytes | ns a token | MB/s | Python, ns | times Python's rate | AES + SHA-256, ns "
           "| ours / primitives |")
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for way in ("encrypt", "decrypt"):
        for size in SIZES:
            ours, python = ns[f"ours {way}", size], ns[f"python {way}", size]
            primitives = ns[f"aes {way}", size] + ns["sha256", size]
            yield (f"| {way} | {size} | {ours:.0f} | {size / ours * 1000:.0f} | {python:.0f} "
                   f"| {python / ours:.1f} | {primitives:.0f} | {ours / primitives:.2f} |")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = Path(sys.argv[1]) / "bench" / "bench_fernet"
    print("\n".join(table(measure(str(program)))))


if __name__ == "__main__":
    main()
