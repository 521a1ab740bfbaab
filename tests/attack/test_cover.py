# SPDX-License-Identifier: Apache-2.0
"""Goal: under `bob --cover`, who records the line cannot tell when Bob says something, nor how much:
every token has one size, Bob's leave at a constant rate, Alice answers each with one."""
import statistics
import time

import pytest

from line import TO_ALICE, TO_BOB, TOKEN
from people import Conversation

RATE = 20
LONGEST = "x" * 1500


def recorded(line, direction):
    """When tokens passed so far, and their sizes."""
    frames = line.recorded(direction, TOKEN)
    return [frame.seen_at for frame in frames], {len(frame.payload) for frame in frames}


def busy(bob):
    """Short and long messages, at moments of their own."""
    for i in range(40):
        bob.submit(f"order {i}" if i % 3 else LONGEST)
        time.sleep(0.02 * (i % 5))
    bob.confirmed()


def quiet(_bob):
    time.sleep(1.5)


def watch(folder, mode, talk):
    """A conversation of which the line is recorded: the tokens' sizes, and the gaps between bob's."""
    with Conversation(folder, mode, bob=("--cover", f"{RATE},2048")) as it:
        bob = it.start()
        bob.sees("Connected to server.")
        talk(bob)
        times, sizes = recorded(it.line, TO_ALICE)
        answers, answer_sizes = recorded(it.line, TO_BOB)
        assert bob.finish() == 0, bob.told()
        assert it.alice.exit() == 0, it.alice.told()
        it.alice.blamed_only()
        bob.blamed_only()
    assert len(times) >= RATE and abs(len(times) - len(answers)) <= 1
    return sizes | answer_sizes, [b - a for a, b in zip(times, times[1:])]


@pytest.mark.parametrize("mode", ["tls", "plain"])
def test_words_and_silence_look_alike(tmp_path, mode):
    speech, speech_gaps = watch(tmp_path / "speech", mode, busy)
    silence, silence_gaps = watch(tmp_path / "silence", mode, quiet)
    assert len(speech) == 1 and speech == silence
    for gaps in speech_gaps, silence_gaps:  # a busy machine may be late now and then
        assert abs(statistics.median(gaps) - 1 / RATE) < 0.005, sorted(gaps)


def test_without_cover_they_do_not(tmp_path):
    """So that the test above cannot pass by itself."""
    with Conversation(tmp_path) as it:
        bob = it.start()
        busy(bob)
        assert bob.finish() == 0
    assert len(recorded(it.line, TO_ALICE)[1]) > 1


def test_a_message_too_long_for_its_cover(tmp_path):
    with Conversation(tmp_path, bob=("--cover", f"{RATE},1024")) as it:
        bob = it.start()
        bob.submit("short")
        bob.submit(LONGEST)
        assert bob.finish() == 1, bob.told()
        assert "line 2 has more than" in bob.screen()
        assert it.alice.logged() == ["short"]
        again = it.start("--cover", "0")
        assert again.exit() == 2
        assert "--cover is a rate, 1 to 100 tokens a second" in again.screen()
