# SPDX-License-Identifier: Apache-2.0
"""Goal: tools/house catches a breach of every rule, and lets right code pass.

Each case lays a small tree in a temporary folder and looks at what the script says of it.
"""
import pathlib
import subprocess
import sys

import pytest

HOUSE = pathlib.Path(__file__).parent.parent / "tools" / "house"
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
ALLOWED_BELOW = {
    "base": [],
    "crypto": ["base"],
    "fernet": ["base", "crypto"],
    "wire": ["base"],
    "keys": ["base", "crypto"],
    "evidence": ["base", "crypto", "keys"],
    "core": ["base", "crypto", "fernet", "wire", "keys", "evidence"],
    "store": ["base"],
    "attack": ["base", "wire"],
    "io": ["base", "crypto", "fernet", "wire", "keys", "evidence", "core", "store", "attack"],
}


def house(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([sys.executable, HOUSE, root], capture_output=True, text=True, timeout=30)


def breaches(root, name, body):
    """The `line: rule word` of every breach in one C file."""
    result = house(root, {name: SPDX + body})
    found = [":".join(line.split(":")[1:3]) for line in result.stdout.splitlines()]
    assert result.returncode == (1 if found else 0), result.stdout + result.stderr
    assert all(line.startswith(name + ":") for line in result.stdout.splitlines())
    return found


@pytest.mark.parametrize("room", ALLOWED_BELOW)
def test_a_room_includes_only_rooms_below_it(tmp_path, room):
    for other in [*ALLOWED_BELOW, "bin"]:
        expected = [] if other == room or other in ALLOWED_BELOW[room] else [f"2: include {other}/y.h"]
        assert breaches(tmp_path, f"src/{room}/x.c", f'#include "{other}/y.h"\n') == expected


def test_bin_includes_everything(tmp_path):
    text = "".join(f'#include "{room}/y.h"\n' for room in ALLOWED_BELOW)
    assert breaches(tmp_path, "bin/alice.c", text + "#include <uv.h>\n#include <time.h>\n") == []


@pytest.mark.parametrize("name, body, expected", [
    # Includes.
    ("src/wire/x.c", '#include "crypto/hash.h"\n', "2: include crypto/hash.h"),
    ("src/core/x.c", '#include "x.h"\n', "2: include x.h"),
    ("src/fernet/x.c", "#include <openssl/evp.h>\n", "2: include openssl/evp.h"),
    ("src/io/x.c", "#include <openssl/ssl.h>\n", "2: include openssl/ssl.h"),
    ("bin/alice.c", "#include <openssl/ssl.h>\n", "2: include openssl/ssl.h"),
    ("src/core/x.c", "#include <uv.h>\n", "2: include uv.h"),
    ("src/base/x.c", "\n  #  include <time.h>\n", "3: include time.h"),
    ("src/keys/x.c", "#include <fcntl.h>\n", "2: include fcntl.h"),
    ("src/crypto/x.c", "#include <unistd.h>\n", "2: include unistd.h"),
    ("src/attack/x.c", "#include <sys/socket.h>\n", "2: include sys/socket.h"),
    ("src/store/x.c", "#include <sys/socket.h>\n", "2: include sys/socket.h"),
    ("src/store/x.c", "#include <time.h>\n", "2: include time.h"),
    # Calls that a pure room does not make.
    ("src/core/x.c", "\nlong f(void) { return time(0); }\n", "3: call time"),
    ("src/core/x.c", "int f(void) { return clock_gettime(0, 0); }\n", "2: call clock_gettime"),
    ("src/wire/x.c", "int f(void) { return socket (1, 2, 3); }\n", "2: call socket"),
    ("src/evidence/x.c", 'void f(void) { fopen("x", "r"); }\n', "2: call fopen"),
    ("src/keys/x.c", "void f(void) { read(0, 0, 0); }\n", "2: call read"),
    ("src/base/x.c", 'void f(void) { printf("x"); }\n', "2: call printf"),
    ("src/fernet/x.c", "void f(void) { RAND_bytes(0, 0); }\n", "2: call RAND_bytes"),
    ("src/attack/x.c", "void f(void) { rand(); }\n", "2: call rand"),
    ("src/core/x.c", "void f(void) { random_bytes(0, 0); }\n", "2: call random_bytes"),
    ("src/core/x.c", 'void f(void) { getenv("HOME"); }\n', "2: call getenv"),
    ("src/crypto/x.c", "void f(void) { gettimeofday(0, 0); }\n", "2: call gettimeofday"),
    ("src/crypto/x.c", 'void f(void) { puts("x"); }\n', "2: call puts"),
    ("src/crypto/x.c", "void f(void) { write(0, 0, 0); }\n", "2: call write"),
    ("src/store/x.c", "void f(void) { connect(0, 0, 0); }\n", "2: call connect"),
    ("src/core/x.c", "static int f(int a);\nint g(void) { return accept(1, 2, 3); }\n", "3: call accept"),
    # Calls that nobody makes.
    ("src/io/x.c", "void f(char *a) { strcpy(a, a); }\n", "2: never strcpy"),
    ("src/io/x.c", "void f(char *a) { strcat(a, a); }\n", "2: never strcat"),
    ("bin/alice.c", 'void f(char *a) { sprintf(a, "x"); }\n', "2: never sprintf"),
    ("tests/unit/x.c", "void f(char *a) { strtok(a, a); }\n", "2: never strtok"),
    ("src/io/x.c", "void f(char *a) { gets(a); }\n", "2: never gets"),
    ("bench/x.c", "int f(char *a) { return atoi(a); }\n", "2: never atoi"),
    ("src/base/x.c", "void f(void) { alloca(3); }\n", "2: never alloca"),
    ("src/core/x.c", "int f(void) { return memcmp(s->mac_key,\n  g(b), 32); }\n", "2: secret memcmp"),
    ("src/io/x.c", "int f(void) { return memcmp(a, expected_tag, 32); }\n", "2: secret memcmp"),
    # Files.
    ("src/parlour/x.c", "", "1: room parlour"),
    ("src/core/x.c", "int a;\n" * 500, "1: length file"),
    ("src/core/x.h", "#pragma once\n", "1: guard AVOW_CORE_X_H"),
    ("src/core/x.h", "#ifndef AVOW_WIRE_X_H\n#define AVOW_WIRE_X_H\n#endif\n", "1: guard AVOW_CORE_X_H"),
    ("src/core/x.h", "#ifndef AVOW_CORE_X_H\n#define AVOW_CORE_Y_H\n#endif\n", "1: guard AVOW_CORE_X_H"),
    ("include/avow.h", "#ifndef X\n#define X\n#endif\n", "1: guard AVOW_H"),
    ("tests/unit/x.h", "#ifndef X_H\n#define X_H\n#endif\n", "1: guard AVOW_X_H"),
])
def test_a_breach_is_caught(tmp_path, name, body, expected):
    assert breaches(tmp_path, name, body) == [expected]


@pytest.mark.parametrize("name, body", [
    ("src/core/x.c", "/* time(0) and\n printf() */ // socket()\nconst char *s = \"open(\\\") read(\";\n"),
    ("src/core/x.c", 'int f(void) { return snprintf(0, 0, "x") + vsnprintf(0, 0, "x", 0); }\n'),
    ("src/core/x.c", "void f(void) { s->read(1); s.time(2); sender_open(s); x_write (s); }\n"),
    ("src/core/x.c", "int f(void) { return memcmp(a->hash, b->hash, 64); }\n"),
    ("src/keys/x.c", "int f(void) { return memcmp(a->public_key, b->public_key, 32); }\n"),
    ("src/core/x.c", "static int accept(int a) { return a; }\nint g(void) { return accept(1); }\n"),
    ("tests/unit/x.h", "#ifndef AVOW_TEST_X_H\n#define AVOW_TEST_X_H\n#endif\n"),
    ("src/core/x.c", '#include "crypto/random.h"\nvoid f(void) { drbg_bytes(0, 0, 0); }\n'),
    ("src/keys/x.c", "int f(void) { return memcmp(a->key, key, ED25519_PUBLIC_SIZE); }\n"),
    ("src/core/x.c", '#include <stdint.h>\n#include <string.h>\n#include "base/bytes.h"\n'),
    ("src/crypto/x.c", "#include <openssl/evp.h>\nvoid f(void) { RAND_bytes(0, 0); }\n"),
    ("src/store/x.c", "#include <fcntl.h>\n#include <unistd.h>\nvoid f(void) { fdatasync(open(0)); }\n"),
    ("src/io/x.c", '#include <uv.h>\n#include <time.h>\nvoid f(void) { time(0); printf("x"); }\n'),
    ("src/core/x.c", "int a;\n" * 499),
    ("src/core/x.h", "/* What it is. */\n#ifndef AVOW_CORE_X_H\n#define AVOW_CORE_X_H\n#endif\n"),
    ("include/avow.h", "#ifndef AVOW_H\n#define AVOW_H\n#endif\n"),
    ("build-x/x.c", "void f(void) { gets(0); }\n"),
])
def test_right_code_passes(tmp_path, name, body):
    house(tmp_path, {"src/base/y.c": SPDX})
    assert breaches(tmp_path, name, body) == []


@pytest.mark.parametrize("name, text, caught", [
    ("src/core/x.c", "int a;\n", True),
    ("tests/x.py", "import os\n", True),
    ("tools/x", "#!/bin/sh\nexit 0\n", True),
    ("tools/x.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", False),
    ("docs/x.txt", "text\n", False),
])
def test_every_source_and_script_has_its_licence_line(tmp_path, name, text, caught):
    result = house(tmp_path, {name: text})
    assert (f"{name}:1: spdx line:" in result.stdout) == caught
    assert result.returncode == (1 if caught else 0)


def test_an_exception_needs_a_reason_and_a_use(tmp_path):
    wrong = {"src/core/x.c": SPDX + "long f(void) { return time(0); }\n"}
    allow = "tools/house.allow"
    good = house(tmp_path, {**wrong, allow: "# why\nsrc/core/x.c call time because of a test\n"})
    assert (good.returncode, good.stdout) == (0, "")
    bare = house(tmp_path, {**wrong, allow: "src/core/x.c call time\n"})
    assert bare.returncode == 1 and "tools/house.allow:1: allow line:" in bare.stdout
    unused = house(tmp_path, {**wrong, allow: "src/core/x.c call time yes\nsrc/core/x.c call read no\n"})
    assert unused.returncode == 1 and "tools/house.allow:2: allow unused:" in unused.stdout


def test_an_empty_tree_is_not_a_pass(tmp_path):
    assert house(tmp_path, {}).returncode == 1
