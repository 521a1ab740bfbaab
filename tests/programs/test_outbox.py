# SPDX-License-Identifier: Apache-2.0
"""Goal: what waits is found again and told of, whatever else lies in the outbox."""
import json
import re
import subprocess
import time

from avow_programs import BIN, READY, TERMINATE, TRACED, taken, texts_in_log
from test_delivery import interrupted, kill, lines


def wait_for_nobody(place, texts, *where):
    """Messages that wait for a server that is not there; their log."""
    logs = set((place.work / "outbox").glob("*.log")) if (place.work / "outbox").exists() else set()
    bob = place.send(lines(texts), "--wait-for", "0.2", *where)
    assert bob.end() == 3, bob.text()
    (log,) = set((place.work / "outbox").glob("*.log")) - logs
    return log


def test_the_status_goes_on_after_a_damaged_log(place):
    """Goal: each log is told of, also behind a damaged one; that one is named, with its line and what is
    wrong; the exit status says that not all is well, and nothing is changed."""
    bad = wait_for_nobody(place, ["a", "b", "c"], "--port-file", "one/port")
    wait_for_nobody(place, ["d"], "[::1]:9")
    closed = wait_for_nobody(place, ["e"], "--port-file", "three/port")
    content = damaged_text(bad)
    closed.chmod(0o644)
    status, out, err = place.run("bob", "--outbox-status")
    assert status == 1 and re.search(r"^1 message waits for \[::1\]:9 since ", out, re.M)
    assert re.search(rf"^bob: outbox/{bad.name} is damaged at line \d+: a text that does not have its", err, re.M)
    assert f"bob: outbox/{closed.name} may be read or written by others" in err
    status, out, err = place.run("bob", "--outbox-status", "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert status == 1 and [one["event"] for one in told] == ["damaged", "waiting", "unreadable"]
    assert told[0]["log"] == bad.stem and told[0]["to"] == "one/port"
    assert re.match("a text that does not have its hash", told[0]["reason"])
    assert content.decode().split("\n")[told[0]["line"] - 1].startswith(("Message text: ", "Hash value: "))
    assert told[1]["messages"] == 1 and told[2]["log"] == closed.stem
    assert bad.read_bytes() == content


def damaged_text(log):
    """Spoil a text behind the first record; the new content."""
    content = log.read_bytes()
    at = content.index(b"\nMessage text: ") + 15
    content = content[:at] + b"X" + content[at + 1:]
    log.write_bytes(content)
    return content


def test_the_status_changes_nothing(place):
    """Goal: looking makes no folder, and needs no right to write."""
    assert place.run("bob", "--outbox-status") == (0, "Nothing waits.\n", "")
    assert place.run("bob", "--outbox-status", "--json") == (0, "", "")
    assert not (place.work / "outbox").exists()
    log = wait_for_nobody(place, ["a"])
    log.chmod(0o400)
    (place.work / "outbox").chmod(0o500)
    trace = place.root / "trace"
    status, out, _ = place.run("bob", "--outbox-status", before=["strace", "-f", "-o", trace, "-e", "trace=openat"],
                               env=TRACED)
    (place.work / "outbox").chmod(0o700)
    assert status == 0 and out.startswith("1 message waits for port since ")
    assert f'"{log.name}", O_RDONLY' in trace.read_text() and "O_RDWR" not in trace.read_text()


def test_a_damaged_log_of_another_server(place):
    """Goal: a damaged log that is for another server is said, and does not hold up this one; one whose
    beginning is damaged may be for this server, and does."""
    bad = wait_for_nobody(place, ["a"], "--port-file", "other/port")
    content = damaged_text(bad)
    alice, bob = place.alice("--serve"), place.send(b"mine\n")
    assert (bob.end(), alice.out()) == (0, b"mine\n")
    assert bob.text().count(f"bob: outbox/{bad.name} is damaged at line ") == 1
    assert "It is for other/port, so we go on without it." in bob.lines()
    assert bad.read_bytes() == content
    other = place.send(b"x\n", "--port-file", "other/port", "--wait-for", "0")
    assert other.end() == 1 and "go on without" not in other.text()
    bad.write_bytes(content.replace(b"To: other", b"To: othes"))
    bob = place.send(b"more\n")
    assert bob.end() == 1 and "is damaged at line " in bob.text() and "go on without" not in bob.text()
    assert alice.out() == b"mine\n"


def test_one_server_by_many_names(place):
    """Goal: the same port file is the same server, however its path is written; another is another."""
    (place.work / "sub").mkdir()
    (place.root / "link").symlink_to(place.work)
    names = ["port", "./port", "sub/../port", str(place.work / "port"), str(place.root / "link" / "port")]
    log = wait_for_nobody(place, ["0"])
    for count, name in enumerate(names[1:], 1):
        bob = place.send(lines([str(count)]), "--wait-for", "0.2", "--port-file", name)
        assert bob.end() == 3 and place.log("outbox") == log, name
        assert taken(place) == count + 1
    assert "\nTo: port\n" in "\n" + log.read_text()
    other = wait_for_nobody(place, ["x"], "--port-file", "sub/port")
    alice, bob = place.alice(), place.send(b"")
    assert (bob.end(), alice.end()) == (0, 0)
    assert texts_in_log(place) == ["0", "1", "2", "3", "4"]
    assert "\nMessages: " not in other.read_text()


def test_a_lock_that_fails(place):
    """Goal: that another bob has the log open is said only if that is so."""
    wait_for_nobody(place, ["a"])
    fault = ["strace", "-f", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"]
    bob = place.send(b"", "--wait-for", "0", before=fault, env=TRACED)
    assert bob.end() == 1 and "another bob" not in bob.text()
    assert re.search(r"^bob: cannot open outbox/\d+\.log: No locks available\.$", bob.text(), re.M)


def test_wait_for_nothing(place):
    """Goal: --wait-for 0 tries once: it sends to a server that is there, and does not wait for one that
    is not."""
    alice = place.alice()
    assert place.send(b"x\n", "--wait-for", "0").end() == 0 and alice.end() == 0
    bob = place.send(b"y\n", "--wait-for", "0")
    assert bob.end(3) == 3 and "bob: no server is there." in bob.lines()
    assert "bob: nothing was sent." in bob.text()
    status, _, err = place.run("bob", "--wait-for", "-1")
    assert status == 2 and "--wait-for is a number of seconds" in err


def idle(place):
    """A session whose messages are all confirmed, and that has not ended; nobody runs.  Bob's log."""
    alice, bob = place.alice(), place.bob(stdin=subprocess.PIPE)
    bob.write(b"one\n")
    assert place.until(lambda: alice.out() == b"one\n", 5)
    assert place.until(lambda: "\nMessages: 0-0\n" in place.log("outbox").read_text(), 5)
    kill(bob)
    kill(alice)
    return place.log("outbox")


def test_an_idle_session_that_the_server_has_lost(place):
    """Goal: nothing waits, so bob says so and begins a new session in a new log, with what he was given
    meanwhile; the old log keeps its evidence, is finished, and is not asked for again."""
    old = idle(place)
    before = old.read_bytes()
    place.log().unlink()
    alice = place.alice("--serve")
    bob = place.bob(stdin=b"two\nthree\n")
    assert bob.end() == 0, bob.text()
    assert (f"bob: the server cannot go on with the session of outbox/{old.name}: its log of it is not there, or "
            "not in order; its owner sees why. All that was sent in it is confirmed. Keep that log; a new session "
            "begins.") in bob.lines()
    assert "2 messages sent, all confirmed." in bob.lines() and alice.out() == b"two\nthree\n"
    assert old.read_bytes().startswith(before) and "\nMessages in all: 1\nEnded: " in old.read_text()
    (new,) = set((place.work / "outbox").glob("*.log")) - {old}
    assert "\nOpened: " in new.read_text() and "\nResumed: " not in new.read_text()
    assert texts_in_log(place) == ["two", "three"]
    bob = place.send(b"four\n")
    assert bob.end() == 0 and "cannot go on" not in bob.text()
    assert place.run("bob", "--outbox-status") == (0, "Nothing waits.\n", "")


def test_a_person_whose_session_the_server_has_lost(place):
    """Goal: a person types on, in a new session; and so he does when alice loses it under his hands."""
    idle(place)
    place.log().unlink()
    alice = place.alice()
    bob = place.bob("--json", "--wait-for", "3", terminal=True).see(READY)
    assert '"event":"session lost"' in bob.text()
    bob.say("two")
    assert place.until(lambda: bob.edits_lines(), 5)
    kill(alice)
    place.log().unlink()
    alice = place.alice()
    bob.see(READY, 2)
    bob.say("three")
    bob.type("quit")
    assert (bob.end(), alice.end(), texts_in_log(place)) == (0, 0, ["three"])
    assert len(list((place.work / "outbox").glob("*.log"))) == 3


def test_messages_that_wait_in_a_session_that_is_lost(place):
    """Goal: what may be stored over there is not sent again by bob himself; the command that he names
    does it; with the log back in its place, all goes on."""
    interrupted(place)
    log, theirs = place.log("outbox"), place.log()
    before = log.read_bytes()
    theirs.rename(place.root / "lost")
    alice = place.alice("--serve")
    bob = place.send(b"five\n")
    assert bob.end() == 1
    assert "3 messages of it are not confirmed, and may be stored over there, or not." in bob.text()
    assert alice.out() == b"" and log.read_bytes().startswith(before) and place.log("outbox") == log
    (command,) = re.findall(r"sed -n .* \| bob --outbox another$", bob.text(), re.M)
    place.config("bob").joinpath("bob_ed25519").chmod(0o600)
    subprocess.run(command.replace("| bob", f"| {BIN}/bob"), shell=True, check=True, cwd=place.work,
                   env=place.env("bob"), capture_output=True, timeout=20)
    assert alice.out() == b"three\nfour\nfive\n"
    place.log().rename(place.root / "the other")
    (place.root / "lost").rename(theirs)
    assert place.send(b"").end() == 0
    assert texts_in_log(place) == ["one", "two", "three", "four", "five"]
    alice.signal(TERMINATE)
    assert alice.end() == 0


def test_a_signal_does_not_wait_for_ever(place):
    """Goal: who is told to end, and is never confirmed, ends 10 seconds later and says what waits."""
    alice = place.alice()
    bob = place.bob(stdin=subprocess.PIPE).see("Connected to server")
    alice.signal(19)
    bob.write(b"one\n")
    assert place.until(lambda: taken(place) == 1, 5)
    start = time.monotonic()
    bob.signal(TERMINATE)
    bob.see("Ending: 1 message waits for confirmation, 10 seconds at most.")
    assert bob.end(15) == 6 and 9 < time.monotonic() - start < 12
    assert ("bob: not all was confirmed within 10 seconds of the signal.\n"
            f"bob: 1 of 1 message is not confirmed. It waits in outbox/{place.log('outbox').name}; start bob "
            "again, and it goes first.") in bob.text()
    alice.signal(18)
    bob = place.send(b"")
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"one\n")
