# SPDX-License-Identifier: Apache-2.0
"""Where the power may go, and what is on a disk then.

A disk keeps what it had when a flush began that has ended since. Of what was written after that, it
may keep anything: nothing (`lost`), all (`kept`), the first writes and a torn one (`torn`), or any of
them, each whole or in some of its sectors (`some`). Only ext4's superblock and its journal's are always
written whole: ext4 takes that for granted.
"""
import bisect
import random

SECTOR = 512
SUPERBLOCK_END = 4096
JOURNAL_SUPERBLOCK = bytes.fromhex("c03b399800000004")
MODES = ("lost", "kept", "torn", "some")


class Disk:
    """One disk of a recording."""

    def __init__(self, events, name, image):
        self.fresh = image
        self.writes = [(place, event[2], event[3]) for place, event in enumerate(events)
                       if event[:2] == ("write", name)]
        self.places = [place for place, _, _ in self.writes]
        begun = {event[2]: place for place, event in enumerate(events) if event[:2] == ("flush", name)}
        self.flushes = [(place, begun[event[2]]) for place, event in enumerate(events)
                        if event[:2] == ("flushed", name)]

    def after(self, place, mode, chance):
        """The image when the power has gone after ${place}."""
        safe_place = max((begun for ended, begun in self.flushes if ended <= place), default=-1)
        safe = bisect.bisect(self.places, safe_place)
        pieces = [(offset, data) for _, offset, data in self.writes[:safe]]
        image = bytearray(self.fresh)
        for offset, data in [*pieces, *kept(self.writes[safe:bisect.bisect(self.places, place)], mode, chance)]:
            image[offset:offset + len(data)] = data
        return image


def kept(writes, mode, chance):
    """The pieces of ${writes} that reached the disk, as (offset, data)."""
    if mode == "lost":
        return
    last = chance.randint(0, len(writes)) if mode == "torn" else len(writes)
    part = chance.choice((0.2, 0.5, 0.8, 0.95)) if mode == "some" else 1
    for number, (_, offset, data) in enumerate(writes[:last]):
        whole = offset < SUPERBLOCK_END or data.startswith(JOURNAL_SUPERBLOCK)
        if mode == "torn" and number == last - 1 and not whole:
            yield offset, data[:SECTOR * chance.randint(0, len(data) // SECTOR)]
        elif mode == "kept" or mode == "torn" or chance.random() < part * part:
            yield offset, data
        elif not whole and chance.random() < part:
            for sector in range(0, len(data), SECTOR):
                if chance.random() < part:
                    yield offset + sector, data[sector:sector + SECTOR]


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
