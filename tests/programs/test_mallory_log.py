# SPDX-License-Identifier: Apache-2.0
"""Goal: whoever changes the file of a log, and makes all its heads anew, is refuted by judge."""
import base64
import hmac
import importlib.machinery
import importlib.util
import json
import re
import subprocess

import pytest

from avow_programs import BIN, ROOT, heads_hold


def load_matrix():
    loader = importlib.machinery.SourceFileLoader("avow_matrix", str(ROOT / "tools" / "matrix"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("avow_matrix", loader))
    loader.exec_module(module)
    return module


MATRIX = load_matrix()
ALONE = {"rollback": "PROVEN"}  # an old copy was true: what is missing, the other side's log shows
SIDES = ("alice", "bob")


class Logs:
    """Both logs of a session of three messages, and a place for changed copies."""

    def __init__(self, folder):
        hers, his, self.signers = MATRIX.session(BIN.parent, folder)
        self.of = {"alice": hers, "bob": his}
        self.copy = folder / "copy"
        self.kept = {who: path.read_bytes() for who, path in self.of.items()}

    def mallory(self, *words):
        return subprocess.run([BIN / "mallory", "log", *map(str, words)], capture_output=True, text=True, timeout=20)

    def change(self, deed, who, number, *words):
        """The changed copy of one's log."""
        self.copy.unlink(missing_ok=True)
        run = self.mallory(deed, self.of[who], "--message", number, "--to", self.copy, *words)
        assert run.returncode == 0 and run.stderr == "", run
        assert self.of[who].read_bytes() == self.kept[who] != self.copy.read_bytes()
        assert self.copy.stat().st_mode & 0o777 == 0o600
        return run.stdout

    def judge(self, *logs):
        return MATRIX.judged(BIN.parent, self.signers, *logs)

    def peer(self, who):
        return self.of["bob" if who == "alice" else "alice"]


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    made = Logs(tmp_path_factory.mktemp("logs"))
    for who in SIDES:
        assert made.judge(made.of[who])[0] == made.judge(made.of[who], made.peer(who))[0] == "PROVEN"
    return made


def number_for(deed):
    return 1 if deed in ("swap", "rollback") else 2


@pytest.mark.parametrize("who", SIDES)
@pytest.mark.parametrize("deed", [deed for deed, _ in MATRIX.deeds(BIN.parent)])
def test_a_changed_log_is_refuted(logs, deed, who):
    """Goal: each deed makes a log whose heads all fit, and judge, who has the other side's log, refutes
    it; alone too, but for an old copy. With the heads left as they were, the head alone refutes it."""
    said = logs.change(deed, who, number_for(deed))
    assert said.startswith("Mallory: ") and f"The copy is {logs.copy}.\n" in said
    assert "fit again" in said and heads_hold(logs.copy.read_bytes())
    assert logs.judge(logs.copy)[0] == ALONE.get(deed, "REFUTED")
    assert logs.judge(logs.copy, logs.peer(who))[0] == "REFUTED"
    said = logs.change(deed, who, number_for(deed), "--raw")
    # A text, and the key, are not under the head; and an old copy has the heads that it had.
    assert "as they were" in said and heads_hold(logs.copy.read_bytes()) == (deed in ("edit", "rollback"))
    assert logs.judge(logs.copy)[0] == ALONE.get(deed, "REFUTED")
    assert logs.judge(logs.copy, logs.peer(who))[0] == "REFUTED"


def lines_of(data, name):
    return re.findall(rb"(?m)^%s: (.*)$" % name, data)


def test_what_each_deed_does(logs):
    """Goal: the copy holds what she says, and nothing else has changed."""
    was = logs.kept["alice"]
    for deed, ids, texts in (
            ("edit", [0, 1, 2], [0, 1, "new\\nline"]), ("rewrite", [0, 1, 2], [0, 1, "new\\nline"]),
            ("antedate", [0, 1, 2], [0, 1, 2]), ("remove", [0, 1], [0, 1]), ("repeat", [0, 1, 2, 2], [0, 1, 2, 2]),
            ("swap", [0, 2, 1], [0, 2, 1]), ("rollback", [0], [0]),
            ("invent", [0, 1, 2, 3], [0, 1, 2, "new\\nline"]), ("forge-receipt", [0, 1, 2], [0, 1, 2])):
        logs.change(deed, "alice", number_for(deed), "--text", "new\nline")
        log = logs.copy.read_bytes()
        assert lines_of(log, b"Message ID") == [b"%d" % number for number in ids], deed
        assert lines_of(log, b"Message text") == [
            (MATRIX.TEXTS[text] if isinstance(text, int) else text).encode() for text in texts], deed
        assert (lines_of(log, b"Receipt") == lines_of(was, b"Receipt")) == (deed not in ("forge-receipt", "rollback"))
        assert (lines_of(log, b"Hash value")[:3] == lines_of(was, b"Hash value")) == (
            deed not in ("rewrite", "remove", "swap", "rollback")), deed
        times = lines_of(log, b"Message confirmed at")
        assert (times[:4] == lines_of(was, b"Message confirmed at")[:4]) == (deed not in ("swap", "rollback")), deed
        assert deed != "antedate" or times[4] == times[5] < times[0] and times[4][14:] == lines_of(
            was, b"Message confirmed at")[4][14:]
        assert lines_of(log, b"Messages in all") == {"rollback": [], "invent": [b"4"]}.get(deed, [b"3"])
    logs.change("invent", "bob", 2)
    assert lines_of(logs.copy.read_bytes(), b"Messages") == [b"0-0", b"1-1", b"2-3"]


def test_a_forged_receipt_needs_the_key(logs, tmp_path):
    """Goal: the tag is one that the session's key makes; without `Key:` there is nothing to forge with."""
    assert "which the log has kept" in logs.change("forge-receipt", "bob", 0)
    forged = lines_of(logs.copy.read_bytes(), b"Receipt")
    kept = lines_of(logs.kept["bob"], b"Receipt")
    assert forged[1:] == kept[1:]
    (key,) = lines_of(logs.kept["bob"], b"Key")
    block = next(block for block in logs.kept["bob"].split(b"\n\n") if block.startswith(b"Messages: 0-0\n"))
    tag = b"".join(hmac.digest(base64.urlsafe_b64decode(key)[:16], part + block, "sha256") for part in (b"1", b"2"))
    assert base64.b64decode(forged[0]) == base64.b64decode(kept[0])[:-64] + tag
    bare = tmp_path / "bare"
    bare.write_bytes(re.sub(rb"(?m)^Key: .*\n", b"", logs.kept["alice"]))
    run = logs.mallory("forge-receipt", bare, "--message", 0, "--to", tmp_path / "copy")
    assert run.returncode == 1 and "a line 'Key:' (alice --log-detail full)" in run.stderr
    assert not (tmp_path / "copy").exists()


def test_as_json(logs):
    """Goal: one object."""
    assert json.loads(logs.change("remove", "bob", 1, "--json", "--raw")) == {
        "event": "log", "deed": "remove", "id": 1, "heads": False}


def test_bad_input(logs, tmp_path):
    """Goal: each mistake is named, and nothing is written."""
    log, copy = logs.of["alice"], tmp_path / "copy"
    (tmp_path / "text").write_text("Dear Alice,\n")
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "torn").write_bytes(logs.kept["alice"][:-1])
    (tmp_path / "there").write_text("mine")
    (tmp_path / "withheld").write_bytes(re.sub(rb"(?m)^Message text: .*\n", b"", logs.kept["alice"]))
    (tmp_path / "odd").write_bytes(logs.kept["alice"].replace(b"Messages: 0-0", b"Messages: 0-" + b"9" * 99))
    no_log = "it is no log, or its end is missing."
    cases = [
        (1, ["edit", tmp_path / "none", 0, copy], "mallory: cannot read %s: " % (tmp_path / "none")),
        (1, ["edit", tmp_path, 0, copy], "Is a directory."),
        (1, ["edit", tmp_path / "text", 0, copy], no_log), (1, ["edit", tmp_path / "nothing", 0, copy], no_log),
        (1, ["edit", tmp_path / "torn", 0, copy], no_log),
        (1, ["edit", log, 3, copy], f"{log} has no message 3 for that: 'edit' wants this message, with its text."),
        (1, ["edit", tmp_path / "withheld", 0, copy], "'edit' wants this message, with its text."),
        (1, ["swap", log, 2, copy], "'swap' wants this message and the next."),
        (1, ["invent", log, 1, copy], "'invent' wants this message, as the last one, confirmed, with its text."),
        (1, ["invent", tmp_path / "withheld", 2, copy], "has no message 2 for that: 'invent' wants this message, as"),
        (1, ["antedate", tmp_path / "odd", 0, copy], "'antedate' wants this message, confirmed."),
        (1, ["edit", log, 0, tmp_path / "there"], f"cannot write {tmp_path / 'there'}: File exists."),
        (1, ["edit", log, 0, log], f"cannot write {log}: File exists."),
        (1, ["edit", log, 0, tmp_path / "no" / "copy"], "No such file or directory."),
        (2, ["edti", log, 0, copy], "there is no deed 'edti'. Did you mean edit? 'mallory log' tells all."),
        (2, ["steal-it-all", log, 0, copy], "there is no deed 'steal-it-all'. 'mallory log' tells all."),
        (2, ["edit", log, "one", copy], "--message is the number of a message, not 'one'."),
        (2, ["edit", log, "-1", copy], "--message is the number of a message, not '-1'."),
    ]
    for status, (deed, path, number, to), text in cases:
        run = logs.mallory(deed, path, "--message", number, "--to", to)
        assert run.returncode == status and run.stdout == "" and text in run.stderr, (deed, path, run)
        assert not copy.exists() and (tmp_path / "there").read_text() == "mine" and log.read_bytes() == logs.kept["alice"]
    for words in ["edit"], ["edit", log], ["edit", log, "--message", "0"], ["edit", log, "--to", copy], ["--raw"]:
        run = logs.mallory(*words)
        assert run.returncode == 2 and "log wants a deed, a log, --message N and --to COPY." in run.stderr, words
    run = logs.mallory("edit", log, "--message", 0, "--to", copy, "--now")
    assert run.returncode == 2 and "unrecognized option '--now'" in run.stderr and not copy.exists()
    run = logs.mallory("edit", log, "--message", 0, "--to", copy, "--text", "x" * 100000)
    assert run.returncode == 0 and heads_hold(copy.read_bytes())


def test_the_table(tmp_path):
    """Goal: what comes of the deeds is the table in docs/THREATS.md (tools/matrix writes it there), and the
    list of deeds is that of the manual page."""
    page = (ROOT / "docs" / "THREATS.md").read_text()
    table = MATRIX.with_the_file(BIN.parent)
    assert table is not None, "judge did not refute a changed log"
    assert table == MATRIX.marked(page, "log "), "docs/THREATS.md is not what a changed log achieves: run tools/matrix"
    manual = (ROOT / "man" / "mallory.1").read_text().split(".Sh THE FILE OF A LOG")[1].split(".Pp\nThe options")[0]
    named = re.findall(r"[a-z-]+", " ".join(re.findall(r"(?m)^\.It Cm (.*)", manual)))
    assert named == [deed for deed, _ in MATRIX.deeds(BIN.parent)]
