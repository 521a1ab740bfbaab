# SPDX-License-Identifier: Apache-2.0
"""Disks that record every write and every flush, and who said what in between.

A file system of our own (the kernel's /dev/fuse, spoken to directly) holds a few flat files. A file
of the kind `disk` becomes a block device when a loop device is put on it: what the kernel's ext4
writes there arrives here as writes, and its flushes arrive as fsync. A file of the kind `said` is
some program's standard output. All of it goes into one list, in the order in which it happened, so
that "bob said confirmed" has an exact place among the writes and flushes of both disks.

Writes and flushes take their time, as on a real disk, and may end in another order than they came: a
flush covers the writes that had ended before it began, and it counts from its end.
"""
import ctypes
import errno
import heapq
import os
import pickle
import random
import select
import stat
import struct
import time

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE = 1, 2, 3, 4, 14, 15, 16
STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR = 17, 18, 20, 25, 26, 27, 28, 29
INTERRUPT, DESTROY, BATCH_FORGET = 36, 38, 42
DIRECT_IO = 1
INIT_FLAGS = 1 << 0 | 1 << 15 | 1 << 22  # asynchronous reads, asynchronous direct I/O, max_pages
IN_HEADER, OUT_HEADER = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
IO = struct.Struct("<QQIIQII")
WRITE_MAX = 1 << 20
ROOT = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def system_mount(source, target, kind, options):
    if LIBC.mount(source.encode(), str(target).encode(), kind.encode(), 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {kind} on {target}: {os.strerror(ctypes.get_errno())}")


class Server:
    """${disks}: name -> first image; ${voices}: names of files that programs write into."""

    def __init__(self, folder, disks, voices, seed):
        self.random = random.Random(seed)
        self.names = {name: node for node, name in enumerate([*disks, *voices], ROOT + 1)}
        self.disk = {self.names[name]: (name, bytearray(image)) for name, image in disks.items()}
        self.voice = {self.names[name]: (name, bytearray()) for name in voices}
        self.events, self.numbers, self.late = [], 0, []
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        system_mount("power", folder, "fuse", f"fd={self.fd},rootmode=40000,user_id=0,group_id=0")

    def attributes(self, node):
        mode, size = stat.S_IFREG | 0o600, 0
        if node == ROOT:
            mode = stat.S_IFDIR | 0o700
        elif node in self.disk:
            size = len(self.disk[node][1])
        return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def reply(self, unique, body=b"", error=0):
        try:
            os.write(self.fd, OUT_HEADER.pack(16 + len(body), -error, unique) + body)
        except FileNotFoundError:
            pass  # it was interrupted

    def later(self, unique, body, *event):
        """Answer in a while, and record ${event} then."""
        took = self.random.choice((0, 0, 0.0003)) if self.random.random() < 0.95 else 0.005
        heapq.heappush(self.late, (time.monotonic() + took, unique, body, event))

    def write(self, node, unique, offset, data):
        body = struct.pack("<2I", len(data), 0)
        if node in self.disk:
            name, image = self.disk[node]
            image[offset:offset + len(data)] = data
            self.numbers += 1
            self.events.append(("write", name, self.numbers, offset, data))
            self.later(unique, body, "written", name, self.numbers)
        else:
            name, text = self.voice[node]
            text += data
            self.events.append(("said", name, data))
            self.reply(unique, body)

    def read(self, node, offset, size):
        content = self.disk.get(node) or self.voice[node]
        return bytes(content[1][offset:offset + size])

    def flush(self, node, unique):
        if node not in self.disk:
            self.reply(unique)
            return
        name, self.numbers = self.disk[node][0], self.numbers + 1
        self.events.append(("flush", name, self.numbers))
        self.later(unique, b"", "flushed", name, self.numbers)

    def answer_late(self):
        """Answer what has taken its time; milliseconds until the next one."""
        while self.late:
            wait = self.late[0][0] - time.monotonic()
            if wait > 0:
                return wait * 1000
            _, unique, body, event = heapq.heappop(self.late)
            self.events.append(event)
            self.reply(unique, body)
        return None

    def answer(self, request):
        length, code, unique, node, *_ = IN_HEADER.unpack_from(request)
        body = memoryview(request)[IN_HEADER.size:length]
        if code == INIT:
            version = struct.unpack_from("<4I", body)
            self.reply(unique, struct.pack("<4I2H2I2H8I", 7, min(version[1], 31), 1 << 17, INIT_FLAGS, 16, 12,
                                           WRITE_MAX, 1, WRITE_MAX >> 12, *[0] * 9))
        elif code == LOOKUP:
            found = self.names.get(bytes(body).rstrip(b"\0").decode())
            if found is None:
                self.reply(unique, error=errno.ENOENT)
            else:
                self.reply(unique, struct.pack("<4Q2I", found, 0, 3600, 3600, 0, 0) + self.attributes(found))
        elif code in (GETATTR, SETATTR):
            self.reply(unique, struct.pack("<Q2I", 3600, 0, 0) + self.attributes(node))
        elif code in (OPEN, OPENDIR):
            self.reply(unique, struct.pack("<Q2I", 0, DIRECT_IO if code == OPEN else 0, 0))
        elif code == READ:
            _, offset, size, *_ = IO.unpack_from(body)
            self.reply(unique, self.read(node, offset, size))
        elif code == WRITE:
            _, offset, size, *_ = IO.unpack_from(body)
            self.write(node, unique, offset, bytes(body[IO.size:IO.size + size]))
        elif code == FSYNC:
            self.flush(node, unique)
        elif code == STATFS:
            self.reply(unique, bytes(80))
        elif code in (RELEASE, RELEASEDIR, FLUSH, READDIR, DESTROY):
            self.reply(unique)
        elif code not in (FORGET, BATCH_FORGET, INTERRUPT):
            self.reply(unique, error=errno.ENOSYS)

    def run(self):
        """Serve until the folder is unmounted."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        while True:
            wait = self.answer_late()
            if wait is not None and wait >= 1:
                wait = int(wait)
            elif wait is not None:
                wait = 0  # less than poll can wait for
            if not poll.poll(wait):
                continue
            try:
                request = os.read(self.fd, WRITE_MAX + 8192)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in (errno.ENOENT, errno.EAGAIN, errno.EINTR):
                    continue
                raise
            self.answer(request)


def record(folder, disks, voices, seed, result, ready):
    """Serve in a process of its own; its recording goes into the file ${result} at the end."""
    child = os.fork()
    if child > 0:
        return child
    status = 1
    try:
        server = Server(folder, disks, voices, seed)
        os.write(ready, b".")
        os.close(ready)
        server.run()
        with open(result, "wb") as file:
            pickle.dump(server.events, file)
        status = 0
    finally:
        os._exit(status)
