#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Record a play of alice and bob, and cut the power at many points of it.

    unshare -m --propagation private tests/power/power.py blocks --bin FOLDER --folder EMPTY [--points N]
    tests/power/power.py names --bin FOLDER --folder EMPTY [--points N]

`blocks` has real disks (see blocks.py), and runs as root in a mount namespace of its own: whatever
happens, all that is mounted goes when it ends. `names` is a model (see names.py). Prints one JSON
object.
"""
import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time

from blocks import Blocks
from cuts import points_of
from names import Names, Torn

WORKERS = min(4, os.cpu_count())
RECORDINGS = 4  # at most, until one is whole


def work(power, worker, points, results, deadline):
    for point in points:
        if time.monotonic() > deadline:
            break
        results.put((point, power.cut(worker, point)))
    results.put(None)


def cut_all(power, points, deadline):
    """(point, faults) of all points, by some processes side by side."""
    results = multiprocessing.Queue()
    shares = [points[worker::WORKERS] for worker in range(WORKERS)]
    workers = [multiprocessing.Process(target=work, args=(power, number, share, results, deadline))
               for number, share in enumerate(shares)]
    for worker in workers:
        worker.start()
    done, all_results = 0, []
    while done < WORKERS:
        result = results.get(timeout=120)
        if result is None:
            done += 1
        else:
            all_results.append(result)
    for worker in workers:
        worker.join()
    return sorted(all_results)


def record(options, home, faults):
    """The recording of a play: the first that is whole."""
    kind = {"blocks": Blocks, "names": Names}[options.kind]
    for number in range(RECORDINGS):
        area = options.folder / f"area-{number}"
        area.mkdir()
        power = kind(area, options.bin, home, faults)
        try:
            power.record(options.seed)
            return power
        except Torn as torn:
            print(torn, file=sys.stderr)
    raise RuntimeError(f"{RECORDINGS} recordings were torn")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=("blocks", "names"))
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--points", type=int, default=10**6, help="so many (all that there are)")
    parser.add_argument("--seconds", type=float, default=10**6, help="and no longer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", action="append", default=[], metavar="WHO:INJECTION",
                        help="a fault in the recording, like alice:fdatasync:retval=0")
    options = parser.parse_args()
    home = options.folder / "home"
    home.mkdir()
    for who in ("alice", "bob"):
        subprocess.run([options.bin / who, "keygen", "--identity", home / f".config/avow/{who}_ed25519"],
                       check=True, capture_output=True, env={"HOME": str(home)})
    faults = dict(one.split(":", 1) for one in options.fault)
    start = time.monotonic()
    power = record(options, home, faults)
    recorded = time.monotonic()
    points = points_of(power.events, options.points, options.seed)
    results = cut_all(power, points, recorded + options.seconds)
    kinds = collections.Counter(event[0] for event in power.events)
    bad = [(point, faults) for point, faults in results if faults]
    json.dump({"recording_s": round(recorded - start, 1), "cutting_s": round(time.monotonic() - recorded, 1),
               "events": kinds, "confirmed": len(power.story.confirmed), "shown": len(power.story.shown),
               "points": len(results), "points_in_all": len(points), "modes": collections.Counter(p[1] for p, _ in results),
               "bad_points": len(bad), "bad": [(point, faults[:3], len(faults)) for point, faults in bad[:10]]}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
