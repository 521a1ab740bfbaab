# SPDX-License-Identifier: Apache-2.0
"""Goal: a line that is dead without a word is noticed by both sides."""
import os
import re
import socket
import subprocess

import pytest

from avow_programs import TERMINATE, TRACED, namespace

USER = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
LO = "ip link set lo up"  # all that there is in a network namespace


def test_the_options_of_a_connection(place):
    """Goal: both sides ask the system to give up a peer of whom nothing is heard for 30 seconds."""
    traces = {who: place.root / f"trace-{who}" for who in ("alice", "bob")}
    trace = {who: ["strace", "-D", "-f", "-qq", "-o", path, "-e", "trace=setsockopt"]
             for who, path in traces.items()}
    alice = place.alice(before=trace["alice"], env=TRACED)
    bob = place.bob(stdin=b"x\n", before=trace["bob"], env=TRACED)
    assert (bob.end(), alice.end()) == (0, 0)
    for who, path in traces.items():
        calls = path.read_text()
        for option in (r"SO_KEEPALIVE, \[1\]", r"TCP_KEEPIDLE, \[15\]", r"TCP_KEEPINTVL, \[5\]",
                       r"TCP_USER_TIMEOUT, \[30000\]", r"TCP_NODELAY, \[1\]"):
            assert re.search(option + r", 4\) += 0", calls), (who, option, calls)


def test_a_port_where_nobody_listens(place):
    """Goal: where the system has few ports of its own, TCP connects bob to himself (a simultaneous open).
    That is no server, and no attack: bob waits on."""
    few = namespace(f"{LO}\necho 50000 50001 > /proc/sys/net/ipv4/ip_local_port_range", "-n")
    bob = place.send(b"x\n", "127.0.0.1:50000", "--server-key", place.key("alice"), "--wait-for", "4", before=few)
    assert (bob.end(), "attack" in bob.text()) == (3, False), bob.text()


def test_a_second_address_that_takes_its_time(place):
    """Goal: what is at one address hangs up, and the other one lets bob wait for longer than an opening may
    take: the opening that failed is over."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as first, socket.socket() as second:
        where = ("127.0.0.1", first.getsockname()[1])
        second.bind(where)
        second.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # more than its queue takes: the next SYN is dropped
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(where)
        (place.work / "port").write_text(f"{where[1]}\n")
        bob = place.bob("--server-key", place.key("alice"), stdin=subprocess.PIPE)
        first.settimeout(10)
        first.accept()[0].close()
        assert not place.until(lambda: not bob.running(), 11), bob.text()
        bob.signal(TERMINATE)
        bob.process.stdin.close()
        assert bob.end() == 3, bob.text()
        for one in waiting:
            one.close()


@pytest.mark.full
def test_a_line_that_falls_silent(place):
    """Goal: packets vanish, nobody closes: both sides notice within 40 seconds, and when the line is back,
    the session goes on."""
    alice = place.alice(before=namespace(LO, "-n"))
    inside = ["nsenter", *USER, "-t", str(alice.process.pid), "-n"]
    bob = place.bob(stdin=subprocess.PIPE, before=inside).see("Connected to server")
    bob.write(b"one\n")
    assert place.until(lambda: alice.out() == b"one\n", 5)
    subprocess.run([*inside, "ip", "link", "set", "lo", "down"], check=True, timeout=10)
    bob.write(b"two\n")
    for who in (alice, bob):
        who.see("The connection was cut", timeout=40)
    subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True, timeout=10)
    bob.process.stdin.close()
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"one\ntwo\n")
