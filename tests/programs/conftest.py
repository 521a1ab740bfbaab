# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole programs share: a place to run them in, and an end to every wait."""
import signal
import subprocess

import pytest

from avow_programs import BIN, Place

TEST_S = 60


@pytest.fixture(autouse=True)
def limit():
    """A test that hangs fails."""
    def late(number, frame):
        raise TimeoutError(f"this test took longer than {TEST_S} s")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def identities(tmp_path_factory):
    """One identity for alice and one for bob, made once."""
    folder = tmp_path_factory.mktemp("identities")
    for who in ("alice", "bob"):
        subprocess.run([BIN / who, "keygen", "--identity", folder / f"{who}_ed25519"], check=True,
                       capture_output=True, timeout=20)
    return folder


@pytest.fixture
def place(tmp_path, identities):
    one = Place(tmp_path, identities)
    yield one
    one.close()


@pytest.fixture
def new_place(tmp_path):
    """Nobody has an identity yet."""
    one = Place(tmp_path)
    yield one
    one.close()
