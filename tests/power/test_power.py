# SPDX-License-Identifier: Apache-2.0
"""The power goes, at any point: what was confirmed is in alice's log, once, and they go on by themselves.

Real programs on two recorded disks (blocks.py), and on the strictest file system that may be
(names.py). Where there are no devices to record, the strict model takes the disks' share too.
"""
import json
import os
import pathlib
import subprocess
import sys
import warnings

import pytest

from blocks import missing

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("AVOW_BUILD", HERE.parents[1] / "build")).resolve() / "bin"
PRIVATE = ["unshare", "-m", "--propagation", "private"]


def power(folder, kind, points, *more, seconds=600):
    """Record, cut at so many points, and tell."""
    assert os.geteuid() == 0, "root alone can record what alice and bob write: run these tests as root"
    if kind == "blocks" and missing():
        warnings.warn(f"No power cuts of block devices here: {missing()}. The model stands in for them.")
        kind = "names"
    folder.mkdir(mode=0o700)
    command = [*(PRIVATE if kind == "blocks" else []), sys.executable, HERE / "power.py", kind, "--bin", BIN,
               "--folder", folder, "--points", points, "--seconds", seconds, *more]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=seconds + 120)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    print(run.stdout)
    # One who is killed may not come to say it; so one or the other may lack a few.
    assert result["points"] > 0 and min(result["confirmed"], result["shown"]) > 500, run.stdout
    return result


def holds(result):
    assert result["bad_points"] == 0, json.dumps(result["bad"], indent=1)


def lost(result):
    return [fault for _, faults, _ in result["bad"] for fault in faults if fault.startswith("lost: ")]


def test_some_cuts_of_two_disks(tmp_path):
    holds(power(tmp_path / "p", "blocks", 24, seconds=6))


def test_some_cuts_of_the_strictest_file_system(tmp_path):
    holds(power(tmp_path / "p", "names", 24, seconds=4))


def test_a_sync_that_does_nothing_is_noticed(tmp_path):
    """These tests see what they are there to see: alice's fdatasync does nothing, and says that it did."""
    assert lost(power(tmp_path / "p", "names", 8, "--fault", "alice:fdatasync:retval=0"))


def test_a_folder_that_somebody_else_made_is_synced_too(tmp_path):
    """Who made it may have been killed before its name was on the disk."""
    logs = tmp_path / "parent" / "logs"
    logs.mkdir(mode=0o700, parents=True)
    calls = tmp_path / "calls"
    alice = subprocess.Popen(["strace", "-D", "-qq", "-y", "-e", "trace=fsync", "-o", calls,
                              BIN / "alice", "--logs", logs],
                             cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}, stderr=subprocess.PIPE)
    try:
        said = b""
        while b"Waiting for a client" not in said:
            line = alice.stderr.readline()
            assert line, said
            said += line
        assert f"<{logs.parent.resolve()}>) " in calls.read_text()
    finally:
        alice.kill()
        alice.wait()
        alice.stderr.close()


@pytest.mark.full
def test_many_cuts_of_two_disks(tmp_path):
    result = power(tmp_path / "p", "blocks", 800)
    holds(result)
    assert result["points"] >= 500


@pytest.mark.full
def test_many_cuts_of_the_strictest_file_system(tmp_path):
    result = power(tmp_path / "p", "names", 500)
    holds(result)
    assert result["points"] >= 200


@pytest.mark.full
@pytest.mark.parametrize("kind, call", (("blocks", "fdatasync"), ("names", "fsync")))
def test_more_syncs_that_do_nothing_are_noticed(tmp_path, kind, call):
    """`fsync` is the folder's; ext4 keeps the name without it, so only the model shows that."""
    assert lost(power(tmp_path / "p", kind, 40, "--fault", f"alice:{call}:retval=0"))
