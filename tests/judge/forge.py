# SPDX-License-Identifier: Apache-2.0
"""Make evidence: honest logs of alice and bob, and what liars make of them.

Written from docs/EVIDENCE.md and docs/PROTOCOL.md, independent of the programs. A log is a list of
blocks, a block a list of [name, value], so that a test can edit any of it. `repair` then does what the
owner of the log can do to hide an edit: compute all heads anew, and sign anew what is his to sign.
"""
import base64
import copy
import datetime
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

EMPTY = hashlib.sha256().hexdigest()
ZONE = datetime.timezone(datetime.timedelta(hours=1))
BEGIN = datetime.datetime(2026, 11, 22, 21, 30, 6, 12230, ZONE)
NAMES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
STATEMENTS = {
    "opening": ("Session", "Opened", "Resumed", "Handshake", "Alice", "Bob", "Next ID", "Bob's head",
                "Alice's head"),
    "origin": ("Session", "Alice", "Bob", "Messages", "Digest", "Bob's head", "Alice's head"),
    "receipt": ("Session", "Alice", "Bob", "Messages", "Digest", "Message confirmed at", "Bob's head",
                "Head at receipt"),
    "end": ("Session", "Alice", "Bob", "Messages in all", "Bob's head", "Alice's head"),
    "ended": ("Session", "Alice", "Bob", "Messages in all", "Ended", "Bob's head", "Head at the end"),
}


def string(data):
    return len(data).to_bytes(4, "big") + data


class Key:
    """Someone's Ed25519 key; the same ${seed}, the same key."""

    def __init__(self, seed):
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        raw = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.blob = string(b"ssh-ed25519") + string(raw)
        self.line = "ssh-ed25519 " + base64.b64encode(self.blob).decode()

    def __deepcopy__(self, memo):
        return self

    def sign(self, text, namespace=b"avow"):
        """The SSHSIG of ${text} on one line."""
        parts = string(namespace) + string(b"") + string(b"sha512")
        raw = self.private.sign(b"SSHSIG" + parts + string(hashlib.sha512(text.encode()).digest()))
        blob = b"SSHSIG" + (1).to_bytes(4, "big") + string(self.blob) + parts + \
            string(string(b"ssh-ed25519") + string(raw))
        return base64.b64encode(blob).decode()


ALICE, BOB, MALLORY = Key("alice"), Key("bob"), Key("mallory")


def allowed_signers(**options):
    """The reader's list; options such as alice='valid-before="2027"' stand before a key."""
    return "".join(f"{who}@host {options.get(who, '')} {key.line}\n"
                   for who, key in (("alice", ALICE), ("bob", BOB)))


def when(moment):
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f %z")


def escape(text):
    """A text that is well-formed, and has nothing odd in it but control characters, as a log has it."""
    return "".join(NAMES.get(char) or (f"\\x{ord(char):02x}" if ord(char) < 32 else char) for char in text)


def statement(what, fields):
    lines = "".join(f"{name}: {fields[name]}\n" for name in STATEMENTS[what] if name in fields)
    return f"avow {what} 1\n{lines}"


def digest(messages):
    """The Digest of these message blocks."""
    return hashlib.sha256("".join(f"{name}: {value}\n" for block in messages for name, value in block
                                  if name in ("Message ID", "Hash value", "Timestamp")).encode()).hexdigest()


def get(block, name):
    return next((value for key, value in block if key == name), None)


def put(block, name, value):
    next(pair for pair in block if pair[0] == name)[1] = value


def text_of(blocks):
    return "\n".join("".join(f"{name}: {value}\n" for name, value in block) for block in blocks).encode()


def head_of(blocks, upto=None):
    """The head of these blocks, and then the lines of one more block before its line ${upto}."""
    sha = hashlib.sha256()
    for number, block in enumerate(blocks):
        sha.update(b"\n" if number else b"")
        for name, value in block:
            if upto and number == len(blocks) - 1 and name == upto:
                return sha.hexdigest()
            if name not in ("Message text", "Key"):
                sha.update(f"{name}: {value}\n".encode())
    return sha.hexdigest()


class Log:
    """One side's log, being written."""

    def __init__(self):
        self.blocks, self.head = [], EMPTY

    def add(self, *lines):
        self.blocks.append([list(line) for line in lines])
        return self.blocks[-1]

    def seal(self):
        self.add(("Head", ""))
        self.head = head_of(self.blocks, "Head")
        self.blocks[-1][0][1] = self.head

    def fill_head(self, name):
        """Compute the line ${name} of the last block."""
        put(self.blocks[-1], name, head_of(self.blocks, name))
        return get(self.blocks[-1], name)

    def bytes(self):
        return text_of(self.blocks)


class Session:
    """A session, step by step, as both programs write it. Steps can be left out or come late."""

    def __init__(self, name="session", alice=ALICE, bob=BOB, key_line=None, texts="Hey dude, number {}"):
        self.keys, self.key_line, self.texts = {"Alice": alice, "Bob": bob}, key_line, texts
        self.id = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.clock, self.alice, self.bob = BEGIN, Log(), Log()
        self.common = {"Session": self.id, "Alice": alice.line, "Bob": bob.line}
        self.messages, self.sent, self.stored, self.confirmed = [], 0, 0, 0
        self.flight, self.receipts, self.seen, self.signed_head = [], [], None, None
        self.connection, self.bob_signed = None, False
        self.bob.add(("To", "port"), ("Queued since", self.now()), ("Bob", bob.line + " bob@host"))

    def now(self, step_us=1700):
        self.clock += datetime.timedelta(microseconds=step_us)
        return when(self.clock)

    def sign(self, who, what, fields):
        return self.keys[who].sign(statement(what, {**fields, **self.common}))

    def submit(self, count):
        """Bob takes messages: one chunk."""
        for _ in range(count):
            text = self.texts.format(len(self.messages))
            self.messages.append(self.bob.add(
                ("Message ID", len(self.messages)), ("Hash value", hashlib.sha512(text.encode()).hexdigest()),
                ("Timestamp", self.now()), ("Message text", escape(text))))
        self.bob.seal()

    def connect(self, reaches_bob=True, port=38464):
        """A connection; Alice's answer may be lost, and then Bob never knows of it."""
        opens = not any(block[0][0] == "Connected" for block in self.alice.blocks)
        if self.bob.blocks[-1][0][0] != "Head":
            self.bob.seal()
        lines = [("Session", self.id), ("Opened" if opens else "Resumed", self.now(0 if opens else 90_000_000)),
                 ("Handshake", "tls X25519"), ("Alice", self.keys["Alice"].line + " alice@host"),
                 ("Bob", self.keys["Bob"].line + " bob@host"), ("Next ID", self.stored),
                 ("Bob's head", self.bob.head), ("Alice's head", self.alice.head)]
        lines.append(("Signed by Alice", self.sign("Alice", "opening", dict(lines))))
        secret = []
        if self.key_line:
            secret = [("Key", self.key_line),
                      ("Key hash", hashlib.sha256(base64.urlsafe_b64decode(self.key_line)).hexdigest())]
        self.alice.add(("Connected", f"('127.0.0.1', {port})"), *secret, *lines)
        self.alice.seal()
        self.connection, self.bob_signed, self.flight, self.receipts = dict(lines), False, [], []
        if reaches_bob:
            self.seen, self.sent = get(self.alice.blocks[-2], "Alice's head"), self.stored
            self.bob.add(("Connected", "('127.0.0.1', 1024)"), *secret, *lines)
            self.bob.add(("Signed by Bob", self.sign("Bob", "opening", self.connection)))
            self.bob.seal()
            self.receipts = [block for block in self.alice.blocks if block[0][0] == "Messages" and
                             int(block[0][1].split("-")[1]) >= self.confirmed]
            self.signed_head = self.connection["Bob's head"]

    def send(self, count):
        """Bob sends the next messages as one envelope."""
        ids = range(self.sent, self.sent + count)
        mine = [self.messages[one] for one in ids]
        origin = {"Messages": f"{ids[0]}-{ids[-1]}", "Digest": digest(mine), "Bob's head": self.bob.head,
                  "Alice's head": self.seen}
        origin["Origin signature"] = self.sign("Bob", "origin", origin)
        self.sent += count
        self.signed_head = self.bob.head
        self.flight.append((origin, mine))

    def deliver(self):
        """Alice stores all that is in flight: one chunk."""
        self.sign_in()
        for origin, mine in self.flight:
            time = self.now()
            for block in mine:
                self.alice.add(*block, ("Message confirmed at", time))
            block = self.alice.add(
                ("Messages", origin["Messages"]), ("Message confirmed at", time), ("Bob's head", origin["Bob's head"]),
                ("Alice's head", origin["Alice's head"]), ("Origin signature", origin["Origin signature"]),
                ("Head at receipt", ""), ("Receipt", ""))
            self.alice.fill_head("Head at receipt")
            put(block, "Receipt", self.sign("Alice", "receipt", {**dict(block), "Digest": origin["Digest"]}))
            self.receipts.append(block)
            self.stored += len(mine)
        self.flight = []
        self.alice.seal()

    def sign_in(self):
        """Bob's signature of the connection reaches Alice."""
        if not self.bob_signed:
            self.alice.add(("Signed by Bob", self.sign("Bob", "opening", self.connection)))
            self.bob_signed = True

    def confirm(self):
        """Alice's confirmations reach Bob: one chunk."""
        for block in self.receipts:
            self.bob.add(*block)
            self.confirmed = int(block[0][1].split("-")[1]) + 1
            if self.confirmed > int(self.connection["Next ID"]):  # those before it gave him an older head
                self.seen = get(block, "Head at receipt")
        if self.receipts:
            self.bob.seal()
        self.receipts = []

    def incident(self, log, sentence="Repeated token. Possible replay attack.", verdict="replayed", count=None):
        log.add(("Incident", sentence), ("Verdict", verdict), ("Seen at", self.now()),
                *([("Count", count)] if count else []))
        log.seal()

    def end(self, by="Bob", reaches_bob=True):
        """The session ends in order, by ${by}'s wish."""
        fields = {"Messages in all": self.stored, "Ended": self.now()}
        if by == "Bob":
            self.signed_head = self.bob.head
            fields.update({"Bob's head": self.bob.head, "Alice's head": self.seen})
            fields["Signed by Bob"] = self.sign("Bob", "end", fields)
            self.sign_in()
        else:
            fields["Bob's head"] = self.signed_head
        block = self.alice.add(*fields.items(), ("Head at the end", ""), ("Signed by Alice", ""))
        self.alice.fill_head("Head at the end")
        put(block, "Signed by Alice", self.sign("Alice", "ended", dict(block)))
        self.alice.seal()
        if reaches_bob:
            self.bob.add(*block)
            self.bob.seal()

    def pair(self):
        return self.alice.bytes(), self.bob.bytes()


def honest(groups=(1,) * 20, in_flight=1, resume_at=(), incidents_at=(), end="Bob", **more):
    """A whole session: an envelope for each of ${groups}, so many in flight at once; before the envelopes
    ${resume_at} the line is cut, and it resumes."""
    session = Session(**more)
    session.submit(groups[0])
    session.connect()
    number, known = 0, groups[0]
    while number < len(groups):
        batch = groups[number:number + in_flight]
        if sum(groups[:number + len(batch)]) > known:
            session.submit(sum(groups[:number + len(batch)]) - known)
            known = sum(groups[:number + len(batch)])
        if number in resume_at:
            session.connect(port=38470 + number)
        for count in batch:
            session.send(count)
        session.deliver()
        number += len(batch)
        if number in incidents_at:
            session.incident(session.alice)
            session.incident(session.bob, "Fake confirmation. Possible modification attack.", "modified", 3)
        if number not in resume_at:
            session.confirm()
        else:  # the confirmation is lost in the cut
            session.receipts = []
    if number in resume_at:
        session.connect()
        session.confirm()
    if end:
        session.end(end)
    return session


def parse(data):
    """A log as blocks, to be edited."""
    return [[line.split(": ", 1) for line in block.rstrip("\n").split("\n")]
            for block in data.decode().split("\n\n")]


def repair(blocks, who, key, heads=True, sign=True):
    """What the owner of a log can do after editing it: new heads, and new signatures by ${key}, who is
    ${who}. Lines that hold his own heads follow them, but not where the other one's signature covers
    them and could not be made again."""
    blocks, moved, done = copy.deepcopy(blocks), {}, []
    common, messages, connection = {}, {}, None
    for block in blocks:
        done.append(block)
        kind, fields = block[0][0], dict(map(tuple, block))
        if kind == "Connected":
            common = {name: fields[name] for name in ("Session",)}
            common.update({name: " ".join(fields[name].split()[:2]) for name in ("Alice", "Bob")})
            connection = block
        if kind == "Message ID":
            messages[int(fields["Message ID"])] = block
        if heads:
            for name in (f"{who}'s head", "Head at receipt", "Head at the end", "Head"):
                if name not in fields:
                    continue
                if name.startswith("Head") and (who == "Alice" or name == "Head"):
                    moved[fields[name]] = head_of(done, name)
                    put(block, name, moved[fields[name]])
                elif name == f"{who}'s head" and (who == "Bob" or kind == "Connected"):
                    put(block, name, moved.get(fields[name], fields[name]))
        if sign:
            sign_block(block, who, key, {**common}, messages, connection)
    return blocks


def sign_block(block, who, key, common, messages, connection):
    """Sign anew what ${who} signs in this block."""
    fields = {**dict(map(tuple, block)), **common}
    kind = block[0][0]
    if kind == "Messages":
        first, last = map(int, fields["Messages"].split("-"))
        fields["Digest"] = digest([messages[one] for one in range(first, last + 1) if one in messages])
    table = {("Connected", "Alice"): ("Signed by Alice", "opening"), ("Messages", "Bob"): ("Origin signature", "origin"),
             ("Messages", "Alice"): ("Receipt", "receipt"), ("Messages in all", "Bob"): ("Signed by Bob", "end"),
             ("Messages in all", "Alice"): ("Signed by Alice", "ended"), ("Signed by Bob", "Bob"): ("Signed by Bob", "opening")}
    name, what = table.get((kind, who), (None, None))
    if kind == "Signed by Bob" and connection:
        fields = {**dict(map(tuple, connection)), **common}
    if name and get(block, name) is not None:
        put(block, name, key.sign(statement(what, fields)))


SIGNERS = {"Signed by Alice": "Alice", "Receipt": "Alice", "Signed by Bob": "Bob", "Origin signature": "Bob"}


def signed_by_both(blocks, keeper, keep=()):
    """A log as both could have made it together: all heads, but for the lines ${keep}, and all signatures anew, line
    by line, since each hangs on those before it."""
    blocks, moved, done, keys = copy.deepcopy(blocks), {}, [], {"Alice": ALICE, "Bob": BOB}
    common, messages, connection = {}, {}, None
    for block in blocks:
        done.append(block)
        if block[0][0] == "Connected":
            connection = block
            common = {"Session": get(block, "Session"), "Alice": ALICE.line, "Bob": BOB.line}
        if block[0][0] == "Message ID":
            messages[len(messages)] = block
        for line in block:
            name, value = line
            if name in SIGNERS:
                sign_block(block, SIGNERS[name], keys[SIGNERS[name]], common, messages, connection)
            elif name in keep:
                continue
            elif name == "Head" or keeper == "Alice" and name.startswith("Head at "):
                line[1] = moved[value] = head_of(done, name)
            elif name == f"{keeper}'s head":
                line[1] = moved.get(value, value)
    return text_of(blocks)


def ends_with_head(data):
    """Whether a log, cut so, ends with a whole chunk."""
    return data.endswith(b"\n") and data.rstrip(b"\n").rpartition(b"\n")[2].startswith(b"Head: ") and \
        not data.endswith(b"\n\n")
