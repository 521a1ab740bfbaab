# SPDX-License-Identifier: Apache-2.0
"""What the tests of evidence share: a court, and a session of 20 messages by the real bob and alice."""
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "programs"))
from avow_programs import BIN, Place  # noqa: E402
from court import Court  # noqa: E402


@pytest.fixture
def court(tmp_path):
    return Court(tmp_path)


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """(Alice's log, Bob's log, allowed_signers) of 20 messages, in a few envelopes."""
    root = tmp_path_factory.mktemp("real")
    place = Place(root)
    try:
        for who in ("alice", "bob"):
            subprocess.run([BIN / who, "keygen", "--identity", place.config(who) / f"{who}_ed25519"],
                           check=True, capture_output=True, timeout=20)
        alice = place.alice()
        bob = place.bob("-q", stdin=subprocess.PIPE)
        for number in range(20):
            bob.write(f"message {number}\n".encode())
            if number in (0, 1, 9):
                place.until(lambda: f"message {number}\n".encode() in alice.out(), 10)
                time.sleep(0.1)
        bob.process.stdin.close()
        assert bob.end() == 0 and alice.end() == 0
        keys = "".join(f"{who}@host {place.key(who)}\n" for who in ("alice", "bob"))
        return place.log().read_bytes(), place.log("outbox").read_bytes(), keys
    finally:
        place.close()
