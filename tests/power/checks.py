# SPDX-License-Identifier: Apache-2.0
"""What must hold after the power has gone: at once, and once alice and bob have gone on."""
import collections
import json
import signal

from speakers import AFTERWARDS, COUNTS, logs_in, say, texts_of


class Story:
    """Who had been promised what at each place of a recording.

    ${events} are tuples; ("said", who, bytes) are the programs' words, and those of "marks" are ours.
    """

    def __init__(self, events):
        self.confirmed, self.shown, self.conversations = [], [], []
        self.words = {"alice": b"", "bob": b"", "marks": b""}
        conversation = None
        for place, event in enumerate(events):
            if event[0] != "said":
                continue
            who = event[1]
            *lines, self.words[who] = (self.words[who] + event[2]).split(b"\n")
            for line in lines:
                if who == "alice":
                    self.shown.append((place, line.decode()))
                    continue
                fact = json.loads(line)
                if "start" in fact:
                    self.words[fact["start"]] = b""  # one that was killed may have left half a line
                elif "conversation" in fact:
                    conversation = fact["conversation"]
                    self.conversations.append((place, conversation))
                elif fact["event"] == "confirmed":
                    self.confirmed.append((place, texts_of(conversation)[fact["id"]]))

    def promised(self, place):
        """The messages that by then were confirmed to bob, or shown by alice."""
        return {text for at, text in [*self.confirmed, *self.shown] if at <= place}

    def conversation(self, place):
        return max((number for at, number in self.conversations if at <= place), default=AFTERWARDS)


ALL = {text for conversation in range(len(COUNTS)) for text in texts_of(conversation)}


def faults_of_texts(logs, whose):
    """Each message at most once, as it was written, and in order."""
    count = collections.Counter(text for log in logs for text in log.texts)
    faults = [f"{whose} has {times} times: {text[:20]}" for text, times in count.items() if times > 1]
    faults += [f"{whose} has what nobody wrote: {text[:20]}" for text in count if text not in ALL]
    faults += [f"{whose} has them out of order: {log.path.name}" for log in logs if not log.in_order]
    return set(count), faults


def after_the_cut(promised, logs, outbox):
    """What is wrong with the two folders before anybody goes on."""
    texts, faults = faults_of_texts(logs_in(logs), "alice")
    sent, faults_of_bob = faults_of_texts(logs_in(outbox), "bob")
    faults += faults_of_bob
    faults += [f"lost: {text[:20]}" for text in sorted(promised - texts)]
    faults += [f"alice has what bob has not: {text[:20]}" for text in sorted(texts - sent)]
    return faults


def go_on(stage, conversation):
    """A new alice and a new bob take what is there and end it; what is wrong then."""
    open_logs = [log for log in logs_in(stage.folders["bob"]) if log.text and not log.ended]
    if len(open_logs) > 1:
        return [f"bob has {len(open_logs)} sessions open"]
    held = open_logs[0].texts if open_logs else []
    known = {log.texts[0]: log for log in logs_in(stage.folders["bob"]) if log.texts}
    if held:
        conversation = int(held[0][1])
    elif texts_of(conversation)[0] in known:
        conversation = AFTERWARDS
    try:
        alice = stage.alice()
        bob = stage.bob()
        say(bob, texts_of(conversation)[len(held):])
        bob.stdin.close()
        stage.end(bob)
        alice.send_signal(signal.SIGTERM)
        stage.end(alice)
    except (AssertionError, OSError) as error:
        return [f"they do not go on: {error}"]
    finally:
        stage.close()
    texts, faults = faults_of_texts(logs_in(stage.folders["alice"]), "alice, at the end,")
    sent, _ = faults_of_texts(logs_in(stage.folders["bob"]), "bob")
    wanted = sent | set(texts_of(conversation))
    faults += [f"at the end alice lacks: {text[:20]}" for text in sorted(wanted - texts)]
    faults += [f"bob's session is not ended: {log.path.name}"
               for log in logs_in(stage.folders["bob"]) if log.text and not log.ended]
    return faults
