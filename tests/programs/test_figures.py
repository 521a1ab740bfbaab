# SPDX-License-Identifier: Apache-2.0
"""Goal: every figure of the original description that shows a screen or a log can be had here.

Each program is on a pseudo-terminal of its own, and whole lines are compared. What differs from the
figures is meant, and is said where it does: a hash is 128 hex digits and not Python's bytes; times
in the log carry their zone; alice shows the client's key; the log says more of the session. Figures
7 and 9 show code; what it prints is tested in tests/attack.
"""
import base64
import hashlib
import re
import stat

from avow_programs import (ADDRESS, CONFIRMED, FINGERPRINT, INTERRUPT, KEY_LINE, READY, TIME, Proxy,
                           same)

ALICE_OPENS = ["Server", "Waiting for a client..."]
BOB_OPENS = ["Client", "Waiting for server..."]
CONNECTED = [re.compile(f"Connected: {ADDRESS}"), re.compile(r"Logging messages in: \d{20}\.log")]
# Not in the original: whom alice talks to.
CLIENTS_KEY = re.compile(rf"Client's key: {FINGERPRINT} \(anyone is let in\)")
BOB_READY = [*BOB_OPENS, "Connected to server.", READY]
ZONED = TIME + r" [+-]\d{4}"
HEAD = ["", re.compile("Head: [0-9a-f]{64}")]
NAMED_HEAD, SIGNATURE = "{}: [0-9a-f]{{64}}", "{}: U1NIU0lH[A-Za-z0-9+/]{{224}}"


def proof(*lines):
    """Lines of a head or a signature, by name."""
    return [re.compile((NAMED_HEAD if "ead" in name else SIGNATURE).format(name)) for name in lines]


DOTS = "Waiting for receival confirmation from server"
RESENDING = "No confirmation received from the server. Resending message."
GERMAN_WINTER = {"TZ": "CET-1"}
# As Figure 12 has them.
TALK = ["Hey dude", "Wassup",
        "Bro, I really hope Prof. Hutchison gives us good marks for this assignment",
        "That would be grand.", "You don't talk much, huh?"]


def converse(place, texts, *alice_options, **more):
    """A whole conversation: alice and bob, both ended in order."""
    alice = place.alice(*alice_options, terminal=True, **more)
    bob = place.bob(terminal=True).see(READY)
    assert place.until(lambda: has_agreement(place), 10)
    for text in texts:
        bob.say(text)
    bob.type("quit")
    assert (bob.end(), alice.end()) == (0, 0)
    return alice, bob


def has_agreement(place):
    """Whether alice has recorded what bob signed first; a message that came along with it would be of that record."""
    log = max((place.work / "logs").glob("*.log")).read_text()  # the last one
    return "Handshake: plain" in log or len(re.findall("^Head: .*\n", log, re.M)) > 1


def log_of(texts, key=()):
    """The log that these messages leave."""
    lines = [CONNECTED[0], *key,
             # What follows up to the first message is not in the original: it is for the evidence.
             re.compile(r"Session: [0-9a-f]{32}"), re.compile(f"Opened: {ZONED}"),
             re.compile(r"Handshake: tls [A-Za-z0-9_-]+"), re.compile(rf"Alice: {KEY_LINE} alice@\S+"),
             re.compile(rf"Bob: {KEY_LINE}"), "Next ID: 0",
             *proof("Bob's head", "Alice's head", "Signed by Alice"), *HEAD,
             "", *proof("Signed by Bob"), *HEAD]
    for number, text in enumerate(texts):
        lines += ["", f"Message ID: {number}",
                  "Hash value: " + hashlib.sha512(text.encode()).hexdigest(),
                  re.compile(f"Timestamp: {ZONED}"), f"Message text: {text}",
                  re.compile(f"Message confirmed at: {ZONED}"),
                  # Nor is what follows: the envelope, what both signed of it, and the head of the log so far.
                  "", f"Messages: {number}-{number}", re.compile(f"Message confirmed at: {ZONED}"),
                  *proof("Bob's head", "Alice's head", "Origin signature", "Head at receipt", "Receipt"), *HEAD]
    return [*lines, "", f"Messages in all: {len(texts)}", re.compile(f"Ended: {ZONED}"),
            *proof("Bob's head", "Alice's head", "Signed by Bob", "Head at the end", "Signed by Alice"), *HEAD]


def test_figure_1_bob_waits_for_alice(place):
    """Goal: a bob who comes first says so, and goes on when alice comes."""
    bob = place.bob(terminal=True).see(re.escape(BOB_OPENS[1]))
    place.until(lambda: not bob.running(), 0.7)
    same(bob.text(), BOB_OPENS)
    place.alice(terminal=True)
    bob.see(READY)
    same(bob.text(), BOB_READY)


def test_figure_2_alice_waits_for_bob(place):
    """Goal: an alice who comes first says so."""
    alice = place.alice(terminal=True)
    place.until(lambda: not alice.running(), 0.3)
    assert alice.running()
    same(alice.text(), ALICE_OPENS)


def test_figures_1_and_2_at_the_very_first_start(new_place):
    """Goal: only the line that tells where the new identity is comes before the figures' lines."""
    place = new_place
    alice, bob = place.alice(terminal=True), place.bob(terminal=True).see(READY)
    alice.see("Client's key: ")
    for who, program, lines in (("alice", alice, [*ALICE_OPENS, *CONNECTED, CLIENTS_KEY]),
                                ("bob", bob, BOB_READY)):
        file = re.escape(str(place.config(who) / f"{who}_ed25519"))
        same(program.text(), [re.compile(rf"New identity: {file} \({FINGERPRINT}\)"), *lines])


def test_figure_3_the_port_file(place):
    """Goal: the file `port` holds the bare number of a port from 1024 on, which alice listens at."""
    alice = place.alice(terminal=True)
    content = (place.work / "port").read_text()
    assert re.fullmatch(r"[1-9]\d{3,4}\n", content) and 1024 <= int(content) <= 65535
    assert stat.S_IMODE((place.work / "port").stat().st_mode) == 0o644
    bob = place.bob(f"127.0.0.1:{content.strip()}", "--server-key", place.key("alice"), terminal=True)
    bob.see(READY).type("quit")
    assert (bob.end(), alice.end()) == (0, 0)
    assert not (place.work / "port").exists() and not (place.work / "alice.pub").exists()


def test_figure_4_bob_is_connected(place):
    """Goal: bob's screen once there is a session."""
    place.alice(terminal=True)
    same(place.bob(terminal=True).see(READY).text(), BOB_READY)


def test_figure_5_alice_is_connected(place):
    """Goal: alice's screen once there is a session, with the name of its log, which is there."""
    alice = place.alice(terminal=True)
    bob = place.bob(terminal=True).see(READY)
    alice.see("Client's key")
    same(alice.text(), [*ALICE_OPENS, *CONNECTED, CLIENTS_KEY])
    assert f"Logging messages in: {place.log().name}" in alice.lines()
    bob.type("quit")


def test_figure_6_the_key_in_the_log(place):
    """Goal: with --log-detail full, and only then, the log holds the session's Fernet key."""
    # The original has an empty line before the key here, and none in Figure 12; we follow Figure 12.
    converse(place, ["Hey dude"], "--log-detail", "full")
    full = place.log()
    key = re.compile(r"Key: [A-Za-z0-9_-]{43}=")
    (value,) = re.findall("^Key: (.*)", full.read_text(), re.M)
    # Nor is its hash in the original: the head has it, in the place of the key.
    key_hash = "Key hash: " + hashlib.sha256(base64.urlsafe_b64decode(value)).hexdigest()
    same(full.read_text(), log_of(["Hey dude"], key=[key, key_hash]))
    full.unlink()
    converse(place, ["Hey dude"])
    same(place.log().read_text(), log_of(["Hey dude"]))


def test_figure_8_the_hash_of_a_message(place):
    """Goal: id and SHA-512 hash stand in the log; the hash as sha512sum prints it."""
    converse(place, ["Hey dude"])
    lines = place.log().read_text().split("\n")
    at = lines.index("Message ID: 0")
    same(lines[at:at + 2], ["Message ID: 0",
                            "Hash value: " + hashlib.sha512(b"Hey dude").hexdigest()])


def test_figure_10_the_timestamp_of_a_message(place):
    """Goal: the time at which bob sent stands in both logs, to the microsecond, in his zone; hers are in
    hers."""
    converse(place, ["Hey dude"], env=GERMAN_WINTER)
    for folder in ("logs", "outbox"):
        text = place.log(folder).read_text()
        assert re.search(rf"^Timestamp: {TIME} \+0000$", text, re.M)
        assert re.search(rf"^Message confirmed at: {TIME} \+0100$", text, re.M)


def test_figure_11_no_confirmation_comes(place):
    """Goal: bob waits with moving dots on one line, and resends after ten seconds by default."""
    alice = place.alice(terminal=True)
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    bob = place.bob(f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice"), terminal=True)
    bob.see(READY)
    proxy.swallow = True
    bob.type("Hey")
    alice.see("^Hey$|\nHey$")
    seen = set()

    def resent():
        seen.update(line for line in bob.lines() if line.startswith(DOTS))
        return RESENDING in bob.lines()
    assert not place.until(resent, 9)
    assert seen == {DOTS + "..", DOTS + "...", DOTS + "...."}
    same(bob.text(), [*BOB_READY, "Hey", re.compile(re.escape(DOTS) + r"\.{2,4}")])
    assert place.until(resent, 3)
    bob.see(re.escape(DOTS), 2)
    same(bob.text(), [*BOB_READY, "Hey", re.compile(re.escape(DOTS) + r"\.{2,4}"), RESENDING,
                      re.compile(re.escape(DOTS) + r"\.{2,4}")])
    # Not in the original: alice tells that it came twice, and shows the message once.
    alice.see("confirmed again")
    assert alice.lines().count("Hey") == 1


def test_figure_11_again_and_again_until_confirmed(place):
    """Goal: the loop goes on until a confirmation comes; the message stands once in the log."""
    place.alice(terminal=True)
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    bob = place.bob(f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice"),
                    "--resend-after", "1.2", terminal=True).see(READY)
    proxy.swallow = True
    bob.type("Hey")
    bob.see(re.escape(RESENDING), 3)
    proxy.swallow = False
    bob.see(re.escape(CONFIRMED))
    waiting = re.compile(re.escape(DOTS) + r"\.{2,4}")
    same(bob.lines()[:11], [*BOB_READY, "Hey", *[waiting, RESENDING] * 3])
    assert bob.lines()[-1] == CONFIRMED
    bob.type("quit")
    assert bob.end() == 0
    assert place.log().read_text().count("Message text: Hey\n") == 1


def test_figure_11_until_the_connection_is_severed(place):
    """Goal: the loop stops when the connection is cut for good, and bob does not claim success."""
    alice = place.alice(terminal=True)
    proxy = Proxy(place.port())
    place.closers.append(proxy.close)
    bob = place.bob(f"127.0.0.1:{proxy.port}", "--server-key", place.key("alice"),
                    "--resend-after", "0.6", "--wait-for", "0.5", terminal=True).see(READY)
    proxy.swallow = True
    bob.type("Hey")
    bob.see(re.escape(RESENDING))
    proxy.close()
    assert bob.end() == 6
    assert "bob: 1 of 1 message is not confirmed. It waits in outbox/" in bob.text()
    assert bob.text().count(RESENDING) == 1
    alice.see(r"Waiting for a client\.\.\.", 2)  # she is there for the next one


def test_figure_12_the_log(place):
    """Goal: the log of the original conversation, line by line, each side's times in its zone."""
    converse(place, TALK, env=GERMAN_WINTER)
    text = place.log().read_text()
    same(text, log_of(TALK))
    assert set(re.findall(rf"Timestamp: {TIME} (.*)", text)) == {"+0000"}
    assert set(re.findall(rf"(?:confirmed at|Opened|Ended): {TIME} (.*)", text)) == {"+0100"}
    opened = re.search(f"Opened: ({TIME})", text).group(1)
    assert place.log().name == re.sub(r"\D", "", opened) + ".log"
    for times in (re.findall(rf"(?:confirmed at|Opened|Ended): ({TIME})", text),
                  re.findall(rf"Timestamp: ({TIME})", text)):
        assert times == sorted(times)


def test_figure_13_bob_sends(place):
    """Goal: bob's screen from start to quit."""
    texts = ["message one", "message two", "message three"]
    _, bob = converse(place, texts)
    same(bob.text(), [*BOB_READY, *[line for text in texts for line in (text, CONFIRMED)], "quit"])


def test_figure_14_alice_receives(place):
    """Goal: alice's screen from start to the client's quit: time and text of each message."""
    texts = ["message one", "message two", "message three"]
    alice, _ = converse(place, texts)
    # The original has an empty line after `Server` here, and none in Figures 2 and 5; we follow those.
    same(alice.text(), [*ALICE_OPENS, *CONNECTED, CLIENTS_KEY, "",
                        *[line for text in texts for line in (re.compile(TIME), text)]])


def test_figure_15_the_folder_of_logs(place):
    """Goal: each session has its log in ./logs, named after its time, for alice's eyes only."""
    for _ in range(3):
        converse(place, ["message one"])
    folder = place.work / "logs"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 3 and all(re.fullmatch(r"\d{20}\.log", name) for name in names)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_prompt_edits_lines_and_takes_utf_8(place):
    """Goal: at bob's prompt a line can be edited, an earlier one fetched, and umlauts typed."""
    place.alice(terminal=True)
    bob = place.bob(terminal=True).see(READY)
    bob.say("grüße, ☃ und 😀")
    bob.say("helo\x1b[Dl")              # cursor left, one letter in
    bob.say("\x1b[A")                   # up: the last one again
    bob.say("wrong\x15right")           # kill the line
    bob.type("quit")
    assert bob.end() == 0
    texts = re.findall("^Message text: (.*)", place.log().read_text(), re.M)
    assert texts == ["grüße, ☃ und 😀", "hello", "hello", "right"]


def test_utf_8_without_a_locale(place):
    """Goal: UTF-8 can be typed where no locale is set."""
    alice = place.alice()
    bob = place.bob(terminal=True, env={"LC_ALL": "C"}).see(READY)
    bob.say("grüße, ☃")
    bob.type("quit")
    assert (bob.end(), alice.end(), alice.out()) == (0, 0, "grüße, ☃\n".encode())


def test_a_paste_of_many_lines(place):
    """Goal: each line of a paste is a message, in order, and typing ahead loses nothing."""
    alice = place.alice()
    bob = place.bob(terminal=True).see(READY)
    place.until(bob.edits_lines, 5)
    texts = [f"line {number}" for number in range(40)]
    bob.keys("".join(f"{text}\r" for text in [*texts, "quit"]))
    assert (bob.end(), alice.end()) == (0, 0)
    assert alice.out().decode().split("\n")[:-1] == texts
    assert bob.lines()[4:] == [*[line for text in texts for line in (text, CONFIRMED)], "quit"]


def test_the_terminal_is_as_before(place):
    """Goal: bob leaves the terminal as he found it, however he ends."""
    import termios
    for stop in ("quit", "ctrl-c", "alice ends"):
        alice = place.alice(terminal=True)
        bob = place.bob(terminal=True)
        before = termios.tcgetattr(bob.fd)
        bob.see(READY)
        place.until(bob.edits_lines, 5)
        if stop == "quit":
            bob.type("quit")
        elif stop == "ctrl-c":
            bob.keys("\x03")
        else:
            alice.signal(INTERRUPT)
        keep = bob.fd
        place.until(lambda: not bob.running(), 10)
        after = termios.tcgetattr(keep) if bob.fd is not None else None
        assert after is None or after == before, stop
