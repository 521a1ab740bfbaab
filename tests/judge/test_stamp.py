# SPDX-License-Identifier: Apache-2.0
"""judge stamp: a time stamp (RFC 3161) of the last head of a log, from a third party."""
import glob
import os
import re
import socket
import time

import pytest

import forge
from authority import Authority, Server, openssl
from showing import JUDGE, PROVEN, REFUTED, UNDECIDED, USAGE, Room, room  # noqa: F401


@pytest.fixture(scope="module", params=["ec", "rsa"])
def authority(request, tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "one", kind=request.param)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "other", name="Stranger")


def last_head(log):
    """Its line, from 1, and its value."""
    lines = log.read_text().split("\n")
    number = max(number for number, line in enumerate(lines, 1) if line.startswith("Head: "))
    return number, lines[number - 1][6:]


def verify(room, authority, log="alice.log", *more):
    done = room.judge("verify", log, *more, "--keys", "keys", "--tsa-ca", authority.ca)
    return done.returncode, done.stdout


def test_a_stamp_from_an_authority(room, authority):
    """Goal: the query has the last head, and asks for the certificate; the answer lies beside the log; judge and
    stock openssl both find it good."""
    before = (room.folder / "alice.log").read_bytes()
    with Server(authority.answer) as server:
        room.good("stamp", "alice.log", "--tsa", server.url)
    line, head = last_head(room.folder / "alice.log")
    query = openssl("ts", "-query", "-in", "/dev/stdin", "-text", input=server.queries[0]).decode()
    assert "Hash Algorithm: sha256" in query and "Certificate required: yes" in query
    assert re.search("Nonce: 0x[0-9A-F]{12,16}\n", query)
    assert re.sub("[^0-9a-f]", "", "".join(re.findall("[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){16})", query))) == head
    assert server.types == ["application/timestamp-query"]
    assert (room.folder / "alice.log").read_bytes() == before
    lines = before.decode().split("\n")[:line - 1]
    (room.folder / "lines").write_text("".join(one + "\n" for one in lines if not one.startswith(("Message text: ", "Key: "))))
    openssl("ts", "-verify", "-data", room.folder / "lines", "-in", room.folder / "alice.log.tsr", "-CAfile", authority.ca)
    code, told = verify(room, authority)
    assert code == PROVEN
    assert re.search(f"the head at line {line} existed at 20[0-9: .-]* \\+0000, says CN=Test Authority,O=Tests", told), told


def test_by_hand(room, authority):
    """Goal: the same without a network: a query in a file, and the answer from a file."""
    room.good("stamp", "bob.log", "--query", "q.tsq")
    room.refused(USAGE, "q.tsq", "stamp", "bob.log", "--query", "q.tsq")
    (room.folder / "a.tsr").write_bytes(authority.answer((room.folder / "q.tsq").read_bytes()))
    room.good("stamp", "bob.log", "--query", "q2.tsq")
    room.refused(REFUTED, "nonce", "stamp", "bob.log", "--answer", "a.tsr", "--query", "q2.tsq")
    room.refused(REFUTED, "something else", "stamp", "alice.log", "--answer", "a.tsr")
    assert not list(room.folder.glob("*.log.tsr"))
    room.good("stamp", "bob.log", "--answer", "a.tsr", "--query", "q.tsq")
    assert verify(room, authority, "bob.log")[0] == PROVEN
    room.refused(USAGE, "is there already", "stamp", "bob.log", "--answer", "a.tsr")
    assert (room.folder / "bob.log.tsr").read_bytes() == (room.folder / "a.tsr").read_bytes()


def test_a_stamp_holds_when_the_log_grows(tmp_path, authority):
    """Goal: the head that was stamped is found at its line, with more behind it; not in a log that was changed there."""
    session = forge.honest(groups=(1, 2), end=None)
    room = Room(tmp_path, session)
    line, _ = last_head(tmp_path / "alice.log")
    with Server(authority.answer) as server:
        room.good("stamp", "alice.log", "--tsa", server.url)
    session.end()
    (tmp_path / "alice.log").write_bytes(session.alice.bytes())
    code, told = verify(room, authority)
    assert code == PROVEN and f"the head at line {line} existed at" in told


def test_wrong_stamps(room, authority, stranger):
    """Goal: each wrong stamp costs the verdict: another authority, a changed answer, that of another log, none."""
    with Server(authority.answer) as server:
        room.good("stamp", "alice.log", "--tsa", server.url)
    path = room.folder / "alice.log.tsr"
    good = path.read_bytes()
    assert verify(room, authority)[0] == PROVEN
    code, told = verify(room, stranger)
    assert code == REFUTED and "by no authority" in told
    for spot in what_counts(good, last_head(room.folder / "alice.log")[1]):
        path.write_bytes(good[:spot] + bytes([good[spot] ^ 1]) + good[spot + 1:])
        assert verify(room, authority)[0] != PROVEN, spot
    for bad in (good + b"\0", good[:-1], b"", b"x" * 100_000):
        path.write_bytes(bad)
        assert verify(room, authority)[0] != PROVEN
    path.write_bytes(authority.answer(other_query()))
    code, told = verify(room, authority)
    assert code == REFUTED and "of another log" in told
    path.unlink()
    code, told = verify(room, authority)
    assert code == UNDECIDED and "alice.log.tsr" in told
    path.write_bytes(good)
    (room.folder / "ca").write_text("no certificate\n")
    done = room.judge("verify", "alice.log", "--keys", "keys", "--tsa-ca", "ca")
    assert done.returncode == UNDECIDED and "no certificate" in done.stdout


def what_counts(answer, head):
    """Where the bytes of the hash, of the time and of the end of the signature stand. (Not all bytes of an answer
    count: its wrapping can be written in more than one way.)"""
    stamped, clock = answer.index(bytes.fromhex(head)), re.search(rb"\x18\x0f(20\d{12}Z)", answer)
    return [*range(stamped, stamped + 32, 3), *range(*clock.span(1)), *range(len(answer) - 16, len(answer), 3)]


def other_query():
    return openssl("ts", "-query", "-digest", "00" * 32, "-sha256", "-cert")


def test_an_authority_that_is_none(room, tmp_path_factory, authority):
    """Goal: what is no answer to the query is not filed, and that is said."""
    other = authority.answer(other_query())
    old = []

    def earlier(query):
        old.append(authority.answer(query))
        return old[0]

    cases = [(lambda query: b"<html>", "no time stamp"), (lambda query: b"", "no time stamp"),
             (lambda query: other, "something else"), (lambda query: bytes(70_000), "more than"),
             (lambda query: authority.answer(query) + b"\0", "no time stamp"),
             (lambda query: authority.answer(query)[:-1], "no time stamp"),
             (lambda query: authority.answer(b"\x30\x00"), "refuses")]
    for answer, words in cases:
        with Server(answer) as server:
            done = room.judge("stamp", "alice.log", "--tsa", server.url)
        assert done.returncode in (REFUTED, USAGE) and words in done.stderr, (words, done)
        assert "nothing was filed" in done.stderr
    with Server(earlier) as server:
        room.good("stamp", "alice.log", "--tsa", server.url)
        (room.folder / "alice.log.tsr").unlink()
        room.refused(REFUTED, "nonce", "stamp", "alice.log", "--tsa", server.url)
    with Server(authority.answer, status=500) as server:
        room.refused(USAGE, "status 500", "stamp", "alice.log", "--tsa", server.url)
    assert not list(room.folder.glob("*.tsr"))


def test_an_authority_that_is_not_there_or_drips(room, authority):
    """Goal: it ends in time, and says that nothing was filed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        begun = time.monotonic()  # it takes the connection and says nothing
        room.refused(USAGE, "in time", "stamp", "alice.log", "--tsa", f"http://127.0.0.1:{port}/", "--wait-for", "0.5")
        assert 0.4 < time.monotonic() - begun < 5
    room.refused(USAGE, "nothing was filed", "stamp", "alice.log", "--tsa", f"http://127.0.0.1:{port}/")
    with Server(authority.answer, drip_s=0.1) as server:
        begun = time.monotonic()
        room.refused(USAGE, "in time", "stamp", "alice.log", "--tsa", server.url, "--wait-for", "1")
        assert 0.9 < time.monotonic() - begun < 5
    for url in ("file:///etc/passwd", "ftp://127.0.0.1/", "no url"):
        room.refused(USAGE, "no answer", "stamp", "alice.log", "--tsa", url)
    assert not list(room.folder.glob("*.tsr"))


def test_what_cannot_be_stamped(room, tmp_path):
    """Goal: an empty log, a damaged one, a wrong command line."""
    (tmp_path / "empty.log").write_bytes(b"")
    room.refused(UNDECIDED, "nothing to stamp", "stamp", "empty.log", "--query", "q")
    data = (tmp_path / "alice.log").read_bytes()
    (tmp_path / "bad.log").write_bytes(data.replace(b"number 2\n", b"number 3\n"))
    room.refused(REFUTED, "damaged at line", "stamp", "bad.log", "--query", "q")
    for args in (["alice.log"], ["--query", "q"], ["alice.log", "--tsa", "http://x/", "--answer", "a"],
                 ["alice.log", "--answer", "no-file"], ["alice.log", "--tsa", "http://x/", "--wait-for", "-1"]):
        room.refused(USAGE, "judge: ", "stamp", *args)
    assert not (tmp_path / "q").exists()


def test_a_certificate_that_is_not_for_stamps(room, tmp_path, authority):
    """Goal: a stamp that any other certificate of the same root has signed is none."""
    web = Authority(tmp_path / "web", usage="plain")
    room.good("stamp", "alice.log", "--query", "q.tsq")
    answer = authority.answer((tmp_path / "q.tsq").read_bytes())
    (tmp_path / "alice.log.tsr").write_bytes(authority.forge(answer))  # so this way of signing is right
    assert verify(room, authority)[0] == PROVEN
    (tmp_path / "alice.log.tsr").write_bytes(web.forge(answer))
    assert verify(room, web)[0] == REFUTED


def test_an_authority_whose_time_is_over(room, tmp_path):
    """Goal: its certificate counts at the time of the stamp, not now, and not before or after its own time."""
    authority = Authority(tmp_path / "tsa")
    room.good("stamp", "alice.log", "--query", "q.tsq")
    for offset, code in ((3600, PROVEN), (40 * 86400, REFUTED), (-40 * 86400, REFUTED)):
        answer = authority.answer((tmp_path / "q.tsq").read_bytes(), env=faketime(offset))
        (tmp_path / "alice.log.tsr").write_bytes(answer)
        assert verify(room, authority)[0] == code, offset
    (tmp_path / "alice.log.tsr").write_bytes(authority.answer((tmp_path / "q.tsq").read_bytes()))
    if b"__asan_init" in JUDGE.read_bytes():
        return  # the sanitizers and libfaketime do not start together
    done = room.judge("verify", "alice.log", "--keys", "keys", "--tsa-ca", authority.ca, env=faketime(400 * 86400))
    assert done.returncode == PROVEN, done


def faketime(offset_s):
    """An environment in which the clock is off."""
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return {**os.environ, "LD_PRELOAD": library, "FAKETIME": f"{offset_s:+d}"}
