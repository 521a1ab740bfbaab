# SPDX-License-Identifier: Apache-2.0
"""Goal: in pipes, alice and bob are dependable parts of a script."""
import hashlib
import json
import os
import re
import subprocess

import pytest

from avow_programs import (CONFIRMED, FINGERPRINT, HANG_UP, INTERRUPT, READY, TERMINATE, Proxy,
                           texts_in_log)

MIB = 1024 * 1024
ODD_LINES = [b"", b"quit", b"", b"a\0b\0", b"\xff\xfe\xc3\x28", b"\x1b[31mred\x1b]0;title\x07",
             b"carriage\r", b"\t tabs and spaces  ", "grüße ☃ 😀".encode(), b"-q", b"quit "]


@pytest.mark.parametrize("last", [b"\n", b""], ids=["newline at the end", "none"])
def test_every_byte_of_a_file_arrives(place, last):
    """Goal: empty lines, `quit`, NUL, invalid UTF-8 and escapes arrive as they are, in order."""
    data = b"\n".join([*ODD_LINES, b"the last one"])
    alice = place.alice()
    bob = place.send(data + last)
    assert (bob.end(), alice.end()) == (0, 0)
    assert alice.out() == data + b"\n"
    assert bob.out() == b""
    assert "12 messages sent, all confirmed." in bob.lines()
    hashes = re.findall("^Hash value: (.*)", place.log().read_text(), re.M)
    assert hashes == [hashlib.sha512(line).hexdigest() for line in [*ODD_LINES, b"the last one"]]


def test_nothing_to_send(place):
    """Goal: an empty input is a session without messages, and no failure."""
    alice = place.alice()
    bob = place.send(b"")
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"")
    assert "0 messages sent, all confirmed." in bob.lines()


def test_the_longest_line(place):
    """Goal: a line of 1 MiB is a message like any other."""
    data = b"short\n" + b"x" * MIB + b"\nshort again\n"
    alice = place.alice()
    assert (place.send(data).end(), alice.end()) == (0, 0)
    assert alice.out() == data


@pytest.mark.parametrize("length", [MIB + 1, 3 * MIB])
@pytest.mark.parametrize("last", [b"\nafter\n", b""], ids=["in the middle", "at the end"])
def test_a_line_that_is_too_long(place, length, last):
    """Goal: it is refused by its number, and every line before it is confirmed."""
    before = b"".join(b"line %d\n" % number for number in range(1, 3001))
    alice = place.alice()
    bob = place.send(before + b"x" * length + last)
    assert (bob.end(), alice.end()) == (1, 0)
    assert alice.out() == before
    assert "bob: line 3001 has more than 1048576 bytes" in bob.text()
    assert "3000 messages sent, all confirmed." in bob.lines()


def test_many_lines(place):
    """Goal: 20,000 lines arrive, each once, in order, on the screen and in the log."""
    data = b"".join(b"line %d\n" % number for number in range(20000))
    alice = place.alice()
    assert (place.send(data).end(), alice.end()) == (0, 0)
    assert alice.out() == data
    assert texts_in_log(place) == [f"line {number}" for number in range(20000)]
    assert "20000 messages sent, all confirmed." in place.programs[1].lines()


def test_a_message_is_there_at_once(place):
    """Goal: alice > file has a message before bob's next one: nobody waits for a full buffer."""
    alice = place.alice()
    bob = place.bob(stdin=subprocess.PIPE)
    sent = b""
    for text in (b"one\n", b"two\n", b"three\n"):
        bob.write(text)
        sent += text
        assert place.until(lambda: alice.out() == sent, 5), alice.out()
        assert bob.running()
    bob.process.stdin.close()
    assert (bob.end(), alice.end()) == (0, 0)


def test_json(place):
    """Goal: with --json, stdout is one object per line, every event is there, and nothing else."""
    texts = ["one", "", "grüße", '"quoted" \\ \x1b[31m', "x\u2028y"]
    alice = place.alice("--json")
    bob = place.send("\n".join(texts).encode() + b"\n\xff\n", "--json")
    assert (bob.end(), alice.end()) == (0, 0)
    hers, his = ([json.loads(line) for line in program.out().decode().split("\n")[:-1]]
                 for program in (alice, bob))
    assert [event["event"] for event in hers] == ["listening", "connected", *["message"] * 6, "ended"]
    assert [event["event"] for event in his] == ["connected", *["confirmed"] * 6, "done"]
    assert hers[0]["port"] >= 1024
    for connected, folder in ((hers[1], "logs"), (his[0], "outbox")):
        assert connected["log"] + ".log" == place.log(folder).name
        assert connected["handshake"] == "tls"
    assert re.fullmatch(FINGERPRINT, hers[1]["client_key"])
    assert re.fullmatch(FINGERPRINT, his[0]["server_key"])
    messages = hers[2:8]
    assert [message["id"] for message in messages] == list(range(6))
    assert [message.get("text") for message in messages] == [*texts, None]
    assert messages[5]["text_base64"] == "/w=="
    for message, text in zip(messages, texts):
        assert message["hash"] == hashlib.sha512(text.encode()).hexdigest()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", message["timestamp"])
    assert [one["confirmed_at"] for one in his[1:7]] == [one["confirmed_at"] for one in messages]
    assert his[-1] == {"event": "done", "confirmed": 6, "unconfirmed": 0}
    assert hers[-1] == {"event": "ended", "by_peer": True}


def test_quiet(place):
    """Goal: with -q, stdout has the messages and stderr nothing."""
    alice = place.start("alice", "-q")
    place.until(lambda: (place.work / "port").exists(), 10)
    bob = place.send(b"one\ntwo\n", "-q")
    assert (bob.end(), alice.end()) == (0, 0)
    assert (alice.out(), alice.text(), bob.out(), bob.text()) == (b"one\ntwo\n", "", b"", "")


def test_verbose(place):
    """Goal: with -v both tell the key exchange, the keys and the logs."""
    alice = place.alice("-v")
    bob = place.send(b"one\n", "-v")
    assert (bob.end(), alice.end()) == (0, 0)
    for program in (alice, bob):
        assert re.search(r"^Key exchange: [A-Za-z0-9_-]+$", program.text(), re.M)
    assert f"Logging messages in: outbox/{place.log('outbox').name}" in bob.lines()
    assert re.search(rf"^Server's key: {FINGERPRINT} alice@\S+ \(alice.pub", bob.text(), re.M)
    assert "Message 0 was successfully received by the server." in bob.lines()


@pytest.mark.parametrize("number", [INTERRUPT, TERMINATE, HANG_UP], ids=["INT", "TERM", "HUP"])
def test_a_signal_ends_alice_in_order(place, number):
    """Goal: what was sent stays confirmed, bob is told, the log is ended, the port file is gone."""
    alice = place.alice(terminal=number == HANG_UP)
    bob = place.bob(terminal=True).see(READY)
    bob.say("one")
    alice.signal(number)
    assert alice.end(5) == 0
    assert bob.end(5) == 0
    assert bob.lines()[-1] == "The server ended the session."
    assert not (place.work / "port").exists() and not (place.work / "alice.pub").exists()
    assert texts_in_log(place) == ["one"] and "\nEnded: " in place.log().read_text()


@pytest.mark.parametrize("number", [INTERRUPT, TERMINATE, HANG_UP], ids=["INT", "TERM", "HUP"])
def test_a_signal_ends_bob_in_order(place, number):
    """Goal: what was sent is confirmed, alice is told, the log is ended."""
    alice = place.alice()
    bob = place.bob(terminal=True).see(READY)
    bob.say("one")
    if number == INTERRUPT:
        bob.keys("\x03")
    else:
        bob.signal(number)
    assert (bob.end(5), alice.end(5)) == (0, 0)
    assert alice.out() == b"one\n" and "\nEnded: " in place.log().read_text()
    assert "\nEnded: " in place.log("outbox").read_text()


def test_a_signal_while_waiting(place):
    """Goal: both leave at once when nobody has come; bob says that nothing was sent."""
    alice, bob = place.alice(), place.bob("--port-file", "none").see("Waiting for server")
    alice.signal(INTERRUPT)
    bob.signal(INTERRUPT)
    assert (alice.end(5), bob.end(5)) == (0, 3)
    assert bob.lines()[-1] == "bob: nothing was sent."
    assert not (place.work / "port").exists()


def test_ctrl_c_drains_a_pipe(place):
    """Goal: in the middle of a pipe, what was read is confirmed, and bob says that there was more."""
    alice = place.alice()
    bob = place.bob(stdin=subprocess.PIPE).see("Connected to server")
    bob.write(b"one\ntwo\nthr")
    assert place.until(lambda: alice.out() == b"one\ntwo\n", 5)
    bob.signal(INTERRUPT)
    assert (bob.end(5), alice.end(5)) == (6, 0)
    assert "2 messages sent, all confirmed, but the input had not ended." in bob.text()
    assert alice.out() == b"one\ntwo\n"


def test_ctrl_c_twice_leaves_at_once(place):
    """Goal: a bob whose messages are never confirmed can be left."""
    place.alice()
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    bob = place.bob(f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice"), terminal=True)
    bob.see(READY)
    proxy.swallow = True
    bob.type("one")
    bob.see("Waiting for receival")
    bob.signal(INTERRUPT)
    bob.see("1 message waits for confirmation, 10 seconds at most. Ctrl-C again leaves now.")
    bob.signal(INTERRUPT)
    assert bob.end(5) == 6


def test_the_reader_of_alice_goes_away(place):
    """Goal: `alice | head -1` ends, says once why, and what was confirmed is in the log."""
    reader = subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    alice = place.start("alice", stdout=reader.stdin)
    reader.stdin.close()
    alice.see("Waiting for a client")
    bob = place.send(b"".join(b"%d\n" % number for number in range(20000)))
    assert alice.end() == 1
    assert (reader.wait(5), reader.stdout.read()) == (0, b"0\n")
    assert alice.text().count("alice: cannot write to standard output: Broken pipe.") == 1
    waiting, taken = map(int, re.search(r"(\d+) of (\d+) messages are not confirmed", bob.text()).groups())
    confirmed = taken - waiting
    assert len(texts_in_log(place)) >= confirmed > 0
    assert bob.end() == 6


def test_a_full_device_behind_stdout(place):
    """Goal: alice --serve >/dev/full goes on storing and confirming, and says once that it is so."""
    full = ["sh", "-c", 'exec "$@" >/dev/full', "sh"]
    alice = place.alice("--serve", before=full)
    assert [place.send(b"one\ntwo\n").end() for _ in range(2)] == [0, 0]
    assert alice.text().count("alice: cannot write to standard output: No space left") == 1
    alice.signal(TERMINATE)
    alice.end()
    alice = place.alice("--json", before=full)
    bob = place.start("bob", "--json", stdin=b"one\ntwo\n", before=full)
    assert bob.end() == 0
    alice.end()
    for program in (alice, bob):
        assert program.text().count(": cannot write to standard output: No space left") == 1


def test_quit_is_a_word_of_its_own(place):
    """Goal: at a terminal, only the line `quit` ends; with spaces, or in capitals, it is a message."""
    alice = place.alice()
    bob = place.bob(terminal=True).see(READY)
    for text in ("quit ", " quit", "QUIT", "quit quit"):
        bob.say(text)
    bob.type("quit")
    assert (bob.end(), alice.end()) == (0, 0)
    assert alice.out() == b"quit \n quit\nQUIT\nquit quit\n"


def test_an_empty_line_at_the_prompt(place):
    """Goal: Return alone sends nothing, and says so; Ctrl-D ends like quit."""
    alice = place.alice()
    bob = place.bob(terminal=True).see(READY)
    bob.type("")
    bob.see("Nothing to send: type a message, or quit.")
    bob.say("one")
    place.until(bob.edits_lines, 5)
    bob.keys("\x04")
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"one\n")


def test_a_long_message_at_the_prompt(place):
    """Goal: a message of some thousand characters can be typed, and is shown once."""
    alice = place.alice()
    bob = place.bob(terminal=True).see(READY)
    text = "long " * 700
    bob.say(text)
    bob.type("quit")
    assert (bob.end(), alice.end()) == (0, 0)
    assert alice.out().decode() == text + "\n"
    assert bob.text().count(CONFIRMED) == 1


def test_stdin_is_given_back_as_it_was(place):
    """Goal: who shares bob's standard input (the shell, the next command) finds it blocking."""
    alice = place.alice()
    ours, theirs = os.pipe()
    os.write(theirs, b"one\n")
    os.close(theirs)
    bob = place.bob(stdin=os.fdopen(os.dup(ours), "rb"))
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"one\n")
    assert os.get_blocking(ours)
    os.close(ours)
