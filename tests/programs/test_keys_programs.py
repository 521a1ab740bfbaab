# SPDX-License-Identifier: Apache-2.0
"""Goal: each side knows whom it talks to, and nothing is sent to anyone else."""
import os
import re
import shutil
import socket
import stat
import subprocess

import pytest

from avow_programs import FINGERPRINT, KEY_LINE, READY, texts_in_log

QUESTION = r"Do you trust it\? Type yes or no:"


def network(place):
    """How bob calls alice without her port file."""
    return f"127.0.0.1:{place.port()}"


def known(place):
    return place.config("bob") / "known_servers"


def fingerprint(path):
    text = subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True,
                          timeout=20).stdout
    return re.search(FINGERPRINT, text).group()


def ssh_keygen(path, *args):
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", path, *args], check=True, timeout=30)


def test_the_question_and_yes(place):
    """Goal: an unknown server's fingerprint is shown once, and remembered when the person says yes."""
    alice = place.alice("--serve")
    bob = place.bob(network(place), terminal=True).see(QUESTION)
    print_of_alice = fingerprint(place.config("alice") / "alice_ed25519.pub")
    assert f"  {print_of_alice}" in bob.lines()
    assert not known(place).exists()
    bob.keys("yes\r")
    bob.see(READY).say("one")
    bob.type("quit")
    assert bob.end() == 0
    assert f"Remembered in {known(place)}." in bob.lines()
    assert known(place).read_text().split()[-2:] == place.key("alice").split()
    assert stat.S_IMODE(known(place).stat().st_mode) == 0o600
    again = place.send(b"two\n", network(place))
    assert again.end() == 0 and "trust" not in again.text()
    assert alice.out() == b"one\ntwo\n"


@pytest.mark.parametrize("answer", ["no", "", "y", "yes yes yes yes yes yes", "\x04", "\x03"])
def test_the_question_and_no(place, answer):
    """Goal: anything but yes, Ctrl-D and Ctrl-C too, sends nothing and remembers nothing."""
    place.alice()
    bob = place.bob(network(place), terminal=True).see(QUESTION)
    bob.keys(answer if answer in ("\x03", "\x04") else answer + "\r")
    assert bob.end(5) == 4
    assert "bob: not trusted.\nbob: nothing was sent." in bob.text()
    assert not known(place).exists() and not list((place.work / "outbox").iterdir())


def test_without_a_terminal(place):
    """Goal: nobody can be asked, so nothing is sent; the hint that is given can be used as it is."""
    alice = place.alice()
    bob = place.send(b"x\n", network(place))
    assert bob.end() == 4
    (hint,) = re.findall("give it: --server-key '(.*)'$", bob.text(), re.M)
    assert re.fullmatch(KEY_LINE, hint)
    assert alice.out() == b"" and not known(place).exists()
    # The message waits in the outbox, and goes now.
    assert place.send(b"", network(place), "--server-key", hint).end() == 0
    assert (alice.end(), alice.out()) == (0, b"x\n")


@pytest.mark.alone
def test_a_changed_key(place):
    """Goal: a server with another key than the remembered one is refused, loudly, with both keys."""
    alice = place.alice()
    bob = place.bob(network(place), terminal=True).see(QUESTION)
    port = place.port()
    bob.keys("yes\r")
    bob.see(READY).type("quit")
    assert (bob.end(), alice.end()) == (0, 0)
    remembered = known(place).read_text()
    other = place.root / "other_ed25519"
    place.run("alice", "keygen", "--identity", other)
    alice = place.alice("--identity", other, "--port", port)
    for terminal in (True, False):
        bob = place.bob(network(place), terminal=terminal, stdin=None if terminal else b"x\n")
        assert bob.end() == 4
        assert f"THE SERVER'S KEY HAS CHANGED. Somebody may be posing as [127.0.0.1]:{port}." in bob.lines()
        assert fingerprint(f"{other}.pub") in bob.text()
        assert fingerprint(place.config("alice") / "alice_ed25519.pub") in bob.text()
        assert "bob: nothing was sent." in bob.text()
    assert known(place).read_text() == remembered and alice.out() == b""


def test_a_key_that_was_given(place):
    """Goal: --server-key trusts that key and no other, and is not remembered."""
    place.alice()
    bob = place.send(b"x\n", network(place), "--server-key", place.key("bob"))
    assert bob.end() == 4 and "THE SERVER'S KEY HAS CHANGED" in bob.text()
    assert not known(place).exists()


def test_a_broken_list_of_known_servers(place):
    """Goal: the line is named, and nothing is sent."""
    place.alice()
    known(place).write_text(f"# mine\n[127.0.0.1]:{place.port()} ssh-ed25519 AAAA\n")
    bob = place.send(b"x\n", network(place))
    assert bob.end() == 4
    assert f"bob: {known(place)}:2: " in bob.text() and "bob: nothing was sent." in bob.text()


def test_alice_pub_of_somebody_else(place):
    """Goal: a public key beside the port file that others may have written is not trusted unseen."""
    place.alice()
    (place.work / "alice.pub").chmod(0o666)
    bob = place.send(b"x\n")
    assert bob.end() == 4 and "not trusted unseen" in bob.text()


ADMISSION = [
    ("bob@host {bob}\n", None),
    ("# a comment\n\neve@host {alice}\nbob@host,bobby {bob} a comment\n", None),
    ('bob@host namespaces="avow",valid-before="20990101" {bob}\n', None),
    ("eve@host {alice}\n", "is not in"),
    ("", "is not in"),
    ('bob@host valid-before="20200101" {bob}\n', "is not valid now"),
    ('bob@host valid-after="20990101" {bob}\n', "is not valid now"),
    ('bob@host namespaces="git" {bob}\n', "is not in"),
    ("bob@host {bob}\nbroken line\n", ":2: malformed. Nobody is let in until that line is mended."),
    ('bob@host no-such-option {bob}\n', ":1: malformed."),
]


@pytest.mark.parametrize("content, refusal", ADMISSION)
def test_allowed_signers(place, content, refusal):
    """Goal: with a list, only who is on it and in time comes in; both sides are told why not."""
    keys = {who: place.key(who) for who in ("alice", "bob")}
    (place.config("alice") / "allowed_signers").write_text(content.format(**keys))
    alice = place.alice()
    bob = place.send(b"x\n")
    if refusal is None:
        assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"x\n")
        assert re.search(rf"^Client's key: {FINGERPRINT} bob@host$", alice.text(), re.M)
        assert f"Bob: {place.key('bob')} bob@host" in place.log().read_text()
        return
    assert bob.end() == 4 and alice.out() == b""
    alice.see(re.escape(refusal))
    assert "bob: the server does not let our key in. Give" in bob.text()
    assert "bob: nothing was sent." in bob.text()
    assert re.search(rf"^\S+ {re.escape(place.key('bob'))}$", bob.text(), re.M)
    assert not list((place.work / "logs").iterdir())


def test_the_line_that_bob_is_given(place):
    """Goal: a refused bob can hand the line he is shown to alice's owner, who adds it: it works."""
    path = place.config("alice") / "allowed_signers"
    path.write_text("")
    alice = place.alice()
    bob = place.send(b"x\n")
    (line,) = re.findall(rf"^.* {KEY_LINE}$", bob.text(), re.M)
    path.write_text(line + "\n")
    assert place.send(b"").end() == 0  # the list is read anew: no restart; and bob has kept the message
    assert (alice.end(), alice.out()) == (0, b"x\n")


def test_a_list_that_cannot_be_read(place):
    """Goal: nobody comes in, and alice says why."""
    alice = place.alice("--allowed-signers", "none")
    assert place.send(b"x\n").end() == 4
    alice.see("alice: cannot read none: .* Nobody is let in until it can be read.")


def test_off_this_machine(place):
    """Goal: off loopback alice asks whom to let in, and neither side takes plain mode."""
    for address in ("0.0.0.0", "::"):
        status, _, err = place.run("alice", "--listen", address)
        assert status == 2 and "alice: whom may I let in?" in err and "--accept-anyone" in err
        status, _, err = place.run("alice", "--listen", address, "--accept-anyone", "--handshake", "plain")
        assert status == 2 and "--handshake plain sends the key in the clear" in err
    assert not (place.work / "port").exists()
    status, _, err = place.run("bob", "--handshake", "plain", "192.0.2.1:1024", stdin=b"x\n")
    assert status == 2 and "it works on this machine only, and ('192.0.2.1', 1024) is not on it" in err
    (place.config("alice") / "allowed_signers").write_text(f"bob@host {place.key('bob')}\n")
    for options in (["--listen", "0.0.0.0"], ["--listen", "0.0.0.0", "--accept-anyone"]):
        alice = place.alice(*options)
        assert (place.send(b"x\n").end(), alice.end(), alice.out()) == (0, 0, b"x\n")


@pytest.mark.parametrize("hers, his", [("tls", "plain"), ("plain", "tls")])
def test_both_must_agree_on_the_handshake(place, hers, his):
    """Goal: neither side can be brought to another mode than the one it was started with."""
    alice = place.alice("--handshake", hers)
    key = ["--server-key", place.key("alice")] if his == "tls" else []
    bob = place.send(b"x\n", "--handshake", his, network(place), *key)
    assert bob.end() == 1
    assert f"bob: the server was started with another --handshake than {his}." in bob.text()
    alice.see("the other side was started with another --handshake")
    assert alice.running() and alice.out() == b""
    bob = place.send(b"x\n", "--handshake", hers)
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"x\n")


@pytest.mark.parametrize("hello", ["plain", "tls"])
def test_a_downgrade_in_the_middle(place, hello):
    """Goal: somebody on the line who answers for alice in the other mode gets nothing of bob's."""
    (place.work / "port").unlink(missing_ok=True)
    alice = place.alice("--handshake", hello)
    with socket.create_connection(("127.0.0.1", place.port())) as honest:
        honest.settimeout(5)
        honest.sendall(first_bytes(place, hello))
        answer = honest.recv(65536)
    assert answer
    other = "tls" if hello == "plain" else "plain"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        key = ["--server-key", place.key("alice")] if other == "tls" else []
        bob = place.bob("--handshake", other, f"127.0.0.1:{listener.getsockname()[1]}", *key,
                        stdin=b"secret\n")
        with listener.accept()[0] as connection:
            connection.settimeout(5)
            connection.recv(65536)
            connection.sendall(answer)
            assert bob.end() == 1
    assert "nothing was sent." in bob.text() and "Connected" not in bob.text()
    assert alice.out() == b""


def first_bytes(place, mode):
    """What a bob of that mode says first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        bob = place.bob("--handshake", mode, f"127.0.0.1:{listener.getsockname()[1]}", stdin=b"")
        with listener.accept()[0] as connection:
            connection.settimeout(5)
            data = connection.recv(65536)
        bob.process.terminate()
        bob.end()
    return data


@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("kind, complaint", [
    ("mode 0644", "its mode is too open. Others can read it: chmod 600 it"),
    ("encrypted", "the key is protected by a passphrase. Take off its passphrase (ssh-keygen -p)"),
    ("rsa", "not an ssh-ed25519 key. Make an Ed25519 one with keygen"),
    ("pem", "not an ssh-ed25519 key. Make an Ed25519 one with keygen"),
    ("public", "malformed. It is not an OpenSSH private key."),
    ("empty", "malformed. It is not an OpenSSH private key."),
    ("text", "malformed. It is not an OpenSSH private key."),
    ("huge", "longer than the limit. It is not an OpenSSH private key."),
    ("folder", "it is not a file. Nothing was changed."),
    ("fifo", "it is not a file. Nothing was changed."),
])
def test_an_identity_that_cannot_be_used(place, who, kind, complaint):
    """Goal: it is said what is wrong and what to do; the file stays as it is; nothing is sent."""
    path = place.config(who) / f"{who}_ed25519"
    good = path.read_bytes()
    path.unlink()
    if kind == "rsa":
        ssh_keygen(path, "-t", "rsa", "-b", "2048")
    elif kind == "encrypted":
        ssh_keygen(path, "-t", "ed25519")
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-P", "", "-f", path], check=True,
                       capture_output=True, timeout=30)
    elif kind == "pem":
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True,
                       timeout=30)
    elif kind == "public":
        shutil.copy(f"{path}.pub", path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.write_bytes({"mode 0644": good, "empty": b"", "text": b"my key\n", "huge": b"x" * 100000}[kind])
    path.chmod(0o644 if kind == "mode 0644" else 0o600)
    before = path.read_bytes() if path.is_file() else None
    status, out, err = place.run(who, stdin=b"x\n")
    assert (status, out) == (1, "")
    assert f"{who}: cannot use the identity {path}: {complaint}" in err
    assert before is None or path.read_bytes() == before
    assert not (place.work / "port").exists() and not list(place.work.glob("outbox/*"))


def test_keygen(new_place):
    """Goal: keygen makes what ssh-keygen reads, tells the key, and never overwrites one."""
    place = new_place
    for who in ("alice", "bob"):
        status, out, err = place.run(who, "keygen")
        path = place.config(who) / f"{who}_ed25519"
        assert status == 0 and re.fullmatch(rf"{KEY_LINE} {who}@\S+\n", out)
        assert re.fullmatch(rf"New identity: {re.escape(str(path))} \({FINGERPRINT}\)\n", err)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.with_suffix(".pub").read_text() == out
        assert fingerprint(path) in err
        public = subprocess.run(["ssh-keygen", "-y", "-f", path], check=True, capture_output=True,
                                text=True, timeout=20).stdout
        assert public.split()[:2] == out.split()[:2]
        before = path.read_bytes(), path.with_suffix(".pub").read_bytes()
        status, out, err = place.run(who, "keygen")
        assert (status, out) == (1, "") and "there is an identity in" in err and "not touched" in err
        assert (path.read_bytes(), path.with_suffix(".pub").read_bytes()) == before
    alice = place.alice()
    assert (place.send(b"x\n").end(), alice.end(), alice.out()) == (0, 0, b"x\n")
    assert "New identity" not in alice.text()


def test_identities_of_ssh_keygen(place):
    """Goal: stock ssh-keygen's Ed25519 keys work on both sides."""
    for who in ("alice", "bob"):
        ssh_keygen(place.root / who, "-t", "ed25519", "-C", f"{who} of ssh")
    alice = place.alice("--identity", place.root / "alice")
    bob = place.send(b"x\n", "--identity", place.root / "bob", "-v")
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, b"x\n")
    assert fingerprint(place.root / "bob.pub") in alice.text()
    assert fingerprint(place.root / "alice.pub") in bob.text()
    assert "alice of ssh" in bob.text()


def test_two_who_start_for_the_first_time(new_place):
    """Goal: two alices of one person who start at once end up with one identity, and both run."""
    place = new_place
    two = [place.start("alice", "--port-file", name) for name in ("one", "two")]
    for alice in two:
        place.until(lambda: "Waiting" in alice.text() or not alice.running(), 10)
    running = [alice for alice in two if alice.running()]
    assert running
    for alice in two:
        assert alice.running() or "was not touched" in alice.text()
    key = place.config("alice") / "alice_ed25519"
    assert len([path for path in key.parent.iterdir()]) == 2 and fingerprint(key)


def test_plain_mode_says_so(place):
    """Goal: in plain mode both screens and the log say that the key can be read on the line."""
    alice = place.alice("--handshake", "plain", terminal=True)
    bob = place.bob("--handshake", "plain", terminal=True).see(READY)
    bob.say("one")
    bob.type("quit")
    assert (bob.end(), alice.end()) == (0, 0)
    for program in (alice, bob):
        assert program.lines().count("Plain mode: anyone on the line can read the key.") == 1
    assert "Handshake: plain\nEvidence: none (keys were sent in the clear)\n" in place.log().read_text()
    assert texts_in_log(place) == ["one"]
    assert not (place.work / "alice.pub").exists()
