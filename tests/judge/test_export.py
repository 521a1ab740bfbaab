# SPDX-License-Identifier: Apache-2.0
"""judge export: a folder that anybody can check with tools that everybody has."""
import re
import shutil
import subprocess

import pytest

import forge
from showing import PROVEN, REFUTED, UNDECIDED, USAGE, Room, commands, room, run_readme  # noqa: F401

FILES = ["README", "allowed_signers", "messages.txt", "opening.txt", "opening.txt.alice.sig", "opening.txt.bob.sig",
         "origin.txt", "origin.txt.sig", "receipt.txt", "receipt.txt.sig", "text"]
SIGNED = [("alice@host", "opening.txt", "opening.txt.alice.sig"), ("bob@host", "opening.txt", "opening.txt.bob.sig"),
          ("bob@host", "origin.txt", "origin.txt.sig"), ("alice@host", "receipt.txt", "receipt.txt.sig")]


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def verifies(folder, who, statement, signature):
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-n", "avow", "-I", who, "-s", signature]
    with (folder / statement).open("rb") as text:
        return subprocess.run(command, cwd=folder, stdin=text, capture_output=True, timeout=20).returncode == 0


@pytest.mark.parametrize("log", ["alice.log", "bob.log"])
@pytest.mark.parametrize("keys", [["--keys", "keys"], []])
def test_the_commands_of_the_readme_confirm_it(room, log, keys):
    """Goal: for a message in the middle of an envelope, exactly what the README says confirms all of it."""
    room.good("export", log, "--message", 2, "out", *keys)
    out = room.folder / "out"
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert (out / "text").read_bytes() == b"Hey dude, number 2"
    assert len(commands(out / "README")) >= 15
    assert run_readme(out) == []
    used = {word for command in commands(out / "README") for word in re.findall(r"(?:^|\| |\$\()([a-z][\w-]*)", command)}
    assert used == {"ssh-keygen", "sha256sum", "sha512sum", "grep"}


def places(folder, name):
    """Bytes of a file, each of which counts: a few of them, the first and the last among them."""
    data = (folder / name).read_bytes()
    first, last = 0, len(data) - 1
    if name.endswith(".sig"):  # the lines around the base64 are ssh-keygen's own
        first, last = data.index(b"\n") + 1, data.rindex(b"\n-----END") - 1
    if name == "allowed_signers":  # of Bob's line: his name, his key
        first, last = data.index(b"bob@host"), data.rindex(b"\n") - 1
    spots = [first + (last - first) * part // 6 for part in range(7)]
    return [spot for spot in spots if data[spot:spot + 1] not in b"\n "]


def test_a_changed_byte_in_any_file_is_found(room):
    """Goal: after one changed byte in any file but the README, some command of the README fails."""
    room.good("export", "alice.log", "--message", 2, "out", "--keys", "keys")
    for name in FILES[1:]:
        spots = places(room.folder / "out", name)
        assert len(spots) >= 4
        for spot in (spots[0], spots[len(spots) // 2], spots[-1]):
            shutil.rmtree(room.folder / "bad", ignore_errors=True)
            shutil.copytree(room.folder / "out", room.folder / "bad")
            flip(room.folder / "bad" / name, spot)
            assert run_readme(room.folder / "bad"), f"{name}, byte {spot}"


def test_another_text_or_statement_in_its_place_is_found(room):
    """Goal: files of another message of the same session, each right by itself, do not pass."""
    room.good("export", "alice.log", "--message", 2, "out", "--keys", "keys")
    room.good("export", "alice.log", "--message", 4, "other", "--keys", "keys")
    for names in (["text"], ["messages.txt"], ["origin.txt", "origin.txt.sig"], ["receipt.txt", "receipt.txt.sig"]):
        shutil.rmtree(room.folder / "bad", ignore_errors=True)
        shutil.copytree(room.folder / "out", room.folder / "bad")
        for name in names:
            shutil.copy(room.folder / "other" / name, room.folder / "bad" / name)
        assert run_readme(room.folder / "bad"), names


def test_a_statement_of_another_session_is_found(room, tmp_path):
    """Goal: the same messages at the same times in another session of the same two: its statements do not pass."""
    other = tmp_path / "other"
    other.mkdir()
    groups = dict(groups=(1, 3, 2, 1), resume_at=(2,), incidents_at=(0,))
    for where, one in ((tmp_path, room), (other, Room(other, forge.honest(name="another", **groups)))):
        one.good("export", "alice.log", "--message", 2, where / "out", "--keys", "keys")
    assert (other / "out" / "messages.txt").read_bytes() == (tmp_path / "out" / "messages.txt").read_bytes()
    for kind in ("opening", "origin", "receipt"):
        shutil.rmtree(tmp_path / "bad", ignore_errors=True)
        shutil.copytree(tmp_path / "out", tmp_path / "bad")
        for path in (other / "out").glob(f"{kind}.txt*"):
            shutil.copy(path, tmp_path / "bad")
        assert run_readme(tmp_path / "bad"), kind


@pytest.mark.parametrize("log", ["alice.log", "bob.log"])
def test_ssh_keygen_takes_every_signature_of_every_message(room, log):
    """Goal: stock ssh-keygen accepts each exported signature, and none after one changed byte."""
    for number in range(7):
        out = room.folder / f"out{number}"
        room.good("export", log, "--message", number, out, "--keys", "keys")
        assert (out / "text").read_text() == f"Hey dude, number {number}"
        for who, statement, signature in SIGNED:
            assert verifies(out, who, statement, signature)
            for name in (statement, signature):
                spot = places(out, name)[number % 4]
                flip(out / name, spot)
                assert not verifies(out, who, statement, signature), (number, name, spot)
                flip(out / name, spot)


def test_a_text_of_any_bytes_comes_out_as_it_was(tmp_path):
    """Goal: text holds the raw bytes, and the commands hold on them."""
    room = Room(tmp_path, forge.honest(groups=(1,), texts="a\n\\b\t\x01 'q' $(reboot) {}\r"))
    room.good("export", "alice.log", "--message", 0, "out", "--keys", "keys")
    assert (tmp_path / "out" / "text").read_bytes() == b"a\n\\b\t\x01 'q' $(reboot) 0\r"
    assert run_readme(tmp_path / "out") == []


def test_a_withheld_text(room):
    """Goal: without the text, the rest is shown, and the README says so."""
    (room.folder / "short.log").write_text(room.good("redact", "alice.log", "--message", 2))
    room.good("export", "short.log", "--message", 2, "out", "--keys", "keys")
    assert not (room.folder / "out" / "text").exists()
    assert "withheld" in (room.folder / "out" / "README").read_text()
    assert run_readme(room.folder / "out") == []


def test_without_keys_the_readme_warns(room):
    """Goal: nobody takes the log's own keys for known ones."""
    done = room.judge("export", "alice.log", "--message", 0, "out")
    assert done.returncode == PROVEN and "not proven" in done.stderr
    assert "WARNING: WHOSE KEYS THESE ARE, THIS FOLDER DOES NOT SAY." in (room.folder / "out" / "README").read_text()
    room.good("export", "alice.log", "--message", 0, "out2", "--keys", "keys")
    assert "WARNING" not in (room.folder / "out2" / "README").read_text()


def test_odd_names_in_the_list(tmp_path):
    """Goal: a principal with a blank and quotes stands in the commands as one word."""
    keys = f'"it\'s bob $(touch no)" {forge.BOB.line}\n*@host,x {forge.ALICE.line}\n'
    room = Room(tmp_path, forge.honest(groups=(1,)), keys)
    room.good("export", "bob.log", "--message", 0, "out", "--keys", "keys")
    assert run_readme(tmp_path / "out") == []
    assert not (tmp_path / "out" / "no").exists()
    (tmp_path / "keys").write_text(f"b\x1bob {forge.BOB.line}\nalice {forge.ALICE.line}\n")
    room.refused(USAGE, "line 1", "export", "bob.log", "--message", 0, "out2", "--keys", "keys")


def test_what_cannot_be_shown(room, tmp_path):
    """Goal: each reason is said, and no folder is left behind."""
    room.refused(UNDECIDED, "no message 7", "export", "alice.log", "--message", 7, "out", "--keys", "keys")
    (tmp_path / "strangers").write_text(forge.allowed_signers().replace(forge.BOB.line, forge.MALLORY.line))
    room.refused(UNDECIDED, "not in strangers", "export", "alice.log", "--message", 1, "out", "--keys", "strangers")
    unconfirmed = forge.Session()
    unconfirmed.submit(2)
    unconfirmed.connect()
    (tmp_path / "waiting.log").write_bytes(unconfirmed.bob.bytes())
    room.refused(UNDECIDED, "was not confirmed", "export", "waiting.log", "--message", 1, "out", "--keys", "keys")
    data = (tmp_path / "alice.log").read_bytes()
    (tmp_path / "bad.log").write_bytes(data.replace(b"number 2\n", b"number 3\n"))
    room.refused(REFUTED, "damaged at line", "export", "bad.log", "--message", 2, "out", "--keys", "keys")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    room.refused(USAGE, "not there yet", "export", "alice.log", "--message", 1, "out", "--keys", "keys")
    assert list((tmp_path / "out").iterdir()) == []
    for args in (["alice.log", "out3"], ["alice.log", "--message", "-1", "out3"], ["--message", "1", "out3"],
                 ["alice.log", "--message", "1"], ["alice.log", "--message", "1", "--message", "2", "out3"],
                 ["no.log", "--message", "1", "out3"], [".", "--message", "1", "out3"]):
        room.refused(USAGE, "judge: ", "export", *args)
    assert not (tmp_path / "out3").exists()


@pytest.mark.parametrize("part", ["Signed by Alice", "Signed by Bob", "Origin signature", "Receipt"])
def test_a_signature_by_another_is_not_exported(room, part):
    """Goal: Mallory owns the file, edits one signature and all heads: nothing is exported."""
    blocks = forge.parse((room.folder / "alice.log").read_bytes())
    for block in blocks:
        if any(name == part for name, _ in block):
            forge.put(block, part, forge.MALLORY.sign("something"))
    blocks = forge.repair(blocks, "Alice", forge.ALICE, sign=False)
    (room.folder / "bad.log").write_bytes(forge.text_of(blocks))
    room.refused(REFUTED, "does not verify", "export", "bad.log", "--message", 2, "out", "--keys", "keys")
