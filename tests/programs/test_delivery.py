# SPDX-License-Identifier: Apache-2.0
"""Goal: what bob has taken reaches alice's log once, in order, whatever is killed, cut or restarted."""
import json
import random
import re
import socket
import subprocess
import threading
import time

import pytest

from avow_programs import (CONFIRMED, READY, TERMINATE, Proxy, damaged, heads_hold, namespace, taken,
                           texts_in_log)

CONNECTED = "Connected to server"
LINES = [f"line {number} {'x' * (number * 7 % 60)}" for number in range(20000)]


def lines(texts):
    return "".join(f"{text}\n" for text in texts).encode()


class Feeder:
    """Writes to a bob, a part at a time; `lazy` seconds between two parts; then his input ends, if
    nobody else is to `end` it."""

    def __init__(self, bob, texts, part=500, lazy=0.005, end=True):
        self.bob, self.texts, self.part, self.lazy, self.end = bob, texts, part, lazy, end
        self.thread = threading.Thread(target=self.feed, daemon=True)
        self.thread.start()

    def feed(self):
        try:
            for at in range(0, len(self.texts), self.part):
                self.bob.write(lines(self.texts[at:at + self.part]))
                time.sleep(self.lazy)
            if self.end:
                self.bob.process.stdin.close()
        except (OSError, ValueError):
            pass  # he is dead


def kill(program):
    program.process.kill()
    program.end()


def restarted_bob(place, texts, *args, feed=Feeder):
    """A bob who goes on: what his outbox has taken he sends by himself, the rest he is given."""
    bob = place.bob(*args, stdin=subprocess.PIPE)
    feed(bob, texts[taken(place):])
    return bob


def arrived_once(place, texts):
    """One session, one log that holds each text once, in order."""
    logs = [path.read_text() for path in (place.work / "logs").glob("*.log")]
    (log,) = [log for log in logs if "\nMessage ID: " in log]
    assert re.findall("^Message text: (.*)", log, re.M) == list(texts)
    assert re.findall("^Message ID: (.*)", log, re.M) == [str(number) for number in range(len(texts))]
    for folder in ("logs", "outbox"):
        for path in (place.work / folder).glob("*.log"):
            assert path.stat().st_size == 0 or heads_hold(path.read_bytes()), path


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.full)
                                          for seed in range(3, 20))])
@pytest.mark.parametrize("victims", [["alice"], ["bob"], ["alice", "bob"]], ids="-".join)
def test_kill_9_at_random_moments(place, victims, seed):
    """Goal: 20,000 lines, and kill -9 of either or both again and again in their midst: every line
    is in alice's log once, in order, and bob ends with 0."""
    chance = random.Random(f"{seed} {victims}")
    alice, bob = place.alice(), restarted_bob(place, LINES)
    for _ in range(6):
        place.until(lambda: not bob.running(), chance.uniform(0.01, 0.15))
        for who in chance.sample(victims, len(victims)):
            kill(alice if who == "alice" else bob)
        if bob.process.returncode not in (None, 0):
            bob = restarted_bob(place, LINES)
        if bob.running() and not alice.running():
            alice = place.alice()
    assert bob.end(30) == 0, bob.text()
    place.until(lambda: not alice.running(), 2)
    if alice.running():  # she came after all was over
        alice.signal(TERMINATE)
    assert alice.end() in (0, -9)
    arrived_once(place, LINES)
    status, out, _ = place.run("bob", "--outbox-status")
    assert status == 0 and out.startswith("Nothing waits")


class Cutter(Proxy):
    """A line that can be cut, on bob's side or on both, and is there again at once."""

    deaf = False  # alice is not told that bob's side is gone

    def carry(self, source, target, from_alice):
        try:
            while data := source.recv(65536):
                if not (from_alice and self.swallow):
                    target.sendall(data)
        except OSError:
            pass
        if from_alice or not self.deaf:
            self.shut([target])

    def cut(self, everywhere=True):
        """Both sides of all connections, or bob's only."""
        connections, self.sockets = self.sockets[1:], self.sockets[:1]
        self.deaf = not everywhere
        self.shut(connections if everywhere else connections[::2])

    def shut(self, connections):
        for one in connections:
            try:
                one.shutdown(2)
            except OSError:
                pass


def through(place, *args):
    """The arguments for a bob who calls through a line of his own, and that line."""
    line = Cutter(place.port())
    place.closers.append(line.close)
    return line, [f"127.0.0.1:{line.port}", "--server-key", place.key("alice"), *args]


def test_a_line_that_is_cut_again_and_again(place):
    """Goal: 5,000 messages through a line that is cut every 0.3 s; the log of either tells of it."""
    texts = LINES[:5000]
    alice = place.alice()
    line, how = through(place)
    bob = place.bob(*how, stdin=subprocess.PIPE)
    feeder = Feeder(bob, texts, part=50, lazy=0.03, end=False)
    cuts = 0
    while feeder.thread.is_alive():
        place.until(lambda: False, 0.3)
        line.cut()
        cuts += 1
    bob.process.stdin.close()  # where the goodbye is cut, alice would wait for him
    assert (bob.end(), alice.end()) == (0, 0)
    arrived_once(place, texts)
    assert cuts >= 8 and bob.text().count("The connection was cut.\nPossible interruption attack.\n"
                                          "Waiting for server...") >= cuts // 2
    for folder in ("logs", "outbox"):
        assert place.log(folder).read_text().count("\nResumed: ") >= cuts // 2


def test_alice_comes_back_elsewhere(place):
    """Goal: bob reads the port file anew each time; a person sees it all and may type on."""
    alice = place.alice()
    bob = place.bob(terminal=True).see(READY)
    bob.say("one")
    port = place.port()
    kill(alice)
    bob.see(r"The connection was cut\.\nPossible interruption attack\.\nWaiting for server\.\.\.")
    with socket.create_server(("127.0.0.1", port)) as somebody_else:
        threading.Thread(target=hang_up, args=(somebody_else,), daemon=True).start()
        other = place.alice()
        assert place.port() != port
        bob.see(re.escape(READY), 2)
        bob.say("two")
        bob.type("quit")
        assert (bob.end(), other.end()) == (0, 0)
    assert texts_in_log(place) == ["one", "two"]


def hang_up(listener):
    try:
        while True:
            listener.accept()[0].close()
    except OSError:
        pass


def test_a_dead_connection_that_alice_still_holds(place):
    """Goal: bob, who lost a connection that alice still believes in, gets his session back; nobody
    else gets in meanwhile."""
    alice = place.alice("-v")
    line, how = through(place)
    bob = place.bob(*how, stdin=subprocess.PIPE)
    bob.write(b"one\n")
    assert place.until(lambda: alice.out() == b"one\n", 5)
    line.cut(everywhere=False)
    bob.see(CONNECTED, 2)
    bob.write(b"two\n")
    alice.see("has come again on another connection")
    assert place.until(lambda: alice.out() == b"one\ntwo\n", 5)
    assert place.send(b"x\n", "--outbox", "another").end() == 3
    bob.process.stdin.close()
    assert (bob.end(), alice.end()) == (0, 0)
    assert texts_in_log(place) == ["one", "two"]


def test_messages_from_before_there_was_an_alice(place):
    """Goal: what is piped before alice was ever there waits, survives kill -9, is told of, and goes by
    itself once she is there."""
    bob = place.bob(stdin=lines(LINES[:1000])).see("Waiting for server")
    assert place.until(lambda: taken(place) == 1000, 5)
    kill(bob)
    name = place.log("outbox").name
    status, out, _ = place.run("bob", "--outbox-status")
    assert status == 0 and re.fullmatch(
        rf"1000 messages wait for port since {TIME_ZONED} \(outbox/{name}\)\n", out), out
    status, out, _ = place.run("bob", "--outbox-status", "--json")
    told = json.loads(out)
    assert status == 0 and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{15}Z", told.pop("since"))
    assert told == {"event": "waiting", "to": "port", "log": name[:-4], "messages": 1000}
    bob = place.bob(stdin=b"and one more\n")
    bob.see(f"1000 messages from before wait in outbox/{name}.")
    alice = place.alice()
    assert (bob.end(), alice.end()) == (0, 0)
    assert "1001 messages sent, all confirmed." in bob.lines()
    arrived_once(place, [*LINES[:1000], "and one more"])
    assert place.run("bob", "--outbox-status") == (0, "Nothing waits.\n", "")
    assert place.run("bob", "--outbox-status", "--json") == (0, "", "")


TIME_ZONED = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} [+-]\d{4}"


def test_the_status_knows_each_server(place):
    """Goal: messages for two servers wait apart, each under its name; neither is sent to the other."""
    bobs = [place.bob(*where, stdin=text) for where, text in
            ((["--port-file", "one/port"], b"a\n"), (["[::1]:9"], b"b\nc\n"))]
    assert place.until(lambda: taken(place) == 3, 5)
    for bob in bobs:
        kill(bob)
    _, out, _ = place.run("bob", "--outbox-status")
    assert sorted(re.findall(r"^(\d) messages? waits? for (\S+) since", out, re.M)) == [
        ("1", "one/port"), ("2", "[::1]:9")]
    alice = place.alice("--serve")
    assert place.send(b"mine\n").end() == 0
    assert alice.out() == b"mine\n"
    _, out, _ = place.run("bob", "--outbox-status")
    assert out.count("wait") == 2


def test_two_bobs_on_one_outbox(place):
    """Goal: the second one is told, takes nothing, and the first one goes on."""
    alice = place.alice()
    first = place.bob(stdin=subprocess.PIPE)
    first.write(b"one\n")
    assert place.until(lambda: alice.out() == b"one\n", 5)
    assert place.until(lambda: "\nMessages: 0-0\n" in place.log("outbox").read_text(), 5)
    before = place.log("outbox").read_bytes()
    second = place.send(b"two\n")
    assert second.end() == 1
    assert (f"bob: outbox/{place.log('outbox').name} is open in another bob: he is sending what waits in it. "
            "Let him finish, or use another --outbox.") in second.lines()
    assert place.log("outbox").read_bytes() == before
    first.write(b"three\n")
    first.process.stdin.close()
    assert (first.end(), alice.end(), alice.out()) == (0, 0, b"one\nthree\n")


def interrupted(place, *options):
    """one and two are confirmed, three and four wait; nobody runs.  The options of alice."""
    alice = place.alice(*options)
    bob = place.bob(stdin=subprocess.PIPE)
    for text in ("one", "two"):
        bob.write(lines([text]))
        assert place.until(lambda: lines([text]) in alice.out(), 5)
    assert place.until(lambda: place.log("outbox").read_text().count("\nMessages: ") == 2, 5)
    kill(alice)
    bob.see("Waiting for server", 2)
    for count, text in ((3, "three"), (4, "four")):
        bob.write(lines([text]))
        assert place.until(lambda: taken(place) == count, 5)
    kill(bob)


def goes_on(place):
    """The session is resumed, and everything is there once."""
    alice = place.alice()
    bob = place.send(b"five\n")
    assert (bob.end(), alice.end()) == (0, 0), bob.text()
    arrived_once(place, ["one", "two", "three", "four", "five"])


def test_an_outbox_that_is_damaged(place):
    """Goal: each kind of damage is named with its line, nothing is sent or changed, and no new session
    is begun; with the log put back, all goes on."""
    interrupted(place)
    path = place.log("outbox")
    good = path.read_bytes()
    for kind, bad in damaged(good).items():
        path.write_bytes(bad)
        for args in (["--wait-for", "0.2"], ["--outbox-status"]):
            status, out, err = place.run("bob", *args, stdin=b"new\n")
            assert (status, out) == (1, ""), (kind, err)
            assert re.search(rf"^bob: outbox/{path.name} is damaged at line \d+: .*\. Nothing was changed "
                             r"in it\. Keep it: what stands before that line still counts", err, re.M), (kind, err)
        assert path.read_bytes() == bad and place.log("outbox") == path, kind
    path.write_bytes(good)
    goes_on(place)


def test_an_outbox_cut_off_in_its_last_chunk(place):
    """Goal: what a crash leaves of a chunk that was never finished is dropped, however much it is, and
    everything before it goes."""
    interrupted(place)
    path = place.log("outbox")
    good = path.read_bytes()
    start = good.index(b"\nMessage ID: 3\n")
    for size in (start + 1, start + 9, start + 30, len(good) - 40, len(good) - 1):
        path.write_bytes(good[:size])
        status, out, _ = place.run("bob", "--outbox-status")
        assert status == 0 and out.startswith("1 message"), (size, out)
    for junk in (b"\0" * 5000, good[start:-1] + b"\0" * 300):
        path.write_bytes(good[:start] + junk)
        assert place.run("bob", "--outbox-status")[1].startswith("1 message")
    alice, bob = place.alice(), place.send(b"five\n")
    assert (bob.end(), alice.end()) == (0, 0)
    arrived_once(place, ["one", "two", "three", "five"])


def test_an_outbox_of_somebody_else(place):
    """Goal: messages of another identity, of another --handshake, or for a server of another key are
    not sent; it is said that they are safe, and they are."""
    interrupted(place)
    before, hers = place.log("outbox").read_bytes(), place.log("logs").read_bytes()
    for who in ("alice", "bob"):
        assert place.run(who, "keygen", "--identity", place.root / f"other-{who}")[0] == 0
    for args, reason in ((["--identity", place.root / "other-bob"], "from another identity"),
                         (["--handshake", "plain"], "from another --handshake")):
        status, _, err = place.run("bob", *args, stdin=b"x\n")
        assert status == 1 and f"2 messages for port wait {reason}. What waits is safe there." in err, err
        assert place.log("outbox").read_bytes() == before
    alice = place.alice("--identity", place.root / "other-alice")
    bob = place.send(b"")
    assert bob.end() == 1 and "is with a server of another key." in bob.text()
    assert "2 of 2 messages are not confirmed. They wait in outbox/" in bob.text()
    assert alice.out() == b"" and place.log("outbox").read_bytes() == before
    assert "of another identity than mine" in alice.text() and place.log("logs").read_bytes() == hers
    alice.signal(TERMINATE)
    alice.end()
    goes_on(place)


def test_an_outbox_that_cannot_be_used(place):
    """Goal: an outbox that is read-only, or that others may write, is named; nothing is lost."""
    interrupted(place)
    outbox, before = place.work / "outbox", place.log("outbox").read_bytes()
    outbox.chmod(0o777)
    status, _, err = place.run("bob", stdin=b"x\n")
    assert status == 1 and "bob: others may write in outbox" in err
    outbox.chmod(0o700)
    readonly = namespace("mount --bind outbox outbox && mount -o remount,bind,ro outbox")
    status, _, err = place.run("bob", stdin=b"x\n", before=readonly)
    assert status == 1 and re.search(r"^bob: cannot \w+ outbox/\d+\.log: Read-only file system\.", err, re.M), err
    assert place.log("outbox").read_bytes() == before
    goes_on(place)


def test_a_log_of_alice_that_is_damaged(place):
    """Goal: she names the line and does not touch the log; bob is told that there is no session to go
    on with, and that his messages are safe; with the log put back, all goes on."""
    interrupted(place)
    path = place.log()
    good, outbox = path.read_bytes(), place.log("outbox").read_bytes()
    alice = place.alice("--serve")
    for number, (kind, bad) in enumerate(damaged(good).items(), 1):
        path.write_bytes(bad)
        bob = place.send(b"")
        assert bob.end() == 1, kind
        alice.see(rf"alice: logs/{path.name} is damaged at line \d+: .*\. Nothing was changed in it", number)
        assert (f"bob: the server cannot go on with the session of outbox/{place.log('outbox').name}: its log of "
                "it is not there, or not in order; its owner sees why. 2 messages of it are not confirmed, and "
                "may be stored over there, or not.") in bob.text(), bob.text()
        assert "2 of 2 messages are not confirmed. They wait in outbox/" in bob.text()
        assert path.read_bytes() == bad and place.log() == path, kind
    path.unlink()
    assert place.send(b"").end() == 1
    alice.see(f"cannot open logs/{path.name}: there is no such log.")
    chunk = good.index(b"\nHead: ", good.index(b"\nMessage ID: 0\n")) + 72
    path.touch(0o600)
    path.write_bytes(good[:chunk])  # in order, but older than what bob knows of it
    bob = place.send(b"")
    assert bob.end() == 1
    assert "and the server's log of this session do not fit each other" in bob.text()
    assert place.log("outbox").read_bytes() == outbox
    path.write_bytes(good)
    assert place.send(b"five\n").end() == 0
    arrived_once(place, ["one", "two", "three", "four", "five"])


def test_a_log_of_alice_cut_off_in_its_last_chunk(place):
    """Goal: she drops what was never confirmed, and the session goes on in the same log."""
    interrupted(place)
    with place.log().open("ab") as log:
        log.write(b"\nMessage ID: 2\nHash value: 0" + bytes(4000))
    goes_on(place)
    assert b"Hash value: 0\n" not in place.log().read_bytes()


def test_exactly_once_over_stops(place):
    """Goal: each side stands still for longer than a message stays fresh, in turn, and every message
    arrives once."""
    texts = LINES[:3000]
    alice = place.alice("--freshness", "0.8")
    bob = place.bob("--resend-after", "0.5", stdin=subprocess.PIPE)
    Feeder(bob, texts, part=20, lazy=0.03)
    bob.see(CONNECTED)
    for who in (alice, bob, alice):
        place.until(lambda: False, 0.2)
        who.signal(19)
        place.until(lambda: False, 1.1)
        who.signal(18)
    assert (bob.end(30), alice.end()) == (0, 0)
    assert alice.out() == lines(texts)
    arrived_once(place, texts)


def test_several_envelopes_are_in_flight(place):
    """Goal: bob does not wait for one confirmation before the next envelope leaves."""
    place.alice()
    line, how = through(place)
    bob = place.bob(*how, stdin=subprocess.PIPE).see(CONNECTED)
    line.swallow = True
    for count, text in enumerate(LINES[:8], 1):
        bob.write(lines([text]))
        assert place.until(lambda: len(texts_in_log(place)) == count, 5)
    assert place.log().read_text().count("\nMessages: ") == 8
    line.swallow = False
    line.cut()
    bob.process.stdin.close()
    assert bob.end() == 0
    arrived_once(place, LINES[:8])


def test_a_person_is_cut_off_while_waiting(place):
    """Goal: a person whose message was stored and not confirmed sees it confirmed on the next
    connection, once."""
    alice = place.alice()
    line, how = through(place)
    bob = place.bob(*how, terminal=True).see(READY)
    line.swallow = True
    bob.type("Hey")
    assert place.until(lambda: alice.out() == b"Hey\n", 5)
    line.swallow = False
    line.cut()
    bob.see(re.escape(CONFIRMED))
    bob.type("quit")
    assert (bob.end(), alice.end()) == (0, 0)
    assert bob.text().count(CONFIRMED) == 1 and texts_in_log(place) == ["Hey"]
