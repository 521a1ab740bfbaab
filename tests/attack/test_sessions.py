# SPDX-License-Identifier: Apache-2.0
"""Goal: sessions of many, and of those who do not behave, do not stand in the way of others."""
import pytest

from keyholder import END, FOR_ALICE, FalseBob, head, message
from people import Alice


@pytest.fixture
def alice(tmp_path):
    person = Alice(tmp_path / "alice", "--serve", "--handshake", "plain")
    person.port = int((person.folder / "port").read_text())
    yield person
    person.kill()


def test_a_session_that_has_ended_is_resumed(alice):
    """Goal: a bob who did not hear alice's end comes again while she still waits for him to go: he gets
    his session, and she says nothing untrue of another alice."""
    bob = FalseBob(alice.port)
    bob.envelope(0, message(b"one"))
    assert bob.receive_token() is not None
    bob.send(bob.key.seal(head(END, FOR_ALICE, bob.now(), bob.taken, 1)))
    assert bob.receive_token()[0] == END
    again = FalseBob(alice.port, of=bob)
    assert again.next_id == 1
    again.envelope(1, message(b"two"))
    assert again.receive_token() is not None
    assert "another alice" not in alice.screen()
    bob.close()
    again.close()
    assert alice.stop() == 0
    assert alice.logged() == ["one", "two"]
