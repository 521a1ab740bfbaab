# SPDX-License-Identifier: Apache-2.0
"""Keys change, and evidence stays: a key counts at the time that the evidence bears, not now."""
import datetime
import re
import subprocess
import time

import pytest

from avow_programs import BIN, FINGERPRINT

PROVEN, UNDECIDED = 0, 3


def moment(seconds):
    """A time since 1970 as allowed_signers has it, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y%m%d%H%M%SZ")


def public(identity):
    return " ".join(open(f"{identity}.pub").read().split()[:2])


class Rotation:
    """Bob has a key, and another one that is to follow it. The list knows both."""

    def __init__(self, place):
        self.place, self.old = place, place.config("bob") / "bob_ed25519"
        self.new = place.root / "new_ed25519"
        subprocess.run([BIN / "bob", "keygen", "--identity", self.new], check=True, capture_output=True, timeout=20)
        self.list = place.config("alice") / "allowed_signers"
        self.lists("", "")

    def rotate(self):
        """The old key ends now, and the new one begins; both ends belong to their time, so wait for the next second."""
        now = int(time.time())
        self.lists(f'valid-before="{moment(now)}"', f'valid-after="{moment(now)}"')
        self.place.until(lambda: time.time() >= now + 1.1, 5)

    def lists(self, old, new):
        """The reader's list, which is Alice's list, too: the options before both keys."""
        self.list.write_text(f"alice@host {self.place.key('alice')}\nbob@host {old} {public(self.old)}\n"
                             f"bob@host {new} {public(self.new)}\n")

    def talk(self, identity, name):
        """A session with that key; how bob ended, what he said, and alice."""
        alice = self.place.alice("--logs", f"logs-{name}")
        bob = self.place.send(b"one\ntwo\n", "--identity", identity, "--outbox", f"outbox-{name}")
        code = bob.end()
        if code == 0:
            alice.end()
        return code, bob.text(), alice

    def judge(self, name, command="verify", *more):
        logs = [self.place.log(f"{folder}-{name}") for folder in ("logs", "outbox")]
        logs = logs[:1] if command in ("export", "receipt") else logs
        return self.place.run("judge", command, *logs, *more, "--keys", self.list)


@pytest.fixture
def rotation(place):
    return Rotation(place)


def test_old_evidence_holds_after_the_key_has_changed(rotation):
    """Goal: what was signed while the key was valid is proven when it is over, and what the next key signs, too."""
    assert rotation.talk(rotation.old, "a")[0] == 0
    rotation.place.until(lambda: False, 1.1)  # not within the second in which the key ends
    rotation.rotate()
    assert rotation.talk(rotation.new, "b")[0] == 0
    for name, line in (("a", 2), ("b", 3)):
        code, told, _ = rotation.judge(name)
        assert code == PROVEN and re.search(rf"^Bob: bob@host, {FINGERPRINT} \(line {line} ", told, re.M), told
    assert rotation.judge("a", "export", "--message", "1", "out")[0] == PROVEN
    out = rotation.place.work / "out"
    commands = [line[6:] for line in (out / "README").read_text().splitlines() if line.startswith("    $ ")]
    assert commands[0].startswith("export TZ=UTC")
    for command in commands:
        subprocess.run(["bash", "-ec", f"{commands[0]} >&2; {command}"], cwd=out, check=True, capture_output=True,
                       timeout=20, env={**rotation.place.env("bob"), "TZ": "Asia/Tokyo"})


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_key_outside_of_its_time_is_refused(rotation, which):
    """Goal: alice does not let in a key that is over, nor one that has not begun; both say why; nothing is stored."""
    if which == "old":
        rotation.rotate()
    else:
        rotation.lists("", f'valid-after="{moment(time.time() + 3600)}"')
    code, said, alice = rotation.talk(getattr(rotation, which), "a")
    assert code == 4 and "bob: the server does not let our key in." in said
    alice.see("is not valid now")
    assert not list((rotation.place.work / "logs-a").iterdir())


def test_evidence_by_a_key_outside_of_its_time_proves_nothing(rotation):
    """Goal: an Alice who let in a key that was over gets no ruling from it; the ruling names the key."""
    rotation.rotate()
    allowed = rotation.list.read_text()
    rotation.lists("", "")  # she lets in any key of his
    assert rotation.talk(rotation.old, "a")[0] == 0
    assert rotation.judge("a")[0] == PROVEN
    rotation.list.write_text(allowed)
    name = subprocess.run(["ssh-keygen", "-l", "-f", f"{rotation.old}.pub"], capture_output=True, text=True, check=True,
                          timeout=20).stdout.split()[1]
    code, told, _ = rotation.judge("a")
    assert code == UNDECIDED and name in told and "valid" in told, told
    for command, more in (("export", ["out"]), ("receipt", [])):
        code, told, said = rotation.judge("a", command, "--message", "0", *more)
        assert code == UNDECIDED and told == "" and name in said and "was not valid at" in said, said
    assert not (rotation.place.work / "out").exists()


def test_the_moment_at_which_a_key_ends(rotation):
    """Goal: a second decides: what was confirmed before the key was revoked is proven, what came later is not."""
    assert rotation.talk(rotation.old, "a")[0] == 0
    confirmed = re.search("Message confirmed at: (.*)", rotation.place.log("logs-a").read_text()).group(1)
    at = datetime.datetime.strptime(confirmed, "%Y-%m-%d %H:%M:%S.%f %z").timestamp()
    for seconds, code in ((0, PROVEN), (-2, UNDECIDED)):
        rotation.lists(f'valid-before="{moment(at + seconds)}"', "")
        told = rotation.judge("a", "receipt", "--message", "0")
        assert told[0] == code, (seconds, told)
