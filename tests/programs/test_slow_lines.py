# SPDX-License-Identifier: Apache-2.0
"""Goal: what a slow line cannot carry in time is explained, and nothing is lost by it."""
import json
import re
import socket
import subprocess
import time

from avow_programs import Proxy

LONG = b"x" * 400_000  # its token has 550,000 characters


class SlowLine(Proxy):
    """Carries so many bytes a second to alice, and keeps little in its own buffers."""

    rate = 150_000

    def accept(self):
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        super().accept()

    def carry(self, source, target, from_alice):
        try:
            while data := source.recv(65536 if from_alice else 8192):
                target.sendall(data)
                if not from_alice:
                    time.sleep(len(data) / self.rate)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_message_too_long_for_the_line(place):
    """Goal: after three refusals bob says once why a message does not arrive and what to do; short ones
    before it have arrived; an alice with a longer --freshness gets it, and what is behind."""
    alice = place.alice("--serve")
    line = SlowLine(place.port())
    place.closers.append(line.close)
    bob = place.bob(f"127.0.0.1:{line.port}", "--server-key", place.key("alice"), "--json", stdin=subprocess.PIPE)
    bob.write(b"short\n" + LONG + b"\nbehind\n")
    bob.process.stdin.close()
    bob.see(r"bob: message 1 is refused again and again, this time (\d\.\d) seconds after it left: on this line it "
            r"takes longer than the server lets a token be old, so it will not arrive like this, nor will what is "
            r"behind. Nothing is lost; it waits in the outbox. Find a faster line, let the server's owner give "
            r"alice a longer --freshness, or send shorter messages.", timeout=30)
    alice.see("Late token", 4)
    assert alice.out() == b"short\n" and bob.text().count("again and again") == 1
    (told,) = [json.loads(one) for one in bob.out().decode().splitlines() if "too slow" in one]
    assert 3 < told.pop("seconds") < 9 and told == {"event": "too slow", "id": 1, "count": 1}
    alice.process.kill()
    alice.end()
    alice = place.alice("--freshness", "9")
    line.port_of_alice = place.port()
    assert (bob.end(30), alice.end(), alice.out()) == (0, 0, LONG + b"\nbehind\n")


def test_a_message_that_somebody_spoils(place):
    """Goal: one who spoils the same message again and again, at once, is not called a slow line."""
    alice = place.alice("--serve")
    line = Spoiler(place.port())
    place.closers.append(line.close)
    bob = place.bob(f"127.0.0.1:{line.port}", "--server-key", place.key("alice"), "--resend-after", "2",
                    stdin=subprocess.PIPE)
    bob.see("Connected to server")
    alice.see("Connected: ")  # now his signature of the opening has arrived, too
    line.on = True
    bob.write(b"one\n")
    bob.see("The server refused what arrived", 5)
    line.on = False
    bob.process.stdin.close()
    assert bob.end() == 0 and "again and again" not in bob.text() and re.search("Incorrect token", alice.text())
    assert alice.out() == b"one\n"


class Spoiler(Proxy):
    """While it is on, one letter of each token that bob sends is another."""

    on = False

    def carry(self, source, target, from_alice):
        try:
            while data := source.recv(65536):
                if self.on and not from_alice:
                    data = data[:40] + (b"A" if data[40:41] != b"A" else b"B") + data[41:]
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
