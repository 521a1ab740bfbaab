# SPDX-License-Identifier: Apache-2.0
"""Power cuts of block devices: ext4 on two recorded disks, and on images that are rebuilt from that."""
import json
import os
import pathlib
import pickle
import random
import shutil
import subprocess
import threading

import recorder
from checks import Story, after_the_cut, go_on
from cuts import Disk
from speakers import Play, Stage

os.environ["PATH"] += ":/usr/sbin:/sbin"
SIZE = 16 << 20
MKFS = ["mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"]


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=60).stdout


def missing():
    """What this machine lacks; an empty text if it can do it."""
    lacking = [path for path in ("/dev/fuse", "/dev/loop-control") if not os.path.exists(path)]
    lacking += [name for name in ("mkfs.ext4", "mount", "unshare") if shutil.which(name) is None]
    kinds = pathlib.Path("/proc/filesystems").read_text().split()
    lacking += [f"the file system {kind}" for kind in ("ext4", "fuse") if kind not in kinds]
    return " and ".join(f"there is no {name}" if "/" in name or "file" in name else f"{name} is not installed"
                        for name in lacking)


def mount_image(image, folder):
    folder.mkdir(exist_ok=True)
    run("mount", "-t", "ext4", "-o", "loop", image, folder)


def mount_recorded(image, folder):
    """As above, with direct I/O below the loop device: more than one write may be under way."""
    folder.mkdir()
    device = run("losetup", "--find", "--show", "--direct-io=on", image).strip()
    run("mount", "-t", "ext4", device, folder)
    run("losetup", "--detach", device)  # when it is unmounted


class Neighbour:
    """Someone else who writes and syncs on a disk: so the file system commits when we did not ask."""

    def __init__(self, folder):
        self.path, self.over = folder / "neighbour", threading.Event()
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()

    def write(self):
        with self.path.open("ab", buffering=0) as file:
            while not self.over.wait(0.02):
                file.write(b"not ours " * 20)
                os.fsync(file.fileno())

    def end(self):
        self.over.set()
        self.thread.join()


class Blocks:
    """The recording of a play, in ${folder}: a tmpfs of our own, in our own mount namespace."""

    def __init__(self, folder, bin_folder, home, faults):
        self.folder, self.bin, self.home, self.faults = folder, bin_folder, home, faults
        recorder.system_mount("power", folder, "tmpfs", "mode=700")

    def wrap(self, who):
        fault = self.faults.get(who)
        return ["strace", "-D", "-qq", "-o", "/dev/null", "-e", f"inject={fault}"] if fault else []

    def record(self, seed):
        folder = self.folder
        fresh, fuse, work = folder / "fresh.img", folder / "fuse", folder / "work"
        with fresh.open("wb") as file:
            file.truncate(SIZE)
        run(*MKFS, fresh)
        self.fresh = fresh.read_bytes()
        fuse.mkdir()
        work.mkdir()
        ready, set_ready = os.pipe()
        child = recorder.record(fuse, {"alice.img": self.fresh, "bob.img": self.fresh},
                                ["alice", "bob", "marks"], seed, folder / "recording", set_ready)
        os.close(set_ready)
        if os.read(ready, 1) != b".":
            raise RuntimeError("the recorder did not start")
        for who in ("alice", "bob"):
            mount_recorded(fuse / f"{who}.img", folder / who)
        neighbours = [Neighbour(folder / who) for who in ("alice", "bob")]
        with open(fuse / "marks", "ab", buffering=0) as marks:
            stage = Stage(self.bin, work, self.home, folder / "alice/logs", folder / "bob/outbox",
                          {who: fuse / who for who in ("alice", "bob")}, self.wrap,
                          lambda text: marks.write(text.encode() + b"\n"))
            try:
                Play(stage).all()
            finally:
                stage.close()
                for neighbour in neighbours:
                    neighbour.end()
        for who in ("alice", "bob", "fuse"):
            run("umount", folder / who)
        if os.waitpid(child, 0)[1] != 0:
            raise RuntimeError("the recorder failed")
        with (folder / "recording").open("rb") as file:
            self.events = pickle.load(file)
        self.story = Story(self.events)

        self.disks = {who: Disk(self.events, f"{who}.img", self.fresh) for who in ("alice", "bob")}

    def cut(self, worker, point):
        """Let the power go at ${point}; what is wrong then."""
        place, mode, seed = point
        chance = random.Random(seed)
        folder = self.folder / f"worker-{worker}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        mounted = []
        try:
            for who, disk in self.disks.items():
                image = folder / f"{who}.img"
                image.write_bytes(disk.after(place, mode, chance))
                mount_image(image, folder / who)
                mounted.append(folder / who)
            faults = after_the_cut(self.story.promised(place), folder / "alice/logs", folder / "bob/outbox")
            voices = {who: folder / f"{who}.out" for who in ("alice", "bob")}
            stage = Stage(self.bin, folder, self.home, folder / "alice/logs", folder / "bob/outbox", voices)
            return faults + go_on(stage, self.story.conversation(place))
        except subprocess.CalledProcessError as error:
            return [f"{error}: {error.stderr}"]
        finally:
            for one in mounted:
                run("umount", one)
