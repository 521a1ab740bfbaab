# SPDX-License-Identifier: Apache-2.0
"""Goal: options, addresses and exit codes of alice and bob are as their --help says."""
import json
import re
import socket
import subprocess

import pytest

from avow_programs import READY, TERMINATE, Proxy, same, texts_in_log


def test_exit_0_and_1_and_2(place):
    """Goal: success, a failure of the system, a mistake on the command line."""
    (place.work / "taken").write_text("")
    assert place.run("bob", "--outbox", "taken")[0] == 1
    assert place.run("alice", "--logs", "taken")[0] == 1
    assert place.run("bob", "--outbux", "taken")[0] == 2
    assert place.run("alice", "--logz", "taken")[0] == 2
    alice = place.alice()
    assert (place.send(b"x\n").end(), alice.end()) == (0, 0)


def test_exit_3_no_server(place):
    """Goal: a server that is not there: bob waits as told, then says so."""
    found = place.start("bob", "--wait-for", "0.5", stdin=b"x\n")
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    given = place.start("bob", "--wait-for", "0.5", f"127.0.0.1:{port}", stdin=b"x\n")
    nameless = place.start("bob", "no-such-host.invalid:1024", stdin=b"x\n")
    assert [found.end(), given.end(), nameless.end()] == [3, 3, 3]
    for bob in (found, given):
        assert "bob: no server after 0.5 seconds." in bob.lines()
        assert "bob: nothing was sent. 1 of 1 message is not confirmed. It waits in outbox/" in bob.text()
    assert "bob: cannot find no-such-host.invalid: " in nameless.text()


def test_exit_4_a_key_that_nobody_vouches_for(place):
    """Goal: without a terminal, an unknown server is not trusted."""
    place.alice()
    assert place.send(b"x\n", f"127.0.0.1:{place.port()}").end() == 4


def test_exit_5_an_attack(place):
    """Goal: bob ends with 5 when confirmations were forged and then the line was cut for good."""
    place.alice()
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    bob = place.bob(f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice"), "--wait-for", "0.5",
                    stdin=subprocess.PIPE).see("Connected to server")
    proxy.alter = lambda data: data[:-1] + bytes([data[-1] ^ 1])
    bob.write(b"x\n")
    bob.see("Fake confirmation")
    proxy.close()
    assert bob.end() == 5
    assert "bob: 1 of 1 message is not confirmed. It waits in outbox/" in bob.text()


def test_exit_6_the_line_is_cut(place):
    """Goal: bob ends with 6 when the line was cut for good before all was confirmed, and says how many."""
    place.alice()
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    bob = place.bob(f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice"), "--json",
                    "--wait-for", "0.5",
                    stdin=subprocess.PIPE).see("Connected to server")
    bob.write(b"one\n")
    place.until(lambda: b'"confirmed"' in bob.out(), 5)
    proxy.swallow = True
    bob.write(b"two\nthree\n")
    place.until(lambda: len(texts_in_log(place)) == 3, 5)
    proxy.close()
    assert bob.end() == 6
    same(bob.lines()[2:7], ["Connected to server.", "The connection was cut.",
                            "Possible interruption attack.", "Waiting for server...",
                            "bob: no server after 0.5 seconds."])
    assert "bob: 2 of 3 messages are not confirmed. They wait in outbox/" in bob.text()
    assert json.loads(bob.out().split(b"\n")[-2]) == {"event": "done", "confirmed": 1, "unconfirmed": 2}


@pytest.mark.parametrize("value, coloured", [(None, True), ("1", False), ("", True)])
def test_no_color(place, value, coloured):
    """Goal: alarms are coloured at a terminal, unless NO_COLOR says something."""
    alice = place.alice("--handshake", "plain", terminal=True, env={"NO_COLOR": value})
    bob = place.bob("--handshake", "plain", terminal=True, env={"NO_COLOR": value}).see(READY)
    for program in (alice, bob):
        program.see("Plain mode: anyone on the line can read the key.")
        assert (b"\x1b[1;31m" in program.raw) == coloured


def test_no_color_in_a_pipe(place):
    """Goal: what goes into a file has no escape sequences."""
    alice = place.alice("--handshake", "plain")
    bob = place.send(b"x\n", "--handshake", "plain")
    assert (bob.end(), alice.end()) == (0, 0)
    assert "\x1b" not in alice.text() + bob.text() and "Plain mode" in alice.text()


@pytest.mark.parametrize("who, options", [
    *((who, ["handshake", "identity", "json", "log-detail", "port-file", "version"]) for who in ("alice", "bob")),
    ("mallory", ["attack", "chaos", "json", "lay", "listen", "port-file", "upstream", "version"])])
def test_help_and_version(place, who, options):
    """Goal: --help fits a screen and goes to stdout; --version names OpenSSL's version."""
    status, out, err = place.run(who, "--help")
    lines = out.split("\n")
    assert (status, err) == (0, "") and lines[0].startswith(f"Usage: {who} ")
    assert len(lines) <= 31 and max(map(len, lines)) <= 80
    for option in options:
        assert re.search(rf"^ .*--{option}\b", out, re.M), option
    status, out, err = place.run(who, "--version")
    assert (status, err) == (0, "")
    assert re.fullmatch(rf"{who} \(avow\) \d+\.\d+\.\d+\S*, OpenSSL 3\.\d+\.\d+.*\n", out)
    assert not list(place.work.iterdir())


@pytest.mark.parametrize("who, args, complaint", [
    ("alice", ["--port", "0"], "--port is a number from 1 to 65535, not '0'."),
    ("alice", ["--port", "65536"], "not '65536'"),
    ("alice", ["--port", "12x"], "not '12x'"),
    ("alice", ["--port"], "requires an argument"),
    ("alice", ["--freshness", "-1"], "--freshness is a number of seconds, not '-1'."),
    ("alice", ["--freshness", "nan"], "not 'nan'"),
    ("alice", ["--handshake", "ssl"], "--handshake is tls or plain, not 'ssl'."),
    ("alice", ["--log-detail", "all"], "--log-detail is proof, text or full, not 'all'."),
    ("alice", ["somewhere"], "I do not know what to do with 'somewhere'."),
    ("alice", ["--unknown"], "unrecognized option '--unknown'"),
    ("alice", ["keygen", "x"], "keygen takes --identity FILE only."),
    ("bob", ["-x"], "invalid option -- 'x'"),
    ("bob", ["somewhere"], "the server is HOST:PORT, or [ADDRESS]:PORT for IPv6."),
    ("bob", ["::1:1024"], "the server is HOST:PORT"),
    ("bob", ["host:0"], "the server is HOST:PORT"),
    ("bob", [":1024"], "the server is HOST:PORT"),
    ("bob", ["a:1", "b:2"], "the server is HOST:PORT"),
    ("bob", ["--resend-after", "0"], "--resend-after is a number of seconds, not '0'."),
    ("bob", ["--wait-for", "soon"], "--wait-for is a number of seconds, not 'soon'."),
    ("bob", ["--server-key", "ssh-rsa AAAA"], "--server-key is a line 'ssh-ed25519 AAAA...'"),
])
def test_a_mistake_on_the_command_line(place, who, args, complaint):
    """Goal: it is named, --help is pointed to, the status is 2, and nothing was done."""
    status, out, err = place.run(who, *args)
    assert (status, out) == (2, "")
    assert complaint in err and f"Try '{who} --help'." in err
    assert not list(place.work.iterdir())


def test_where_to_listen_and_where_to_call(place):
    """Goal: --port, --listen, --port-file, and HOST:PORT with names, IPv4 and IPv6."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = ["--server-key", place.key("alice")]
    for listen, call in [(["--port", port], [f"127.0.0.1:{port}", *known]),
                         (["--port", port, "--listen", "::1"], [f"[::1]:{port}", *known]),
                         (["--port", port, "--listen", "localhost"], [f"localhost:{port}", *known]),
                         (["--port", port], [f"localhost:{port}", *known]),
                         (["--listen", "::1"], []),
                         (["--port-file", "sub/p"], ["--port-file", "sub/p"])]:
        (place.work / "sub").mkdir(exist_ok=True)
        alice = place.alice(*listen)
        if "--port" in listen:
            assert place.port() == port
        bob = place.send(b"one\n", *call)
        assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"one\n"), (listen, bob.text())
        assert not list((place.work / "sub").iterdir())


def test_a_port_in_use(place):
    """Goal: a port that is taken is named; without --port the next free one is found."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = place.run("alice", "--port", port)
    assert status == 1
    assert f"alice: port {port} is in use." in err and not (place.work / "port").exists()
    place.alice("--port-file", "one")
    place.alice("--port-file", "two")
    one, two = (int((place.work / name).read_text()) for name in ("one", "two"))
    assert one != two and min(one, two) >= 1024


def test_an_address_that_is_not_ours(place):
    """Goal: alice says that she cannot listen there."""
    status, _, err = place.run("alice", "--listen", "192.0.2.1", "--accept-anyone")
    assert status == 1 and "alice: cannot listen on 192.0.2.1: address not available." in err
    status, _, err = place.run("alice", "--listen", "no-such-host.invalid")
    assert status == 1 and "alice: cannot listen on no-such-host.invalid: " in err


def test_a_second_client_is_told(place):
    """Goal: one alice, one session: the second bob is told why, and the first goes on."""
    alice = place.alice()
    first = place.bob(terminal=True).see(READY)
    second = place.send(b"me too\n", "--outbox", "another")
    assert second.end() == 3 and "bob: the server is busy: it has as many clients as it takes." in second.text()
    first.say("still here")
    first.type("quit")
    assert (first.end(), alice.end(), alice.out()) == (0, 0, b"still here\n")


def test_serve(place):
    """Goal: alice --serve holds three sessions at once, each with its own log, and stays."""
    alice = place.alice("--serve")
    bobs = [place.bob("--outbox", f"outbox-{number}", stdin=subprocess.PIPE).see("Connected to server")
            for number in range(3)]
    for number, bob in enumerate(bobs):
        bob.write(b"from %d\n" % number)
    assert place.until(lambda: alice.out().count(b"\n") == 3, 5)
    for bob in bobs:
        bob.process.stdin.close()
    assert [bob.end() for bob in bobs] == [0, 0, 0]
    assert place.send(b"later\n").end() == 0
    assert alice.running() and len(list((place.work / "logs").iterdir())) == 4
    assert sorted(alice.out().split()) == [b"0", b"1", b"2", b"from", b"from", b"from", b"later"]
    waiting = place.bob(stdin=subprocess.PIPE).see("Connected to server")
    newest = lambda: max((place.work / "logs").iterdir()).read_text()
    assert place.until(lambda: "\nSigned by Bob: " in newest() and "\nEnded: " not in newest(), 5)
    alice.signal(TERMINATE)
    assert alice.end(5) == 0 and not (place.work / "port").exists()
    assert waiting.end(5) == 6 and "The server ended the session." in waiting.lines()


def test_bob_first(place):
    """Goal: in pipes too, either may come first."""
    bob = place.bob(stdin=b"early\n").see("Waiting for server")
    place.until(lambda: False, 0.3)
    alice = place.alice()
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"early\n")
