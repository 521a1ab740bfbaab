# SPDX-License-Identifier: Apache-2.0
"""Power cuts of the strictest file system: it keeps a file's data only after fdatasync of the file,
and a name only after fsync of its folder.

No file system of Linux forgets that much: ext4 keeps a new file's name when the file is synced. So
what a missing sync of a folder does shows only here. The system calls of alice and bob are recorded
by strace, with their times, and played back. This needs no devices, but root: the programs let nobody
else look into them.
"""
import pathlib
import random
import re
import shutil
import time

from checks import Story, after_the_cut, go_on
from speakers import Play, Stage

CALLS = "openat,mkdir,mkdirat,write,writev,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat"
LINE = re.compile(r"^(\d+\.\d+) (\w+)\((.*)\) += (\d+)(?:<([^>]*)>)?(?: \(\w+\))? *<(\d+\.\d+)>$")
DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
SECTOR = 512
SLOW = "fdatasync:delay_enter=1500"  # a disk as slow as a real one


class Torn(Exception):
    """A kill -9 came within a call: it was made, and strace could not tell so."""


def plain(text):
    return bytes.fromhex(text.replace("\\x", ""))


def path_of(text):
    return plain(text).decode() if text.startswith("\\x") else text


def calls_in(traces):
    """(time, order, name, path, bytes, (arguments, result), seconds) of every call that did something."""
    for path in traces:
        for number, line in enumerate(path.read_text().splitlines()):
            match = LINE.match(line)
            if match is None or "INJECTED" in line[-60:]:  # a fault says that it did it
                continue
            at, name, arguments, result, made, took = match.groups()
            descriptor, text = DESCRIPTOR.match(arguments), TEXT.search(arguments)
            where = made or (descriptor.group(1) if descriptor else "")
            data = plain(text.group(1)) if text else b""
            if name == "mkdir":
                where = data.decode()
            yield float(at), number, name, path_of(where), data, (arguments, int(result)), float(took)


class Names:
    """The recording of a play; see Blocks."""

    def __init__(self, folder, bin_folder, home, faults):
        self.folder, self.bin, self.home, self.starts = folder, bin_folder, home, 0
        self.faults, self.marks = faults, []

    def wrap(self, who):
        self.starts += 1
        inject = [f"inject={fault}" for fault in (SLOW, self.faults.get(who)) if fault]
        return ["strace", "-D", "-ff", "-qq", "-ttt", "-T", "-y", "-xx", "-s", "100000000",
                "-o", self.folder / f"trace-{self.starts}", "-e", f"trace={CALLS}",
                *[word for one in inject for word in ("-e", one)]]

    def record(self, seed):
        work = self.folder / "work"
        work.mkdir()
        self.logs, self.outbox = self.folder / "alice" / "logs", self.folder / "bob" / "outbox"
        for folder in (self.logs, self.outbox):
            folder.parent.mkdir()
        self.voices = {who: work / f"{who}.out" for who in ("alice", "bob")}
        mark = lambda text: self.marks.append((time.time(), 0, "mark", "", text.encode() + b"\n", (), 0))
        stage = Stage(self.bin, work, self.home, self.logs, self.outbox, self.voices, self.wrap, mark)
        try:
            Play(stage).all()
        finally:
            stage.close()
        self.events = self.read_events()
        self.story = Story(self.events)
        self.check_recording()

    def read_events(self):
        timed, count = [], 0
        voices = {str(path): who for who, path in self.voices.items()}
        owned = tuple(str(path.parent) for path in (self.logs, self.outbox))
        for at, number, name, path, data, more, took in [*calls_in(self.folder.glob("trace-*")), *self.marks]:
            add = lambda when, *event: timed.append((when, number, event))
            if name == "mark":
                add(at, "said", "marks", data)
            elif path in voices and name == "write":
                add(at, "said", voices[path], data)
            elif not path.startswith(owned):
                continue
            elif name == "write":
                add(at, "append", path, data[:more[1]])
            elif name == "openat":
                if "O_CREAT" in more[0]:
                    add(at, "file", path)
            elif name == "mkdir":
                add(at, "folder", path)
            elif name == "ftruncate":
                add(at, "truncate", path, int(more[0].rsplit(",", 1)[1]))
            elif name in ("fsync", "fdatasync"):
                count += 1
                add(at, "flush", path, count)
                add(at + took, "flushed", path, count)
            else:
                raise RuntimeError(f"this model knows nothing of {name}")
        return [event for _, _, event in sorted(timed, key=lambda one: one[:2])]

    def check_recording(self):
        """Played back in full, it must give what is on the disk."""
        rebuilt = self.folder / "rebuilt"
        self.rebuild(rebuilt, len(self.events), "kept", random.Random(0))
        for folder in (self.logs, self.outbox):
            there = {path.name: path.read_bytes() for path in folder.iterdir()}
            ours = {path.name: path.read_bytes() for path in (rebuilt / folder.relative_to(self.folder)).iterdir()}
            if there != ours:
                raise Torn(f"the recording of {folder} is not what happened there")

    def rebuild(self, target, place, mode, chance):
        """The two folders as they are when the power has gone after ${place}."""
        events, safe = self.events[:place + 1], {}
        begun = {event[2]: at for at, event in enumerate(events) if event[0] == "flush"}
        for event in events:
            if event[0] == "flushed":
                safe[event[1]] = max(begun[event[2]], safe.get(event[1], -1))
        for who in ("alice", "bob"):
            (target / who).mkdir(parents=True)
        moves = lambda: mode == "kept" or mode != "lost" and chance.random() < 0.5
        made = {}
        for at, event in enumerate(events):
            if event[0] in ("folder", "file") and event[1] not in made:
                path = pathlib.Path(event[1])
                new = target / path.relative_to(self.folder)
                made[event[1]] = new
                if not (at < safe.get(str(path.parent), -1) or moves()) or not new.parent.exists():
                    continue
                if event[0] == "folder":
                    new.mkdir(mode=0o700)
                else:
                    new.touch(mode=0o600)
        for path, new in made.items():
            if new.is_file():
                new.write_bytes(self.content(events, path, safe.get(path, -1), mode, chance))

    @staticmethod
    def content(events, path, safe, mode, chance):
        data, sure = bytearray(), b""
        changes = [(at, event) for at, event in enumerate(events)
                   if event[0] in ("append", "truncate") and event[1] == path]
        open_changes = sum(at >= safe for at, _ in changes)
        last = len(changes) - (chance.randint(0, open_changes) if mode in ("torn", "some") else 0)
        for at, event in changes[:last]:
            if at >= safe and mode == "lost":
                break
            if event[0] == "append":
                data += event[2]
            else:
                del data[event[2]:]
            if at < safe:
                sure = bytes(data)
        if mode in ("torn", "some") and data.startswith(sure):
            del data[chance.randint(len(sure), len(data)):]
        if mode == "some" and data.startswith(sure):
            for start in range(0, len(data), SECTOR):  # longer, but not all of it written
                start, end = max(start, len(sure)), min(start + SECTOR, len(data))
                if start < end and chance.random() < 0.5:
                    data[start:end] = bytes(end - start)
        return bytes(data)

    def cut(self, worker, point):
        place, mode, seed = point
        folder = self.folder / f"worker-{worker}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.rebuild(folder, place, mode, random.Random(seed))
        logs, outbox = folder / "alice/logs", folder / "bob/outbox"
        faults = after_the_cut(self.story.promised(place), logs, outbox)
        voices = {who: folder / f"{who}.out" for who in ("alice", "bob")}
        stage = Stage(self.bin, folder, self.home, logs, outbox, voices)
        return faults + go_on(stage, self.story.conversation(place))
