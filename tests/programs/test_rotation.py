# SPDX-License-Identifier: Apache-2.0
"""Keys change, and evidence stays: a key counts at the time that the evidence bears, not now."""
import datetime
import re
import subprocess

import pytest

from avow_programs import BIN, FINGERPRINT, faketime

DAY = 86400
LATER = faketime(f"+{2 * DAY}")  # two days on
PROVEN, UNDECIDED = 0, 3


def day(offset):
    """A day as allowed_signers has it, at its beginning, in UTC."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)).strftime("%Y%m%dZ")


def public(identity):
    return " ".join(open(f"{identity}.pub").read().split()[:2])


class Rotation:
    """Bob had one key until tomorrow, and has another one from tomorrow on. The list knows both."""

    def __init__(self, place):
        self.place, self.old = place, place.config("bob") / "bob_ed25519"
        self.new = place.root / "new_ed25519"
        subprocess.run([BIN / "bob", "keygen", "--identity", self.new], check=True, capture_output=True, timeout=20)
        self.list = place.config("alice") / "allowed_signers"
        self.lists(f'valid-before="{day(1)}"', f'valid-after="{day(1)}"')

    def lists(self, old, new):
        """The reader's list, which is Alice's list, too: the options before both keys."""
        self.list.write_text(f"alice@host {self.place.key('alice')}\nbob@host {old} {public(self.old)}\n"
                             f"bob@host {new} {public(self.new)}\n")

    def talk(self, identity, name, env=None, **more):
        """A session with that key; how bob ended, and what alice's screen said."""
        alice = self.place.alice("--logs", f"logs-{name}", env=env, **more)
        bob = self.place.send(b"one\ntwo\n", "--identity", identity, "--outbox", f"outbox-{name}", env=env)
        code = bob.end()
        if code == 0:
            alice.end()
        return code, bob.text(), alice

    def judge(self, name, command="verify", env=None, *more):
        logs = [self.place.log(f"{folder}-{name}") for folder in ("logs", "outbox")]
        logs = logs[:1] if command in ("export", "receipt") else logs
        return self.place.run("judge", command, *logs, *more, "--keys", self.list, env=env)


@pytest.fixture
def rotation(place):
    return Rotation(place)


def test_old_evidence_holds_after_the_key_has_changed(rotation):
    """Goal: what was signed while the key was valid is proven, today and when the key is long gone."""
    assert rotation.talk(rotation.old, "a")[0] == 0
    for env in (None, LATER):
        code, told, _ = rotation.judge("a", env=env)
        assert code == PROVEN and re.search(rf"^Bob: bob@host, {FINGERPRINT} \(line 2 ", told, re.M), told
    assert rotation.talk(rotation.new, "b", env=LATER)[0] == 0
    code, told, _ = rotation.judge("b", env=LATER)
    assert code == PROVEN and re.search(rf"^Bob: bob@host, {FINGERPRINT} \(line 3 ", told, re.M), told
    code, told, _ = rotation.judge("a", "export", None, "--message", "1", "out")
    assert code == PROVEN
    for line in (rotation.place.work / "out" / "README").read_text().splitlines():
        if line.startswith("    $ "):
            subprocess.run(["bash", "-ec", "export TZ=UTC; " + line[6:]], cwd=rotation.place.work / "out", check=True,
                           capture_output=True, timeout=20, env={**rotation.place.env("bob"), **LATER})


@pytest.mark.parametrize("which, env, why", [("old", LATER, "after its time"), ("new", None, "before its time")])
def test_a_key_outside_of_its_time_is_refused(rotation, which, env, why):
    """Goal: alice does not let it in, both say why, and no message is stored."""
    code, said, alice = rotation.talk(getattr(rotation, which), "a", env=env)
    assert code == 4 and "bob: the server does not let our key in." in said, why
    alice.see("is not valid now")
    assert not list((rotation.place.work / "logs-a").iterdir())


def test_evidence_by_a_key_outside_of_its_time_proves_nothing(rotation):
    """Goal: an Alice who let in a key that was over gets no ruling from it; the ruling names the key."""
    allowed = rotation.list.read_text()
    rotation.lists("", "")  # she lets anybody in
    assert rotation.talk(rotation.old, "a", env=LATER)[0] == 0
    code, _, _ = rotation.judge("a", env=LATER)
    assert code == PROVEN
    rotation.list.write_text(allowed)
    name = subprocess.run(["ssh-keygen", "-l", "-f", f"{rotation.old}.pub"], capture_output=True, text=True, check=True,
                          timeout=20).stdout.split()[1]
    for env in (LATER, None):
        code, told, _ = rotation.judge("a", env=env)
        assert code == UNDECIDED and name in told and "valid" in told, told
    for command in ("export", "receipt"):
        code, told, said = rotation.judge("a", command, None, "--message", "0", *(["out"] if command == "export" else []))
        assert code == UNDECIDED and told == "" and name in said and "was not valid at" in said, said


def test_the_moment_at_which_a_key_ends(rotation):
    """Goal: a second decides: what was confirmed before the key was revoked is proven, what came later is not."""
    assert rotation.talk(rotation.old, "a")[0] == 0
    confirmed = re.search("Message confirmed at: (.*)", rotation.place.log("logs-a").read_text()).group(1)
    at = datetime.datetime.strptime(confirmed, "%Y-%m-%d %H:%M:%S.%f %z").astimezone(datetime.timezone.utc)
    for seconds, code in ((0, PROVEN), (-2, UNDECIDED)):
        moment = (at + datetime.timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%SZ")
        rotation.lists(f'valid-before="{moment}"', "")
        told = rotation.judge("a", "receipt", None, "--message", "0")
        assert told[0] == code, (seconds, told)
