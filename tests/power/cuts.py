# SPDX-License-Identifier: Apache-2.0
"""Where the power may go, and what is on a disk then.

A disk keeps the writes that had ended when a flush began that has ended since. Of the others, it may
keep anything: nothing (`lost`), all (`kept`), the first writes and a torn one (`torn`), or any of
them, each whole or in some of its sectors (`some`). Only ext4's superblock and its journal's are always
written whole: ext4 takes that for granted.
"""
import random

SECTOR = 512
SUPERBLOCK_END = 4096
JOURNAL_SUPERBLOCK = bytes.fromhex("c03b399800000004")
MODES = ("lost", "kept", "torn", "some")


class Disk:
    """One disk of a recording."""

    def __init__(self, events, name, image):
        self.fresh = image
        of = lambda kind: {event[2]: place for place, event in enumerate(events) if event[:2] == (kind, name)}
        written, begun = of("written"), of("flush")
        self.writes = [(place, written.get(event[2], len(events)), event[3], event[4])
                       for place, event in enumerate(events) if event[:2] == ("write", name)]
        self.flushes = [(place, begun[number]) for number, place in of("flushed").items()]

    def after(self, place, mode, chance):
        """The image when the power has gone after ${place}."""
        safe = max((begun for ended, begun in self.flushes if ended <= place), default=-1)
        begun = [write for write in self.writes if write[0] <= place]
        sure = {id(write) for write in begun if write[1] < safe}
        others = dict(kept([write for write in begun if id(write) not in sure], mode, chance))
        image = bytearray(self.fresh)
        for write in begun:
            for offset, data in [write[2:]] if id(write) in sure else others.get(id(write), ()):
                image[offset:offset + len(data)] = data
        return image


def kept(writes, mode, chance):
    """What of ${writes} reached the disk: for each its id, and the pieces (offset, data)."""
    if mode == "lost":
        return
    last = chance.randint(0, len(writes)) if mode == "torn" else len(writes)
    part = chance.choice((0.2, 0.5, 0.8, 0.95)) if mode == "some" else 1
    for number, write in enumerate(writes[:last]):
        offset, data = write[2:]
        whole = offset < SUPERBLOCK_END or data.startswith(JOURNAL_SUPERBLOCK)
        if mode == "torn" and number == last - 1 and not whole:
            yield id(write), [(offset, data[:SECTOR * chance.randint(0, len(data) // SECTOR)])]
        elif mode != "some" or chance.random() < part * part:
            yield id(write), [(offset, data)]
        elif not whole and chance.random() < part:
            yield id(write), [(offset + at, data[at:at + SECTOR]) for at in range(0, len(data), SECTOR)
                              if chance.random() < part]


def points_of(events, count, seed):
    """${count} points (place, mode, seed): just before a flush ends, just after, and in between; in no
    order, so that whoever stops early has seen some from everywhere."""
    chance = random.Random(seed)
    ends = [place for place, event in enumerate(events) if event[0] == "flushed"]
    points = [(place - 1, "lost") for place in ends] + [(place, "lost") for place in ends]
    points += [(place - 1, mode) for place in ends for mode in ("torn", "some")]
    points += [(place, chance.choice(("kept", "torn", "some"))) for place in range(len(events))]
    points = sorted(set(points))
    points = chance.sample(points, min(count, len(points)))
    return [(place, mode, chance.getrandbits(32)) for place, mode in points]
