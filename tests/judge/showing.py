# SPDX-License-Identifier: Apache-2.0
"""What the tests of export, receipt, redact and stamp share: judge as a process, logs to show."""
import os
import pathlib
import subprocess

import pytest

import forge

ROOT = pathlib.Path(__file__).resolve().parents[2]
JUDGE = pathlib.Path(os.environ.get("AVOW_BUILD", ROOT / "build")).resolve() / "bin" / "judge"
PROVEN, REFUTED, USAGE, UNDECIDED = 0, 1, 2, 3


class Room:
    """A folder with alice.log and bob.log of one session, and the reader's keys."""

    def __init__(self, folder, session, keys=None):
        self.folder, self.session = folder, session
        for name, log in zip(("alice.log", "bob.log"), session.pair()):
            (folder / name).write_bytes(log)
        (folder / "keys").write_text(keys or forge.allowed_signers())

    def judge(self, *args, **more):
        return subprocess.run([JUDGE, *map(str, args)], cwd=self.folder, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, **more)

    def good(self, *args, **more):
        done = self.judge(*args, **more)
        assert done.returncode == PROVEN, done.stderr
        return done.stdout

    def refused(self, code, words, *args, **more):
        """It ends with ${code}, says ${words}, and gives nothing on stdout."""
        done = self.judge(*args, **more)
        assert (done.returncode, done.stdout) == (code, ""), done
        assert words in done.stderr, done.stderr
        return done.stderr


@pytest.fixture
def room(tmp_path):
    """Seven messages in four envelopes, and a line that was cut in between."""
    return Room(tmp_path, forge.honest(groups=(1, 3, 2, 1), resume_at=(2,), incidents_at=(0,)))


def commands(readme):
    """The commands that a README gives."""
    return [line[6:] for line in readme.read_text().splitlines() if line.startswith("    $ ")]


def run_readme(folder):
    """Run them all, in one shell; the outputs of those that failed or printed nothing."""
    failed, exports = [], ""
    for command in commands(folder / "README"):
        if command.startswith("export "):
            exports = command.split(";")[0] + "; "
        done = subprocess.run(["bash", "-c", exports + command], cwd=folder, capture_output=True, text=True,
                              timeout=20, stdin=subprocess.DEVNULL)
        if done.returncode != 0 or not done.stdout:
            failed.append(f"{command}\n{done.stdout}{done.stderr}")
    return failed
