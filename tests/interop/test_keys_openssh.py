# SPDX-License-Identifier: Apache-2.0
"""Our key files and OpenSSH's are the same files: stock ssh-keygen and we read each other.

keys_tool, built from keys_tool.c, is looked for in $AVOW_BUILD/tests.
"""
import base64
import calendar
import os
import pathlib
import shutil
import subprocess
import time

import pytest

TOOL = pathlib.Path(os.environ.get("AVOW_BUILD", "build")).resolve() / "tests" / "keys_tool"
SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
# The public key of that seed is in RFC 8032 section 7.1, test 1.
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")


def run(*command, stdin=b"", ok=True):
    """Run and return what it printed; see that it succeeded, or failed with status 1 or 255."""
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=30, check=False)
    allowed = (0,) if ok else (1, 255)
    assert done.returncode in allowed, (command, done)
    return done.stdout.decode("utf-8", "surrogateescape")


def tool(*arguments, stdin=b"", ok=True):
    """Run keys_tool."""
    return run(str(TOOL), *arguments, stdin=stdin, ok=ok)


def keygen(folder, *options, name="key", passphrase=""):
    """Let ssh-keygen make a key; return its path."""
    path = folder / name
    run("ssh-keygen", "-q", "-N", passphrase, "-f", str(path), *options)
    return path


def key_of(path):
    """Return "ssh-ed25519 AAAA…" of the public file beside the key."""
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@pytest.mark.parametrize("comment", ["", "a", "bob@example.org", "two words", "Zo\u00eb \u2713",
                                     *["x" * size for size in range(2, 9)], "y" * 127])
def test_ssh_keygen_reads_ours(tmp_path, comment):
    """Goal: a key that we write is read by ssh-keygen, with all lengths of padding."""
    path = tmp_path / "key"
    path.write_text(tool("new", SEED, comment))
    path.chmod(0o600)
    shown = tool("show", stdin=path.read_bytes()).splitlines()
    assert run("ssh-keygen", "-y", "-f", str(path)).strip() == shown[0]
    assert shown[0].split(" ", 2)[2:] == ([comment] if comment else [])
    bits, fingerprint, rest = run("ssh-keygen", "-l", "-f", str(path)).strip().split(" ", 2)
    assert (bits, fingerprint) == ("256", shown[1])
    assert rest.endswith("(ED25519)")


def test_seed_is_rfc_8032():
    """Goal: the public half is the one that belongs to the seed, not just one that fits."""
    line = tool("show", stdin=tool("new", SEED, "").encode()).splitlines()[0]
    assert base64.b64decode(line.split()[1])[-32:].hex() == PUBLIC


def test_ours_signs_with_ssh_keygen(tmp_path):
    """Goal: the private half works too: what ssh-keygen signs with it, it verifies."""
    path = tmp_path / "key"
    path.write_text(tool("new", SEED, "bob"))
    path.chmod(0o600)
    signature = run("ssh-keygen", "-Y", "sign", "-f", str(path), "-n", "avow", stdin=b"hello")
    (tmp_path / "signature").write_text(signature)
    line = tool("show", stdin=path.read_bytes()).splitlines()[0]
    (tmp_path / "allowed").write_text(f"bob {line}\n")
    run("ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "bob", "-n", "avow",
        "-s", str(tmp_path / "signature"), stdin=b"hello")


def sign(path, text, *options, namespace="avow"):
    """Let ssh-keygen sign; return its file."""
    return run("ssh-keygen", "-Y", "sign", "-f", str(path), "-n", namespace, *options, stdin=text)


def one_line(file):
    """What stands between the first and the last line of a signature's file."""
    return "".join(file.splitlines()[1:-1])


@pytest.fixture(name="checker")
def fixture_checker(tmp_path):
    """What runs `ssh-keygen -Y verify` over a signature of the key of SEED."""
    line = tool("show", stdin=tool("new", SEED, "").encode()).splitlines()[0]
    (tmp_path / "allowed").write_text(f"bob {line}\n")

    def check(file, text, ok=True, namespace="avow"):
        (tmp_path / "checked").write_text(file)
        return run("ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "bob", "-n",
                   namespace, "-s", str(tmp_path / "checked"), stdin=text, ok=ok)
    return check


TEXTS = [b"", b"hello", b"two\nlines\n", "Zo\u00eb \u2713".encode(), bytes(range(256)), b"x" * 100000]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(len(text)))
def test_ssh_keygen_verifies_ours(checker, text):
    """Goal: ssh-keygen takes our signature of this text, in this namespace, and no other."""
    file = tool("sign", SEED, stdin=text)
    assert "Good \"avow\" signature for bob" in checker(file, text)
    checker(file, text + b".", ok=False)
    if text:
        checker(file, bytes([text[0] ^ 1]) + text[1:], ok=False)
        checker(file, text[:-1], ok=False)
    checker(file, text, ok=False, namespace="git")


def test_changed_signature(checker):
    """Goal: whichever byte of a signature is changed, ssh-keygen refuses it, and so do we."""
    file = tool("sign", SEED, stdin=b"hello")
    key = tool("show", stdin=tool("new", SEED, "").encode()).splitlines()[0]
    blob = base64.b64decode(one_line(file))
    checker(file, b"hello")
    tool("verify", key, one_line(file), stdin=b"hello")
    for at, byte in enumerate(blob):
        # Not the lowest bit: of version 1 it makes version 0, which ssh-keygen takes and we do not.
        line = base64.b64encode(blob[:at] + bytes([byte ^ 0x80]) + blob[at + 1:]).decode()
        checker(file.replace("".join(file.splitlines(True)[1:-1]), line + "\n"), b"hello", ok=False)
        error = tool("verify", key, line, stdin=b"hello", ok=False).strip()
        expected = "other-key" if 33 <= at < 65 else "not-authentic" if at >= 110 else "malformed"
        assert error == expected, at


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(len(text)))
def test_we_verify_ssh_keygen(tmp_path, text):
    """Goal: we take ssh-keygen's signature of this text, and no other, by this key, and no other."""
    path = keygen(tmp_path, "-t", "ed25519")
    other = keygen(tmp_path, "-t", "ed25519", name="other")
    line = one_line(sign(path, text))
    assert tool("verify", key_of(path), line, stdin=text) == ""
    for changed in (text + b".", b"." + text, b"." + text[1:]):
        assert tool("verify", key_of(path), line, stdin=changed,
                    ok=False).strip() == "not-authentic"
    assert tool("verify", key_of(other), line, stdin=text, ok=False).strip() == "other-key"


def test_same_signature(tmp_path):
    """Goal: of the same key and text ssh-keygen and we make the same file."""
    path = tmp_path / "key"
    path.write_text(tool("new", SEED, "bob"))
    path.chmod(0o600)
    for text in TEXTS:
        assert sign(path, text) == tool("sign", SEED, stdin=text)


@pytest.mark.parametrize("options, namespace, kind", [
    ([], "file", "ed25519"),
    ([], "avow2", "ed25519"),
    ([], "Avow", "ed25519"),
    (["-O", "hashalg=sha256"], "avow", "ed25519"),
    ([], "avow", "ecdsa"),
    ([], "avow", "rsa"),
])
def test_other_signatures(tmp_path, options, namespace, kind):
    """Goal: a good signature in another namespace, of another hash or type of key, is not ours."""
    path = keygen(tmp_path, "-t", kind)
    signature = one_line(sign(path, b"hello", *options, namespace=namespace))
    key = tool("show", stdin=tool("new", SEED, "").encode()).splitlines()[0]
    assert tool("verify", key, signature, stdin=b"hello", ok=False).strip() == "malformed"


@pytest.mark.parametrize("comment", ["", "bob@example.org", "two words", "x" * 100])
def test_we_read_ssh_keygen(tmp_path, comment):
    """Goal: a key that ssh-keygen writes is read with the same public line and fingerprint."""
    path = keygen(tmp_path, "-t", "ed25519", "-C", comment)
    shown = tool("show", stdin=path.read_bytes()).splitlines()
    assert shown[0] == path.with_suffix(".pub").read_text().strip()
    assert shown[1] == run("ssh-keygen", "-l", "-f", str(path)).split(" ")[1]


@pytest.mark.parametrize("options, error", [
    (["-t", "rsa", "-b", "2048"], "key-type"),
    (["-t", "ecdsa"], "key-type"),
    (["-t", "ecdsa", "-m", "PEM"], "key-type"),
    (["-t", "ecdsa", "-m", "PKCS8"], "key-type"),
])
def test_other_types(tmp_path, options, error):
    """Goal: a key of another type is named as that."""
    path = keygen(tmp_path, *options)
    assert tool("show", stdin=path.read_bytes(), ok=False).strip() == error


@pytest.mark.parametrize("cipher", ["aes256-ctr", "aes256-gcm@openssh.com",
                                    "chacha20-poly1305@openssh.com"])
def test_passphrase(tmp_path, cipher):
    """Goal: a key with a passphrase is named as that, and can be read once it is taken off."""
    path = keygen(tmp_path, "-t", "ed25519", "-a", "1", "-Z", cipher, passphrase="secret")
    assert tool("show", stdin=path.read_bytes(), ok=False).strip() == "key-encrypted"
    run("ssh-keygen", "-q", "-p", "-P", "secret", "-N", "", "-f", str(path))
    assert tool("show", stdin=path.read_bytes()).startswith(key_of(path))


def test_public_file_is_malformed(tmp_path):
    """Goal: the file beside it, a likely mistake, is no private key."""
    path = keygen(tmp_path, "-t", "ed25519")
    public = path.with_suffix(".pub").read_bytes()
    assert tool("show", stdin=public, ok=False).strip() == "malformed"


# What stands between "bob " and the key, and the time, as ssh-keygen's -Overify-time wants it.
LINES = [
    ("", "20260101000000Z"),
    ('namespaces="avow"', "20260101000000Z"),
    ('NAMESPACES="git,a?o*"', "20260101000000Z"),
    ('namespaces="git"', "20260101000000Z"),
    ('namespaces="!avow,*"', "20260101000000Z"),
    ('namespaces="*,!avow"', "20260101000000Z"),
    ('namespaces="*,!git"', "20260101000000Z"),
    ('namespaces="!git"', "20260101000000Z"),
    ('namespaces=""', "20260101000000Z"),
    ('namespaces="x\\"y,avow"', "20260101000000Z"),
    ('namespaces="x y,avow"', "20260101000000Z"),
    ('namespaces="avow",namespaces="avow"', "20260101000000Z"),
    ('namespaces=avow', "20260101000000Z"),
    ('namespaces="avow', "20260101000000Z"),
    ("cert-authority", "20260101000000Z"),
    ("cert-authority,", "20260101000000Z"),
    ("no-pty", "20260101000000Z"),
    ('valid-after="20260101000000Z"', "20251231235959Z"),
    ('valid-after="20260101000000Z"', "20260101000000Z"),
    ('valid-after="20260101Z"', "20260101000000Z"),
    ('valid-before="20260101000000Z"', "20260101000000Z"),
    ('valid-before="20260101000000Z"', "20260101000001Z"),
    ('valid-before="202601010000Z"', "20260101000001Z"),
    ('valid-after="20260101Z",valid-before="20260102Z"', "20260101120000Z"),
    ('valid-after="20260101Z",valid-before="20260101Z"', "20260101000000Z"),
    ('valid-after="20240229Z"', "20260101000000Z"),
    ('valid-after="2024022Z"', "20260101000000Z"),
    ('valid-after="20241301Z"', "20260101000000Z"),
    ('valid-after="202401012400Z"', "20260101000000Z"),
    ('valid-after="20240101","20240101"', "20260101000000Z"),
]


@pytest.fixture(name="signed", scope="module")
def fixture_signed(tmp_path_factory):
    """A folder with a key and its signature of b"hello"."""
    folder = tmp_path_factory.mktemp("signed")
    path = keygen(folder, "-t", "ed25519", "-C", "bob")
    signature = run("ssh-keygen", "-Y", "sign", "-f", str(path), "-n", "avow", stdin=b"hello")
    (folder / "signature").write_text(signature)
    return path


@pytest.mark.parametrize("options, moment", LINES)
def test_allowed_as_ssh_keygen(signed, options, moment):
    """Goal: a line lets a key in for us exactly if ssh-keygen takes its signature by that line."""
    allowed = signed.with_name("allowed")
    allowed.write_text(f"bob {options}{' ' if options else ''}{key_of(signed)} comment\n")
    verify = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", "bob", "-n", "avow", "-s",
              str(signed.with_name("signature")), "-O", f"verify-time={moment}"]
    done = subprocess.run(verify, input=b"hello", capture_output=True, timeout=30, check=False)
    seconds = calendar.timegm(time.strptime(moment, "%Y%m%d%H%M%SZ"))
    ours = subprocess.run([str(TOOL), "allowed", key_of(signed), str(seconds)], timeout=30,
                          input=allowed.read_bytes(), capture_output=True, check=False)
    assert ours.returncode in (0, 1)
    assert (ours.returncode == 0) == (done.returncode == 0), (done, ours)
    if ours.returncode == 0:
        assert ours.stdout == b"1 bob\n"


def test_allowed_errors(signed):
    """Goal: the tool tells the errors apart; the number of a bad line is right."""
    key = key_of(signed)
    now = str(calendar.timegm((2026, 1, 1, 0, 0, 0)))

    def error(text):
        return tool("allowed", key, now, stdin=text.encode(), ok=False).strip()

    assert error("") == "not-found"
    assert error(f"bob namespaces=\"git\" {key}\n") == "not-found"
    assert error(f"bob valid-before=\"20200101\" {key}\n") == "expired"
    assert error(f"bob {key}\n\nbob no-pty {key}\n") == "3 malformed"
