# SPDX-License-Identifier: Apache-2.0
"""Put logs before both verifiers: judge, and tools/verify_evidence, which was written from the pages."""
import hashlib
import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import tempfile

import forge

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AVOW_BUILD", ROOT / "build")).resolve()
WORDS = {0: "PROVEN", 1: "REFUTED", 2: "usage", 3: "UNDECIDED"}
STATUS = {word: status for status, word in WORDS.items()}
FULL = os.environ.get("AVOW_FULL") == "1"


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "tools" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


SECOND = load("verify_evidence")
LISTS = tempfile.TemporaryDirectory()


class Court:
    """A folder with one reader's list of keys. Logs are bytes."""

    def __init__(self, folder, keys=None):
        self.folder, keys = folder, keys or forge.allowed_signers()
        # The same list is the same file, so that the second verifier need not check a signature twice.
        self.keys = pathlib.Path(LISTS.name, hashlib.sha256(keys.encode()).hexdigest())
        self.keys.write_text(keys)

    def file(self, alice=None, bob=None, other=None):
        """The paths of these logs; ${other} is one more, of either."""
        paths = []
        for name, data in (("alice.log", alice), ("bob.log", bob), ("other.log", other)):
            if data is not None:
                (self.folder / name).write_bytes(data)
                paths.append(self.folder / name)
        return paths

    def judge(self, *question, **logs):
        """judge QUESTION... LOG... --keys: the word of its answer, and the sentence."""
        run = subprocess.run([BUILD / "bin" / "judge", *map(str, question), *self.file(**logs),
                              "--keys", self.keys], capture_output=True, text=True, timeout=60)
        word = WORDS[run.returncode]
        first = run.stdout.split("\n")[0]
        assert word == "usage" or first.startswith(word + ": "), (word, run.stdout, run.stderr)
        return word, first.partition(": ")[2]

    def second(self, alice=None, bob=None, other=None):
        """What the second verifier says of them, in this process, so that it need not ask ssh-keygen the
        same thing twice."""
        logs = {"alice.log": alice, "bob.log": bob, "other.log": other}
        logs = {name: data for name, data in logs.items() if data is not None}
        return SECOND.rule(list(logs), list(logs.values()), str(self.keys))

    def verify(self, alice=None, bob=None, other=None, both=True):
        """The word of judge, after seeing that the second verifier has the same."""
        word, why = self.judge("verify", alice=alice, bob=bob, other=other)
        if both:
            second = self.second(alice, bob, other)
            assert second[0] == word, f"judge: {word}: {why}; verify_evidence: {second}"
        return word

    def views(self, alice, bob, both=True):
        """What each log shows alone, and the two together."""
        return tuple(self.verify(*logs, both=both) for logs in ((alice, None), (None, bob), (alice, bob)))
