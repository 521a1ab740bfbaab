# SPDX-License-Identifier: Apache-2.0
"""Goal: where the machine or the peer is no help, there is a clear error, and nothing is lost."""
import datetime
import os
import pathlib
import re
import socket
import stat
import subprocess
import threading
import time

import pytest

from avow_programs import (BIN, INTERRUPT, READY, TERMINATE, TIME, faketime, heads_hold, namespace,
                           texts_in_log)
from test_delivery import interrupted
from statements import statements

FREE_TMPFS = "mount -t tmpfs -o mode=700,size={} none {}"


def arrange(path, kind):
    """Put something of this kind where a file or folder should be."""
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        target = path.parent / "elsewhere"
        target.mkdir()
        path.symlink_to(target)
    elif kind == "link to a file":
        (path.parent / "other").write_text("1024\n")
        path.symlink_to(path.parent / "other")
    elif kind == "dangling link":
        path.symlink_to(path.parent / "nowhere")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "group-writable":
        path.mkdir()
        path.chmod(0o770)
    else:
        path.write_text(kind)


@pytest.mark.parametrize("who, option, name", [("alice", "--logs", "logs"), ("bob", "--outbox", "outbox")])
@pytest.mark.parametrize("kind, reason", [
    ("a file", "{} is not a folder, or is a link to one. Remove it, or name another with {}."),
    ("link", "{} is not a folder, or is a link to one."),
    ("dangling link", "{} is not a folder, or is a link to one."),
    ("fifo", "{} is not a folder, or is a link to one."),
    ("group-writable", "others may write in {}, so no log there would prove anything."),
])
def test_no_safe_folder_for_logs(place, who, option, name, kind, reason):
    """Goal: the program does not start with logs that others could change, and says why."""
    arrange(place.work / name, kind)
    status, out, err = place.run(who)
    assert (status, out) == (1, "")
    assert f"{who}: " + reason.format(name, option) in err
    assert not (place.work / "port").exists()
    assert not list((place.work).glob("elsewhere/*"))


@pytest.mark.parametrize("who, name", [("alice", "logs"), ("bob", "outbox")])
def test_a_folder_that_cannot_be_written(place, who, name):
    """Goal: on a read-only file system alice keeps bob out, bob sends nothing; both say why."""
    (place.work / name).mkdir(mode=0o700)
    readonly = namespace(f"mount --bind {name} {name} && mount -o remount,bind,ro {name}")
    alice = place.alice(before=readonly if who == "alice" else ())
    bob = place.bob("--wait-for", "1", stdin=b"x\n", before=readonly if who == "bob" else ())
    assert bob.end() == (3 if who == "alice" else 1)
    if who == "alice":
        assert alice.end() == 1
        assert "alice: cannot write logs/" in alice.text() and "Read-only file system" in alice.text()
        assert not (place.work / "port").exists()
    else:
        assert "bob: cannot write a log in outbox: Read-only file system.\nbob: nothing was sent." in bob.text()
        assert alice.out() == b""


def test_the_disk_of_alice_is_full(place):
    """Goal: alice says so and confirms nothing more; what was confirmed is in the log, whole; the rest
    waits with bob."""
    (place.work / "logs").mkdir()
    alice = place.alice(before=namespace(FREE_TMPFS.format("300k", "logs")))
    logs = pathlib.Path(f"/proc/{alice.process.pid}/cwd/logs")
    data = b"".join(b"line %d %s\n" % (number, b"x" * 50) for number in range(20000))
    keep = place.root / "kept"
    bob = place.bob("--wait-for", "1", stdin=subprocess.PIPE).see("Connected to server")
    folder = os.open(logs, os.O_RDONLY)  # the log outlives the namespace
    (name,) = os.listdir(folder)
    log = os.open(name, os.O_RDONLY, dir_fd=folder)
    threading.Thread(target=feed, args=(bob, data), daemon=True).start()
    assert (bob.end(), alice.end()) == (6, 1)
    keep.write_bytes(os.read(log, 1 << 20))
    os.close(log)
    os.close(folder)
    assert "alice: cannot write logs/" in alice.text() and "No space left on device." in alice.text()
    assert "What was confirmed is safe there; nothing else was confirmed." in alice.text()
    waiting, sent = map(int, re.search(r"bob: (\d+) of (\d+) messages are not confirmed", bob.text()).groups())
    confirmed = sent - waiting
    assert 0 < confirmed < sent
    text = keep.read_text()
    stored = re.findall("^Message text: (.*)", text, re.M)
    assert len(stored) >= confirmed
    assert stored == [line.decode() for line in data.split(b"\n")[:len(stored)]]
    assert len(re.findall("^Message text: .*\nMessage confirmed at: ", text, re.M)) == len(stored)
    assert heads_hold(keep.read_bytes())
    signed = [one.title for one in statements(keep.read_bytes())]
    assert signed[:2] == ["opening"] * 2 and signed[2::2].count("origin") == signed[3::2].count("receipt") > 0
    last = int(re.findall(r"^Messages: \d+-(\d+)$", text, re.M)[-1])
    assert last + 1 == len(stored)
    assert alice.out().count(b"\n") >= confirmed


def feed(bob, data):
    try:
        bob.write(data)
        bob.process.stdin.close()
    except (OSError, ValueError):
        pass  # bob has ended


def test_the_disk_of_bob_is_full(place):
    """Goal: what bob could not write down he does not send, and says so."""
    (place.work / "outbox").mkdir()
    alice = place.alice()
    data = b"".join(b"line %d %s\n" % (number, b"x" * 50) for number in range(20000))
    bob = place.bob(stdin=subprocess.PIPE, before=namespace(FREE_TMPFS.format("300k", "outbox")))
    bob.see("Connected to server")
    threading.Thread(target=feed, args=(bob, data), daemon=True).start()
    assert bob.end() == 1
    assert "bob: cannot write outbox/" in bob.text() and "No space left on device." in bob.text()
    assert "What was not written there was not sent: the last " in bob.text()
    alice.see(r"Waiting for a client\.\.\.", 2)
    arrived = alice.out()
    assert data.startswith(arrived) and arrived.count(b"\n") < 20000
    waiting = re.search(r"(\d+) of (\d+) messages are not confirmed", bob.text())
    assert waiting is None or int(waiting[2]) - int(waiting[1]) <= arrived.count(b"\n") <= int(waiting[2])


@pytest.mark.parametrize("kind, reason", [
    ("folder", "it is not a file"), ("link to a file", "it is a symbolic link"),
    ("dangling link", "it is a symbolic link"), ("fifo", "it is not a file"),
    ("", "it holds no port number"), ("99999999", "it holds no port number"),
    ("65536\n", "it holds no port number"), ("0\n", "it holds no port number"),
    ("some text\n", "it holds no port number"), ("1024 1025\n", "it holds no port number"),
    ("-1\n", "it holds no port number"), ("1024\n" * 100, "it holds no port number"),
])
def test_bob_finds_a_bad_port_file(place, kind, reason):
    """Goal: bob says what is wrong with the port file, at once, and what to do about it."""
    arrange(place.work / "port", kind)
    status, _, err = place.run("bob", stdin=b"x\n")
    assert status == 1
    assert f"bob: cannot use the port file port: {reason}. Remove it: alice writes a new one" in err


@pytest.mark.parametrize("kind, reason", [
    ("folder", "is not a file"), ("link to a file", "is a symbolic link"),
    ("dangling link", "is a symbolic link"), ("fifo", "is not a file"),
])
@pytest.mark.parametrize("name", ["port", "alice.pub"])
def test_alice_finds_a_bad_port_file(place, name, kind, reason):
    """Goal: alice does not follow a link or replace a folder, and says so."""
    arrange(place.work / name, kind)
    before = (place.work / name).lstat()
    status, _, err = place.run("alice")
    assert status == 1
    assert f"alice: cannot write the port file port: it, or alice.pub beside it, {reason}." in err
    assert (place.work / name).lstat().st_ino == before.st_ino
    if kind == "link to a file":
        assert (place.work / "other").read_text() == "1024\n"


@pytest.mark.parametrize("content", ["", "99999999", "some text\n", "1\n"])
def test_alice_replaces_an_old_port_file(place, content):
    """Goal: whatever a plain port file held, alice puts her port there, and bob finds her."""
    (place.work / "port").write_text(content)
    (place.work / "alice.pub").write_text(content)
    alice = place.alice()
    assert place.port() >= 1024 and (place.work / "alice.pub").read_text().startswith("ssh-ed25519 ")
    assert (place.send(b"x\n").end(), alice.end(), alice.out()) == (0, 0, b"x\n")


def test_a_port_file_in_a_folder_that_is_not_there(place):
    """Goal: alice names the place."""
    status, _, err = place.run("alice", "--port-file", "none/port")
    assert status == 1
    assert "alice: cannot write the port file none/port: No such file or directory." in err


@pytest.mark.alone
def test_an_old_port_file(place):
    """Goal: a port file of a killed alice only means more waiting, whoever has the port now."""
    alice = place.alice()
    alice.process.kill()
    alice.end()
    assert (place.work / "port").exists()
    bob = place.bob(stdin=b"x\n").see("Waiting for server")
    place.until(lambda: not bob.running(), 0.5)
    alice = place.alice()
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"x\n")
    with socket.create_server(("127.0.0.1", 0)) as other:
        (place.work / "port").write_text(f"{other.getsockname()[1]}\n")
        threading.Thread(target=greet, args=(other,), daemon=True).start()
        bob = place.bob(stdin=b"y\n").see("the port file is old. Still waiting for server")
        alice = place.alice()
        assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"y\n")


def greet(listener, words=b"220 mail.example ESMTP\r\n"):
    try:
        while True:
            connection, _ = listener.accept()
            if words:
                connection.recv(65536)
            connection.sendall(words)
            connection.close()
    except OSError:
        pass


def test_bob_meets_a_web_server(place):
    """Goal: bob says that it is not alice, sends nothing, and ends with 3 at once."""
    for mode in ("tls", "plain"):
        with socket.create_server(("127.0.0.1", 0)) as other:
            words = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>\r\n"
            threading.Thread(target=greet, args=(other, words), daemon=True).start()
            bob = place.bob("--handshake", mode, f"127.0.0.1:{other.getsockname()[1]}", stdin=b"x\n")
            assert bob.end(5) == 3
            assert "is not avow's: it looks like HTTP.\nbob: nothing was sent." in bob.text()


def test_a_server_that_hangs_up(place):
    """Goal: bob says why he still waits."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=greet, args=(other, b""), daemon=True).start()
        bob = place.bob(f"127.0.0.1:{other.getsockname()[1]}", "--wait-for", "1", stdin=b"x\n")
        assert bob.end() == 3
        assert len(re.findall(rf"^{PEER}: .*\. Still waiting for server\.\.\.$", bob.text(), re.M)) == 1


CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(197)
QUICK_STRANGERS = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": CLIENT_HELLO,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "random bytes": bytes((i * 131 + 7) % 256 for i in range(4096)),
    "zeroes": bytes(100_000),
    "4 GiB": b"\xff\xff\xff\xff\x01",
    "4 GiB of handshake": b"\xff\xff\xff\xff\x02" + b"x" * 1000,
    "a frame of no type": b"\0\0\0\1\0x",
    "a token first": b"\0\0\0\4\6gAAA",
    "half a header": b"\0\0",
    "nothing": b"",
}


@pytest.mark.parametrize("mode", ["tls", "plain"])
def test_peers_that_are_not_avow(place, mode):
    """Goal: after each stranger, an honest bob still gets through, and alice has named it."""
    alice = place.alice("--serve", "--handshake", mode)
    port = place.port()
    for name, data in QUICK_STRANGERS.items():
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            try:
                stranger.sendall(data)
                stranger.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # alice has hung up already
            stranger.settimeout(5)
            answer = read_all(stranger)
        assert len(answer) < 100, name
        bob = place.send(b"%s\n" % name.encode(), "--handshake", mode)
        assert bob.end() == 0, (name, bob.text())
    assert alice.out().decode().split("\n")[:-1] == list(QUICK_STRANGERS)
    for looks in ("HTTP", "TLS", "SSH"):
        assert re.search(rf"^Closed {PEER}: .*it looks like {looks}\.$", alice.text(), re.M)
    alice.signal(TERMINATE)
    assert alice.end() == 0


PEER = r"\('127\.0\.0\.1', \d+\)"


def read_all(connection):
    data = b""
    try:
        while got := connection.recv(65536):
            data += got
    except ConnectionError:
        pass
    return data


def bobs_first_bytes(place):
    """What bob says before he has heard anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        bob = place.bob(f"127.0.0.1:{listener.getsockname()[1]}", stdin=b"")
        with listener.accept()[0] as connection:
            connection.settimeout(5)
            data = connection.recv(65536)
        bob.process.terminate()
        bob.end()
    return data


def test_peers_that_take_their_time(place):
    """Goal: silence and a byte per second end after 10 s, and hold nobody up meanwhile."""
    hello = bobs_first_bytes(place)
    assert len(hello) > 12
    alice = place.alice("--serve")
    start = time.monotonic()
    silent, slow = (socket.create_connection(("127.0.0.1", place.port())) for _ in range(2))
    for sent in range(9):
        slow.sendall(hello[sent:sent + 1])
        assert place.send(b"%d\n" % sent).end() == 0
        place.until(lambda: False, start + sent + 1 - time.monotonic())
    for one in (silent, slow):
        one.settimeout(4)
        read_all(one)
        assert 9.5 < time.monotonic() - start < 12
        one.close()
    assert alice.out() == b"".join(b"%d\n" % number for number in range(9))
    assert len(re.findall(rf"^Closed {PEER}: timed out\.$", alice.text(), re.M)) == 2
    assert place.send(b"after\n").end() == 0


def test_silent_strangers_by_the_hundred(place):
    """Goal: bob gets through at once, however many hold a connection open and say nothing."""
    alice = place.alice("--serve")
    crowd = [socket.create_connection(("127.0.0.1", place.port())) for _ in range(100)]
    start = time.monotonic()
    bob = place.send(b"x\n")
    assert (bob.end(), alice.out()) == (0, b"x\n")
    assert time.monotonic() - start < 3
    for one in crowd:
        one.close()


def test_a_flood_of_strangers(place):
    """Goal: a hundred at once, twice, and bob gets through; they do not fill the screen."""
    alice = place.alice("--serve")
    port = place.port()
    for _ in range(2):
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        for one in crowd:
            try:
                one.sendall(b"GET / HTTP/1.0\r\n\r\n")
            except ConnectionError:
                pass
        assert place.send(b"x\n").end() == 0
        for one in crowd:
            one.close()
    assert alice.out() == b"x\nx\n"
    assert len([line for line in alice.lines() if line.startswith("Closed")]) <= 20


def off_by(text, field):
    stamp = re.search(rf"^{field}: ({TIME}) \+0000$", text, re.M).group(1)
    when = datetime.datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return (when - now).total_seconds()


# The sanitizers and libfaketime do not start together.
if b"__asan_init" not in (BIN / "alice").read_bytes():
    def test_a_clock_an_hour_off(place):
        """Goal: a session works whichever side's clock is off; each log has its own side's times."""
        for who in ("alice", "bob"):
            for offset in ("+3600", "-3600"):
                env = faketime(offset)
                alice = place.alice("--freshness", "0.5", env=env if who == "alice" else None)
                bob = place.bob(env=env if who == "bob" else None, terminal=True).see(READY)
                place.until(lambda: False, 0.8)  # from now on, only the clocks tell what is fresh
                bob.say("one")
                place.until(lambda: False, 0.8)
                bob.say("two")
                bob.type("quit")
                assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"one\ntwo\n"), (who, offset)
                (log,) = (place.work / "logs").glob("*.log")
                text = log.read_text()
                assert "Incident" not in text
                hers, his = (3600 * int(offset[0] + "1") * (who == one) for one in ("alice", "bob"))
                assert abs(off_by(text, "Opened") - hers) < 30
                assert abs(off_by(text, "Message confirmed at") - hers) < 30
                assert abs(off_by(text, "Timestamp") - his) < 30
                log.unlink()


def test_a_home_that_is_not_there(place):
    """Goal: without HOME both ask for what they need, and do nothing."""
    for who, given in (("alice", []), ("bob", [])):
        status, _, err = place.run(who, *given, env={"HOME": None})
        assert status == 1 and f"{who}: HOME is not set" in err
    key = place.config("bob") / "bob_ed25519"
    status, _, err = place.run("bob", "--identity", key, env={"HOME": None})
    assert status == 2 and "bob: HOME is not set: give --known-servers FILE." in err


def test_what_is_left_in_the_folder(place):
    """Goal: after a session only logs/ and outbox/ stay, for their owner's eyes only."""
    alice = place.alice()
    assert (place.send(b"x\n").end(), alice.end()) == (0, 0)
    assert sorted(path.name for path in place.work.iterdir()) == ["logs", "outbox"]
    for path in place.work.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_alice_ends_in_the_middle_of_a_stream(place):
    """Goal: bob learns that she ended, and what she confirmed is in her log."""
    alice = place.alice()
    bob = place.bob(stdin=subprocess.PIPE).see("Connected to server")
    data = b"".join(b"line %d\n" % number for number in range(3000000))
    threading.Thread(target=feed, args=(bob, data), daemon=True).start()
    assert place.until(lambda: len(alice.out()) > 100000, 10)
    alice.signal(INTERRUPT)
    assert (alice.end(), bob.end()) == (0, 6)
    assert "The server ended the session." in bob.text()
    waiting, taken = map(int, re.search(r"(\d+) of (\d+) messages are not confirmed", bob.text()).groups())
    confirmed, stored = taken - waiting, texts_in_log(place)
    assert len(stored) >= confirmed > 0
    assert alice.out() == data[:len(alice.out())] and alice.out().count(b"\n") == len(stored)


def spoil(log, kind):
    """Make of a log something that others may write, have written, or can reach."""
    if kind == "readable for others":
        log.chmod(0o640)
    elif kind == "writable for others":
        log.chmod(0o602)
    elif kind == "of another user":
        os.chown(log, 12345, 12345)
    elif kind == "a hard link":
        os.link(log, log.parent.parent / "other name")
    else:
        log.rename(log.parent / "moved")
        arrange(log, {"a link": "dangling link", "a folder": "folder"}.get(kind, kind))


def mend(log, kind):
    if kind == "of another user":
        os.chown(log, os.geteuid(), os.getegid())
    elif kind == "a hard link":
        (log.parent.parent / "other name").unlink()
    elif (log.parent / "moved").exists():
        log.rmdir() if log.is_dir() else log.unlink()
        (log.parent / "moved").rename(log)
    log.chmod(0o600)


OTHERS = "may be read or written by others, or is not yours, so what stands in it proves nothing. " \
         "Nothing was changed in it. If it is as it should be: chmod 600 {}"
BAD_LOGS = {"readable for others": OTHERS, "writable for others": OTHERS,
            "a hard link": "has another name as well (a hard link), so it may be changed from there.",
            "a link": "cannot open {}: it is a symbolic link.", "a folder": "cannot open {}: ",
            "fifo": "cannot open {}: it is not a file."}
if os.geteuid() == 0:  # nobody else can give a file away
    BAD_LOGS["of another user"] = OTHERS


@pytest.mark.parametrize("who, folder", [("bob", "outbox"), ("alice", "logs")])
def test_logs_that_are_not_ours_alone(place, who, folder):
    """Goal: a log that others could have changed, or that is no file, is named with what to do; nothing is
    changed in it, nothing is sent; with it put right, all goes on."""
    interrupted(place)
    log = place.log(folder)
    before = log.read_bytes()
    for kind, words in BAD_LOGS.items():
        spoil(log, kind)
        alice = place.alice()
        bob = place.send(b"")
        assert bob.end() == 1, kind
        shown = (alice if who == "alice" else bob).text()
        assert f"{who}: " in shown and words.format(f"{folder}/{log.name}") in shown, (kind, shown)
        assert f"{folder}/{log.name}" in shown and alice.out() == b""
        alice.signal(TERMINATE)
        assert alice.end() == 0
        mend(log, kind)
        assert log.read_bytes() == before and place.log(folder) == log, kind
    alice, bob = place.alice(), place.send(b"")
    assert (bob.end(), alice.end()) == (0, 0), bob.text()
    assert texts_in_log(place) == ["one", "two", "three", "four"]
