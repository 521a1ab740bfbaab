# SPDX-License-Identifier: Apache-2.0
"""Goal: under everything that mallory can do without a key, all at once, and with both sides killed now
and then, each message arrives once, in order, and judge finds both logs proven. 20 seconds; with
AVOW_FULL=1, ten minutes."""
import os
import random
import signal
import subprocess
import threading
import time

from avow_programs import BIN, TERMINATE, taken
from test_delivery import arrived_once, kill, lines

CHAOS_S = 600 if os.environ.get("AVOW_FULL") else 20
HEAL_S = 120
PACE_S, PART = 0.02, 4
TEXTS = [f"line {number} {'x' * (number * 11 % 90)}" for number in range(int(CHAOS_S / PACE_S * PART))]


class Drip:
    """Gives a bob what he has not taken yet, at a steady pace; his input ends when all is given."""

    def __init__(self, bob, texts):
        self.bob, self.texts = bob, texts
        threading.Thread(target=self.feed, daemon=True).start()

    def feed(self):
        try:
            for at in range(0, len(self.texts), PART):
                self.bob.write(lines(self.texts[at:at + PART]))
                time.sleep(PACE_S)
            self.bob.process.stdin.close()
        except (OSError, ValueError):
            pass  # he is dead


def start_bob(place):
    bob = place.bob("--port-file", "m/port", "--resend-after", "1", stdin=subprocess.PIPE)
    Drip(bob, TEXTS[taken(place):])
    return bob


def logs_of_the_session(place):
    """Alice's log and Bob's, of the one session that has messages, once it has a receipt."""
    logs = [path for folder in ("logs", "outbox") for path in (place.work / folder).glob("*.log")
            if b"\nReceipt: " in path.read_bytes()]
    return logs if len(logs) == 2 else None


def judged(place, *question):
    """The word of judge, who trusts neither and knows the public keys that lay about."""
    signers = place.root / "signers"
    public = place.config("bob") / "bob_ed25519.pub"
    signers.write_text("".join(f"{who} {' '.join(line.split()[:2])}\n" for who, line in
                               (("alice", place.alice_pub), ("bob", public.read_text()))))
    run = subprocess.run([BIN / "judge", *question, "--keys", signers, "--alice", "alice", "--bob", "bob"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    word = run.stdout.split(":")[0]
    assert {"PROVEN": 0, "REFUTED": 1, "UNDECIDED": 3}[word] == run.returncode
    print(run.stdout.split("\n")[0])
    return word


def kill_some(place, chance, alice, bob):
    """Kill one or both; how many it were. When both are dead, their logs stand still: what they had
    signed by then must never look like a lie."""
    victims = chance.choice([[alice], [bob], [alice, bob]])
    count = sum(victim.running() for victim in victims)
    for victim in victims:
        kill(victim)
    if not alice.running() and not bob.running() and logs_of_the_session(place):
        assert judged(place, "verify", *logs_of_the_session(place)) != "REFUTED"
    return count


def test_chaos(place):
    """Goal: see above. Each run has another seed; a failure shows it, and AVOW_SEED takes it again."""
    seed = int(os.environ.get("AVOW_SEED") or random.randrange(1, 10 ** 6))
    print(f"AVOW_SEED={seed}")
    signal.alarm(CHAOS_S + HEAL_S + 60)
    chance = random.Random(seed)
    alice = place.alice()
    place.alice_pub = (place.work / "alice.pub").read_text()
    mallory = place.start("mallory", "--json", "--chaos", f"{seed},rate=8,type=any,during={CHAOS_S}",
                          "--lay", "m/port", env={"HOME": str(place.root)})
    mallory.see("On the line")
    bob = start_bob(place)
    end, kills = time.monotonic() + CHAOS_S, 0
    while time.monotonic() < end:
        place.until(lambda: not bob.running() or not alice.running(), chance.uniform(0.5, 4))
        if not kills or chance.random() < 0.5:
            kills += kill_some(place, chance, alice, bob)
        if not bob.running() and bob.process.returncode != 0:
            bob = start_bob(place)
        if not alice.running() and bob.running():
            alice = place.alice()
    acts = [line for line in mallory.out().splitlines() if b'"attack":"chaos"' in line]
    deadline = time.monotonic() + HEAL_S
    while not (bob.process.poll() == 0) and time.monotonic() < deadline:
        if not bob.running() and bob.process.returncode != 0:
            bob = start_bob(place)
        if not alice.running() and bob.running():
            alice = place.alice()
        place.until(lambda: not bob.running(), 0.2)
    assert bob.end(1) == 0, bob.text()[-3000:]
    place.until(lambda: not alice.running(), 2)
    if alice.running():  # she came after all was over
        alice.signal(TERMINATE)
        alice.end()
    mallory.signal(TERMINATE)
    assert mallory.end() == 0, mallory.text()
    arrived_once(place, TEXTS)
    hers, his = logs_of_the_session(place)
    for question in ("verify", hers, his), ("same", his, hers), ("complete", hers, his), ("verify", hers), ("verify", his):
        assert judged(place, *question) == "PROVEN", question
    print(f"{len(TEXTS)} messages, {len(acts)} acts, {kills} kills")
    kinds = {line.split(b'"act":"')[1].split(b'"')[0] for line in acts}
    assert kills >= 1 and len(acts) > CHAOS_S / 4 and len(kinds) >= 4, (kills, len(acts), kinds)
