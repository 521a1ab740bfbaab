# SPDX-License-Identifier: Apache-2.0
"""Goal: mallory does on the line what she is told, tells what she learns, and says what goes wrong."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from avow_programs import BIN, INTERRUPT, ROOT, texts_in_log

PAGE = ROOT / "docs" / "THREATS.md"
TEXTS = ["first secret", "second secret", "third secret"]


def mallory(place, *args, wait="On the line", **more):
    program = place.start("mallory", *args, **more)
    return program.see(wait) if wait else program


def talk(place, *attacks, mode="tls", bob=(), texts=TEXTS, more=(), stdout=None):
    """alice, mallory with these attacks, and bob through her; all of them ended."""
    alice = place.alice("--handshake", mode, "--log-detail", "full")
    told = [word for attack in attacks for word in ("--attack", attack)]
    her = mallory(place, *told, *more, stdout=stdout)
    his = place.bob("--handshake", mode, "--port-file", "mallory/port", "--resend-after", "1", *bob,
                    stdin=subprocess.PIPE)
    his.see("Connected to server")
    for text in texts:
        his.write(text.encode() + b"\n")
        time.sleep(0.1)
    his.process.stdin.close()
    assert his.end() == 0, his.text()
    alice.end()
    her.signal(INTERRUPT)
    return alice, her, his


def events(program):
    return [json.loads(line) for line in program.out().splitlines()]


@pytest.mark.parametrize("mode", ["plain", "tls"])
def test_eavesdropping(place, mode):
    """Goal: on a plain line she reads the key and every text; on a tls line neither, only lengths and
    times. Nobody notices, and all arrives."""
    alice, her, _ = talk(place, "eavesdrop", mode=mode)
    assert her.end() == 0
    said = her.out().decode()
    key = re.search("^Key: (.*)", place.log().read_text(), re.M).group(1)
    for number, text in enumerate(TEXTS):
        assert (f"Mallory: reads message {number}: {text}\n" in said) == (mode == "plain")
        assert (text in said) == (mode == "plain")
    assert (f"Mallory: reads the session's key off the line: {key}\n" in said) == (mode == "plain")
    assert (key in said) == (mode == "plain")
    assert re.search(r"Mallory: sees token 1 to Alice of connection 1: \d+ characters\. If it is one message, "
                     r"its text has \d+ to \d+ bytes\.", said)
    assert re.search(r"Mallory: without any key: 4 tokens to Alice on connection 1 in \d", said)
    assert "without padding it would be 16" in said
    assert texts_in_log(place) == TEXTS and "Incident" not in place.log().read_text()
    assert not (place.work / "mallory" / "port").exists()


def test_json(place):
    """Goal: with --json each line is an object, and a text that she reads is in it as it was."""
    text = 'a "quoted" \u00e9 text'
    _, her, _ = talk(place, "eavesdrop", "duplicate", mode="plain", more=["--json"], texts=[text])
    assert her.end() == 0
    told = events(her)
    assert {"event": "learned", "what": "text", "connection": 1, "id": 0, "text": text} in told
    (twice,) = [event for event in told if event["event"] == "attack"]
    assert twice["attack"] == "duplicate" and twice["act"] == "added" and twice["to"] == "alice"
    assert twice["frame"] == "token" and twice["nth"] == 1
    assert twice["text"] == "sent the 1st token to Alice twice in one go."
    report = [event for event in told if event["event"] == "report"]
    assert [one["to"] for one in report] == ["alice", "bob"] and report[0]["tokens"] >= 2


def test_what_she_tells(place):
    """Goal: her words are exact, and what she says she did is what Alice's log has."""
    _, her, _ = talk(place, "delay,nth=2,seconds=0.2", "replay,nth=3", "modify,to=bob,nth=1,byte=30,bit=2")
    assert her.end() == 0
    assert set(her.out().decode().splitlines()) >= {
        "Mallory: holds back the 2nd token to Alice for 0.2 s.",
        "Mallory: held the 2nd token to Alice for 0.2 s, then let it go.",
        "Mallory: sent the 3rd token to Alice again, right behind it.",
        "Mallory: flipped bit 2 of byte 30 of the 1st token to Bob."}
    assert "Incident: Repeated token. Possible replay attack." in place.log().read_text()
    assert texts_in_log(place) == TEXTS


def test_over_a_network(place):
    """Goal: --listen and --upstream put her on a line without any port file."""
    alice = place.alice()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    her = mallory(place, "--listen", f"127.0.0.1:{port}", "--upstream", f"127.0.0.1:{place.port()}",
                  "--attack", "drop")
    bob = place.send(b"x\n", f"127.0.0.1:{port}", "--server-key", place.key("alice"), "--resend-after", "1")
    assert (bob.end(), alice.end()) == (0, 0)
    assert b"swallowed the 1st token to Alice" in her.out() and not (place.work / "mallory").exists()


def test_list(place):
    """Goal: list tells each attack in a line that fits a screen, and one with its options."""
    status, out, err = place.run("mallory", "list")
    assert (status, err) == (0, "") and len(out.splitlines()) >= 24
    assert max(map(len, out.splitlines())) <= 80
    for line in out.splitlines():
        assert re.fullmatch(r"[a-z-]+ +\S.+", line)
        name = line.split()[0]
        one = place.run("mallory", "list", name)
        assert one[0] == 0 and one[1].startswith(f"{name}: ")
    assert "  seconds=4 " in place.run("mallory", "list", "delay")[1]


@pytest.mark.parametrize("args, complaint", [
    (["--attack", "replai"], "there is no attack 'replai'. Did you mean 'replay'? 'mallory list' tells"),
    (["--attack", "drop,nht=2"], "drop has no option 'nht'. Did you mean 'nth'?"),
    (["--attack", "delay,seconds=long"], "delay: seconds='long' cannot be (how long)."),
    (["--seed", "-1"], "--seed is a number from 0 to 4294967295, not '-1'."),
    (["--chaos", "x"], "chaos: seed='x' cannot be"),
    (["list", "forge"], "there is no attack 'forge'. Did you mean 'forge-message'?"),
    (["list", "a", "b"], "list takes the name of one attack, or nothing."),
    (["matrix", "--now"], "matrix takes --markdown and --only WORDS."),
    (["matrix", "--only", "tea"], "no row of the matrix has 'tea' in its name."),
    (["drop"], "I do not know what to do with 'drop'. An attack is named by --attack."),
    (["--listen", "4801"], "--listen is ADDRESS:PORT"),
    (["--upstream", "::1:4801"], "--upstream is HOST:PORT"),
    (["--attak", "drop"], "unrecognized option '--attak'"),
    (["--attack", "drop"] * 17, "16 attacks at once are the most."),
])
def test_mistakes_on_the_command_line(place, args, complaint):
    """Goal: each mistake is named, with the nearest that there is; exit status 2, nothing is done."""
    status, out, err = place.run("mallory", *args)
    assert (status, out) == (2, "") and complaint in err and "Try 'mallory --help'." in err
    assert not list(place.work.iterdir())


def test_no_alice(place):
    """Goal: without a port file of Alice's she says where she looked, and what to do: exit status 3."""
    status, out, err = place.run("mallory", "--attack", "drop")
    assert (status, out) == (3, "")
    assert "mallory: no Alice to be found: there is no port file port. Start alice first" in err
    status, _, err = place.run("mallory", "--upstream", "no-such-host.invalid:1024")
    assert status == 3 and "mallory: cannot find no-such-host.invalid: " in err


@pytest.mark.parametrize("content, reason", [("many\n", "it holds no port number"), (None, "it is a symbolic link")])
def test_a_port_file_that_is_none(place, content, reason):
    """Goal: a port file that cannot be used is named: exit status 1."""
    port = place.work / "port"
    port.symlink_to("elsewhere") if content is None else port.write_text(content)
    status, _, err = place.run("mallory")
    assert status == 1 and f"mallory: cannot use Alice's port file port: {reason}." in err


def test_alice_has_gone(place):
    """Goal: a port file behind which nobody is: mallory says so, and bob comes again."""
    with socket.socket() as nobody:  # bound, so that no other alice takes the port
        nobody.bind(("127.0.0.1", 0))
        (place.work / "port").write_text(f"{nobody.getsockname()[1]}\n")
        shutil.copy(place.config("alice") / "alice_ed25519.pub", place.work / "alice.pub")
        her = mallory(place)
        bob = place.send(b"x\n", "--port-file", "mallory/port", "--wait-for", "1")
        assert bob.end() == 3
    her.see("Alice does not answer, so Bob is cut off. Start her; Bob will come again.")
    alice = place.alice()
    assert (place.send(b"x\n", "--port-file", "mallory/port").end(), alice.end()) == (0, 0)


def test_a_port_that_is_taken(place):
    """Goal: a port that is in use is named: exit status 1."""
    place.alice()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, err = place.run("mallory", "--listen", f"127.0.0.1:{port}")
    assert status == 1 and f"mallory: port {port} is in use. Choose another one with --listen" in err


@pytest.mark.parametrize("lay", ["port", "./port", "../{}/port"])
def test_alices_own_port_file(place, lay):
    """Goal: she does not lay her port file over Alice's, however it is written."""
    place.alice()
    before, lay = place.port(), lay.format(place.work.name)
    status, _, err = place.run("mallory", "--lay", lay)
    assert status == 2 and f"{lay} is Alice's own port file. It was not touched." in err
    assert place.port() == before and (place.work / "alice.pub").exists()


def test_no_place_for_her_port_file(place):
    """Goal: where her port file cannot be laid, she says why and what to do: exit status 1."""
    place.alice()
    (place.work / "mallory").mkdir()
    (place.work / "mallory" / "port").symlink_to(place.root / "elsewhere")
    status, _, err = place.run("mallory")
    assert status == 1 and "cannot lay the port file mallory/port: it, or alice.pub beside it, is a symbolic" in err
    status, _, err = place.run("mallory", "--lay", "port/mine")
    assert status == 1 and "cannot lay the port file port/mine: " in err and "--lay" in err


def test_peers_that_are_not_avow(place):
    """Goal: whoever speaks something else, on either side, is named, and cut off."""
    place.alice()
    her = mallory(place)
    port = int((place.work / "mallory" / "port").read_text())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(100) == b""
    place.until(lambda: b"Mallory: what comes from Bob's side is no frame of avow's. She cuts the line.\n"
                in her.out(), 10)
    assert b"Bob's side is no frame of avow's" in her.out()
    with socket.create_server(("127.0.0.1", 0)) as other:
        def serve():
            try:
                while True:
                    peer, _ = other.accept()
                    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                    peer.close()
            except OSError:
                pass
        threading.Thread(target=serve, daemon=True).start()
        her = mallory(place, "--upstream", f"127.0.0.1:{other.getsockname()[1]}", "--lay", "other/port")
        bob = place.send(b"x\n", "--port-file", "other/port", "--wait-for", "0.5")
    assert bob.end() == 3
    assert b"Mallory: what comes from Alice's side is no frame of avow's. She cuts the line.\n" in her.out()


def test_a_disk_that_is_full(place):
    """Goal: what she cannot write down she says once; the line goes on; exit status 1."""
    with open("/dev/full", "wb") as full:
        _, her, _ = talk(place, "eavesdrop", "drop", mode="plain", stdout=full)
        assert her.end() == 1
    assert her.text().count("mallory: cannot write to standard output: No space left on device. "
                            "I stay on the line, but tell nothing more.") == 1
    assert texts_in_log(place) == TEXTS


def test_two_attacks_that_need_a_key(place):
    """Goal: on a plain line a forged text is stored as Bob's, and he is told that his was; on a tls line
    she says that she has no key."""
    _, her, bob = talk(place, "forge-message,text=I owe Mallory 100", mode="plain")
    assert her.end() == 0 and texts_in_log(place) == ["I owe Mallory 100"] * 3
    assert "3 messages sent, all confirmed." in bob.text() and "Incident" not in place.log().read_text()
    assert b"put a text of her own in the place of message 0, with its right hash" in her.out()


def test_forging_without_a_key(place):
    """Goal: see above."""
    _, her, _ = talk(place, "forge-message", "forge-confirmation")
    assert her.end() == 0 and texts_in_log(place) == TEXTS
    assert b"Mallory: has no key to forge with: it went inside TLS. She lets all pass." in her.out()


def environment(tmp_path):
    """TMPDIR is a folder of the test's, to see what is left in it."""
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    return tmp, {**os.environ, "TMPDIR": str(tmp)}


def those_in(folder):
    """The processes that work below this folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if str(folder) in os.readlink(f"/proc/{pid}/cwd"):
                found.append(pid)
        except OSError:
            pass  # it has ended, or is not ours
    return found


@pytest.mark.alone
def test_matrix(tmp_path):
    """Goal: every attack ends as it must, in both modes, in less than a minute; the table is the one in
    docs/THREATS.md (tools/matrix writes it there); nothing is left behind."""
    tmp, env = environment(tmp_path)
    began = time.monotonic()
    run = subprocess.run([BIN / "mallory", "matrix", "--markdown"], capture_output=True, text=True, env=env,
                         timeout=59)
    assert run.returncode == 0, run.stderr
    assert time.monotonic() - began < 60 and not list(tmp.iterdir())
    page = PAGE.read_text()
    table = page.split("<!-- made by tools/matrix: begin -->\n")[1].split("<!-- made by tools/matrix: end -->")[0]
    assert run.stdout == table, "docs/THREATS.md is not what mallory achieves: run tools/matrix"


def test_matrix_needs_alice_and_bob(tmp_path):
    """Goal: without the programs beside her there is a clear error."""
    alone = shutil.copy(BIN / "mallory", tmp_path / "mallory")
    run = subprocess.run([alone, "matrix"], capture_output=True, text=True, timeout=20)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"mallory: the matrix needs alice beside me, in {tmp_path}: No such file or directory." in run.stderr


def test_matrix_notices_what_is_wrong(tmp_path):
    """Goal: with an alice who stores nothing, cells are named, and the exit status is not 0."""
    for name in ("mallory", "bob"):
        shutil.copy(BIN / name, tmp_path / name)
    pathlib.Path(tmp_path / "alice").write_text("#!/bin/sh\necho 1 > port\nexec sleep 60\n")
    (tmp_path / "alice").chmod(0o755)
    tmp, env = environment(tmp_path)
    program = subprocess.Popen([tmp_path / "mallory", "matrix", "--only", "eaves"], text=True, env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = program.communicate(timeout=55)
    assert program.returncode == 1 and "eavesdrop, plain: not as it must be: " in err
    assert "\neavesdrop" not in out and not list(tmp.iterdir())


def test_matrix_interrupted(tmp_path):
    """Goal: Ctrl-C ends it at once, and neither processes nor folders are left."""
    tmp, env = environment(tmp_path)
    program = subprocess.Popen([BIN / "mallory", "matrix"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    time.sleep(1.5)
    assert list(tmp.iterdir())
    program.send_signal(INTERRUPT)
    out, err = program.communicate(timeout=10)
    assert (program.returncode, out) == (1, b"") and b"mallory: interrupted; nothing is proven." in err
    assert not list(tmp.iterdir())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and those_in(tmp):
        time.sleep(0.05)
    assert not those_in(tmp)
