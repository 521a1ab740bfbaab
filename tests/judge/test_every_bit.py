# SPDX-License-Identifier: Apache-2.0
"""Goal: no bit of two logs can be turned over, and no end cut off, without both verifiers seeing it."""
import os
import subprocess

import pytest

import forge
from court import BUILD, FULL, STATUS, Court

GROUPS = (1, 1, 5, 13)  # 20 messages


@pytest.fixture(params=[pytest.param("forged", marks=pytest.mark.full), "real"])
def case(request, tmp_path):
    if request.param == "real":
        alice, bob, keys = request.getfixturevalue("real")
    else:
        alice, bob = forge.honest(GROUPS, resume_at=(2,), incidents_at=(1,),
                                   texts="Hey \\ dude,\n\x01 number {}").pair()
        keys = None
    assert alice.count(b"\nMessage ID: ") == bob.count(b"\nMessage ID: ") == 20
    return Court(tmp_path, keys), {"alice": alice, "bob": bob}


def spoiled(court, logs):
    """What the library says of all damages: (log, kind, offset) -> (pair, alone), a digit for each bit."""
    paths = court.file(**logs)
    parts = os.cpu_count()
    runs = [subprocess.Popen([BUILD / "tests" / "spoil", court.keys, *paths, str(part), str(parts)],
                             stdout=subprocess.PIPE, text=True) for part in range(parts)]
    found = {}
    for run in runs:
        for line in run.communicate()[0].splitlines():
            log, kind, offset, pair, alone = line.split()
            found[log, kind, int(offset)] = pair, alone
        assert run.returncode == 0
    return found


def damage(logs, log, kind, offset, bit):
    data = bytearray(logs[log])
    if kind == "cut":
        del data[offset:]
    else:
        data[offset] ^= 1 << bit
    return {**logs, log: bytes(data)}


def test_every_bit_and_every_cut(case):
    """Goal: with both logs, judge's library proves none of them; judge itself says the same of a sample,
    and so does the second verifier of a larger one (of all in a full run)."""
    court, logs = case
    assert court.views(**logs) == ("PROVEN",) * 3
    found = spoiled(court, logs)
    assert len(found) == 2 * sum(map(len, logs.values()))
    missed = [(where, digits) for where, digits in found.items() if "0" in digits[0]]
    assert not missed, missed[:20]
    every = [(*where, bit, int(digits[0][bit]), int(digits[1][bit]))
             for where, digits in sorted(found.items()) for bit in range(len(digits[0]))]
    # What one log shows alone: every bit, and every cut but those behind a head line.
    for log, kind, offset, bit, _, alone in every:
        assert alone != 0 or (kind == "cut" and forge.ends_with_head(logs[log][:offset])), (log, kind, offset, bit)
    court.file(**logs)
    ends = [one for one in every if one[2] >= len(logs[one[0]]) - 2]
    for log, kind, offset, bit, pair, alone in every[::1 if FULL else 449] + ends:
        spoilt = damage(logs, log, kind, offset, bit)
        assert STATUS[court.second(**spoilt)[0]] == pair, (log, kind, offset, bit)
        assert STATUS[court.second(**{log: spoilt[log]})[0]] == alone, (log, kind, offset, bit)
    for log, kind, offset, bit, pair, alone in every[::31 if FULL else 2003]:
        spoilt = damage(logs, log, kind, offset, bit)
        assert STATUS[court.judge("verify", **spoilt)[0]] == pair, (log, kind, offset, bit)
        assert STATUS[court.judge("verify", **{log: spoilt[log]})[0]] == alone, (log, kind, offset, bit)
