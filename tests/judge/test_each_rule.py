# SPDX-License-Identifier: Apache-2.0
"""Goal: each rule of docs/EVIDENCE.md for one log alone is broken by a log that breaks nothing else: its keepers
have computed the heads anew, and both have signed anew what they sign. Both verifiers refute it."""
import base64
import copy

import forge
import pytest

P, R = "PROVEN", "REFUTED"
NEVER = "ab" * 32  # a head of nobody
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
INCIDENT = [["Incident", "Repeated token. Possible replay attack."], ["Verdict", "replayed"],
            ["Seen at", "2026-11-22 21:40:00.000000 +0100"]]
CASES = {}


def breaks(rule, *logs, keep=(), end="Bob"):
    """The function edits the blocks of one of these logs, so that this rule is broken."""
    def take(edit):
        for log in logs:
            CASES[f"{rule} {edit.__name__} {log}"] = (edit, log, keep, end)
        return edit
    return take


def places(blocks, kind):
    return [number for number, block in enumerate(blocks) if block[0][0] == kind]


def nth(blocks, kind, number=0):
    return blocks[places(blocks, kind)[number]]


def shown(log, end):
    """A session with two connections, several envelopes in each, and an incident."""
    session = forge.honest((1, 2, 1, 1, 2, 1), resume_at=(2,), incidents_at=(1,), end=end, key_line=KEY)
    return forge.parse(dict(zip(("Alice", "Bob"), session.pair()))[log])


@breaks(1, "Alice", "Bob")
def a_text_is_escaped_otherwise(blocks):
    forge.put(nth(blocks, "Message ID"), "Message text", "\\x48ey dude, number 0")


@breaks(1, "Alice", "Bob")
def a_text_has_another_hash(blocks):
    forge.put(nth(blocks, "Message ID"), "Message text", "another")


@breaks(1, "Alice", "Bob")
def a_key_has_another_hash(blocks):
    forge.put(nth(blocks, "Connected"), "Key hash", NEVER)


@breaks(1, "Alice", "Bob")
def a_time_does_not_exist(blocks):
    forge.put(nth(blocks, "Message ID"), "Timestamp", "2026-02-30 21:30:06.000000 +0100")


@breaks(1, "Alice", "Bob")
def a_number_begins_with_0(blocks):
    forge.put(nth(blocks, "Connected", 1), "Next ID", "0" + forge.get(nth(blocks, "Connected", 1), "Next ID"))


@breaks(1, "Alice", "Bob")
def lines_are_in_another_order(blocks):
    block = nth(blocks, "Message ID")
    block[1], block[2] = block[2], block[1]


@breaks(1, "Alice", "Bob")
def a_line_is_not_one_of_these(blocks):
    nth(blocks, "Message ID").append(["Note", "x"])


@breaks(1, "Alice", "Bob")
def a_line_is_missing(blocks):
    del nth(blocks, "Message ID")[2]


@breaks(1, "Alice", "Bob", keep=["Head"])
def a_head_is_another(blocks):
    forge.put(nth(blocks, "Head", 1), "Head", NEVER)


@breaks(2, "Alice", "Bob")
def the_first_connection_is_resumed(blocks):
    next(line for line in nth(blocks, "Connected") if line[0] == "Opened")[0] = "Resumed"


@breaks(2, "Alice", "Bob")
def a_later_connection_is_opened(blocks):
    next(line for line in nth(blocks, "Connected", 1) if line[0] == "Resumed")[0] = "Opened"


@breaks(2, "Alice", "Bob")
def a_later_connection_is_of_another_session(blocks):
    forge.put(nth(blocks, "Connected", 1), "Session", "0123456789abcdef" * 2)


@breaks(2, "Bob")
def the_log_began_with_another_key_of_bob(blocks):
    forge.put(blocks[0], "Bob", forge.MALLORY.line)


@breaks(4, "Alice", "Bob")
def an_id_is_left_out(blocks):
    forge.put(nth(blocks, "Message ID", -1), "Message ID", "8")
    forge.put(nth(blocks, "Messages", -1), "Messages", "8-8")


@breaks(4, "Alice", "Bob")
def a_message_has_another_id_than_in_its_envelope(blocks):
    forge.put(nth(blocks, "Message ID", -1), "Message ID", "8")


@breaks(4, "Alice", "Bob")
def an_envelope_is_of_earlier_messages(blocks):
    forge.put(nth(blocks, "Messages", -1), "Messages", "6-7")


@breaks(4, "Alice", "Bob")
def an_envelope_is_of_later_messages(blocks):
    forge.put(nth(blocks, "Messages", -1), "Messages", "7-8")


@breaks(4, "Alice")
def an_envelope_leaves_out_a_message_before_it(blocks):
    forge.put(nth(blocks, "Messages", 1), "Messages", "1-1")
    del blocks[places(blocks, "Messages")[1] + 2:]


@breaks(4, "Alice")
def messages_are_in_no_envelope(blocks):
    del blocks[places(blocks, "Messages")[-1]]
    del blocks[places(blocks, "Messages in all")[0]:]


@breaks(4, "Alice")
def an_incident_stands_within_an_envelope(blocks):
    blocks.insert(places(blocks, "Messages")[-1], copy.deepcopy(INCIDENT))


@breaks(4, "Alice")
def an_envelope_has_another_time_than_its_messages(blocks):
    forge.put(nth(blocks, "Messages"), "Message confirmed at", "2026-11-22 21:50:00.000000 +0100")


@breaks(4, "Alice")
def messages_of_an_envelope_have_two_times(blocks):
    forge.put(nth(blocks, "Message ID", 1), "Message confirmed at", "2026-11-22 21:50:00.000000 +0100")


@breaks(4, "Bob")
def bob_says_when_a_message_was_confirmed(blocks):
    nth(blocks, "Message ID").append(["Message confirmed at", "2026-11-22 21:50:00.000000 +0100"])


@breaks(4, "Bob")
def an_envelope_stands_before_its_messages(blocks):
    receipt = blocks.pop(places(blocks, "Messages")[-1])
    blocks.insert(places(blocks, "Message ID")[-1], receipt)


@breaks(5, "Alice")
def a_message_comes_before_bob_has_signed(blocks):
    signed = blocks.pop(places(blocks, "Signed by Bob")[0])
    blocks.insert(places(blocks, "Messages")[0] + 1, signed)


@breaks(5, "Alice")
def a_message_comes_where_bob_has_never_signed(blocks):
    del blocks[places(blocks, "Signed by Bob")[1]]


@breaks(5, "Bob")
def bob_has_never_signed_his_connection(blocks):
    del blocks[places(blocks, "Signed by Bob")[1]]


@breaks(5, "Bob")
def bob_has_not_signed_the_last_connection(blocks):
    del blocks[places(blocks, "Signed by Bob")[1]]
    del blocks[places(blocks, "Connected")[1] + 2:]


@breaks(6, "Alice", keep=["Head at receipt"])
def a_receipt_has_another_head(blocks):
    forge.put(nth(blocks, "Messages", -1), "Head at receipt", NEVER)


@breaks(6, "Alice", keep=["Head at the end"])
def an_end_has_another_head(blocks):
    forge.put(nth(blocks, "Messages in all"), "Head at the end", NEVER)


@breaks(6, "Alice")
def a_connection_expects_another_message(blocks):
    forge.put(nth(blocks, "Connected", 1), "Next ID", "2")


@breaks(6, "Alice", keep=["Alice's head"])
def a_connection_begins_at_another_head(blocks):
    forge.put(nth(blocks, "Connected", 1), "Alice's head", forge.EMPTY)


@breaks("6 and 7", "Alice", "Bob")
def an_envelope_has_a_head_that_alice_never_gave(blocks):
    forge.put(nth(blocks, "Messages", -1), "Alice's head", NEVER)


@breaks("6 and 7", "Alice", "Bob")
def an_end_has_a_head_that_alice_never_gave(blocks):
    forge.put(nth(blocks, "Messages in all"), "Alice's head", NEVER)


@breaks(6, "Alice")
def an_envelope_goes_back_to_an_older_head(blocks):
    forge.put(nth(blocks, "Messages", -1), "Alice's head", forge.get(nth(blocks, "Messages", -3), "Alice's head"))


@breaks(6, "Alice", end="Alice")
def her_own_end_has_an_older_head_of_bob(blocks):
    forge.put(nth(blocks, "Messages in all"), "Bob's head", forge.get(nth(blocks, "Messages"), "Bob's head"))


@breaks(7, "Bob")
def an_envelope_has_a_head_of_nobody(blocks):
    forge.put(nth(blocks, "Messages", -1), "Bob's head", NEVER)


@breaks(7, "Bob")
def an_envelope_has_a_head_from_before_its_messages(blocks):
    forge.put(nth(blocks, "Messages", -1), "Bob's head", forge.get(nth(blocks, "Head"), "Head"))


@breaks(7, "Bob")
def a_connection_has_a_head_of_nobody(blocks):
    forge.put(nth(blocks, "Connected", 1), "Bob's head", NEVER)


@breaks(7, "Bob")
def an_end_has_a_head_of_nobody(blocks):
    forge.put(nth(blocks, "Messages in all"), "Bob's head", NEVER)


@breaks(7, "Bob")
def alice_has_lost_what_she_confirmed(blocks):
    forge.put(nth(blocks, "Connected", 1), "Next ID", "0")


@breaks(7, "Bob")
def alice_has_what_bob_never_had(blocks):
    forge.put(nth(blocks, "Connected", 1), "Next ID", "7")


@breaks(8, "Alice", "Bob")
def an_end_says_more_messages(blocks):
    forge.put(nth(blocks, "Messages in all"), "Messages in all", "9")


@breaks(8, "Alice", "Bob")
def an_end_says_fewer_messages(blocks):
    forge.put(nth(blocks, "Messages in all"), "Messages in all", "7")


@breaks(8, "Bob")
def a_message_stands_behind_the_end(blocks):
    block = copy.deepcopy(nth(blocks, "Message ID", -1))
    forge.put(block, "Message ID", "8")
    blocks += [block, [["Head", ""]]]


@breaks(8, "Alice", "Bob")
def it_ends_twice(blocks):
    blocks += copy.deepcopy([nth(blocks, "Messages in all"), [["Head", ""]]])


def first_changed(before, after):
    """The number of the first line that is not as before."""
    lines = [forge.text_of(blocks).split(b"\n") for blocks in (before, after)]
    return next(number for number, (one, other) in enumerate(zip(*lines), 1) if one != other)


@pytest.mark.parametrize("log", ["Alice", "Bob"])
@pytest.mark.parametrize("end", ["Alice", "Bob"])
def test_none(court, log, end):
    """Goal: where nothing is edited, the same repair leaves nothing to refute."""
    assert court.verify(**{log.lower(): forge.signed_by_both(shown(log, end), log)}) == P


@pytest.mark.parametrize("case", CASES)
def test_each_rule(court, case):
    edit, log, keep, end = CASES[case]
    before, blocks = shown(log, end), shown(log, end)
    edit(blocks)
    data = {log.lower(): forge.signed_by_both(blocks, log, keep)}
    (word, why), (second, reason) = court.judge("verify", **data), court.second(**data)
    assert (word, second) == (R, R), (why, reason)
    if case.startswith("1 "):  # the form of a line: judge names it
        assert f", line {first_changed(before, blocks)}: " in why, why
