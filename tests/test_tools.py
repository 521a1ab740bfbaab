# SPDX-License-Identifier: Apache-2.0
"""Goal: the scripts that ./check and ./quickstart rely on do not call a failure a success."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
BUILD = pathlib.Path(os.environ.get("AVOW_BUILD", ROOT / "build")).resolve()
CMOCKA_GOOD = "[ RUN      ] test_a\n[       OK ] test_a\n[ RUN      ] test_b\n[       OK ] test_b\n"
CMOCKA_BAD = "[ RUN      ] test_a\n[       OK ] test_a\n[ RUN      ] test_b\n[  FAILED  ] test_b\n"

ALICE = """#!/bin/sh
echo Server
mkdir logs
mkfifo line
exec 3<line
while read -r text <&3; do
  echo "$text"
  echo "Message text: $text" >>logs/1.log
  [ "$text" = quit ] && exit ALICE_STATUS
done
"""
BOB = """#!/bin/sh
echo Client
stty -icanon icrnl
until [ -e line ]; do sleep 0.05; done
exec 3>line
echo 'You can now send messages to the server:'
while read -r text; do
  echo "$text" >&3
  [ "$text" = quit ] && exit 0
  printf 'Waiting..\\rWaiting...\\r\\033[K'
  echo BOB_ANSWER
done
"""
CONFIRMED = "Your message was successfully received by the server."


@pytest.mark.parametrize("programs, counts", [
    ([("OK", CMOCKA_GOOD)], "2 0"),
    ([("OK", CMOCKA_GOOD), ("OK", "no cmocka output")], "3 0"),
    ([("FAIL", CMOCKA_BAD)], "1 1"),
    ([("FAIL", CMOCKA_GOOD)], "2 1"),  # A sanitizer found a leak after the last case.
    ([("ERROR", "")], "0 1"),
    ([("TIMEOUT", "[ RUN      ] test_a\n")], "0 1"),
    ([("SKIP", "")], "0 1"),
    ([("OK", "[ RUN      ] test_a\n[  SKIPPED ] test_a\n" + CMOCKA_GOOD)], "2 1"),
    ([], "0 0"),
])
def test_unit_tests_are_counted(tmp_path, programs, counts):
    log = tmp_path / "testlog.json"
    log.write_text("".join(json.dumps({"result": result, "stdout": output}) + "\n"
                           for result, output in programs))
    assert count(log) == counts


@pytest.mark.parametrize("attributes, counts", [
    ('tests="5" failures="0" errors="0" skipped="0"', "5 0"),
    ('tests="5" failures="1" errors="1" skipped="1"', "2 3"),
    ('tests="0" failures="0" errors="0" skipped="0"', "0 0"),
])
def test_pytest_cases_are_counted(tmp_path, attributes, counts):
    result = tmp_path / "pytest.xml"
    result.write_text(f'<?xml version="1.0"?><testsuites><testsuite {attributes}/></testsuites>')
    assert count(result) == counts


def test_no_result_is_no_count(tmp_path):
    result = subprocess.run([sys.executable, TOOLS / "count_tests", tmp_path / "none"],
                            capture_output=True, text=True, timeout=30)
    assert result.returncode != 0 and result.stdout == ""


def count(file):
    return subprocess.run([sys.executable, TOOLS / "count_tests", file], check=True,
                          capture_output=True, text=True, timeout=30).stdout.strip()


def converse(folder, alice, bob):
    for name, text in ("alice", alice), ("bob", bob):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return subprocess.run([sys.executable, TOOLS / "screen", folder / "alice", folder / "bob", folder,
                           "one", "two"], capture_output=True, text=True, timeout=60)


def test_a_conversation_is_shown(tmp_path):
    result = converse(tmp_path, ALICE.replace("ALICE_STATUS", "0"), BOB.replace("BOB_ANSWER", CONFIRMED))
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stdout
    assert lines.count(CONFIRMED) == 2
    assert "Message text: one" in lines and "Message text: two" in lines
    assert not [line for line in lines if "Waiting" in line or "\r" in line or "\x1b" in line]


@pytest.mark.parametrize("status, answer, opening, reason", [
    ("3", CONFIRMED, "echo", "alice ended with exit status 3"),
    ("0", CONFIRMED, "exit 1 #", "bob never became ready"),
    ("0", "; exit 1", "echo", "no confirmation of message 1"),
], ids=["status", "ready", "confirmation"])
def test_a_conversation_that_fails_is_said_to(tmp_path, status, answer, opening, reason):
    bob = BOB.replace("BOB_ANSWER", answer).replace("echo 'You can", f"{opening} 'You can")
    result = converse(tmp_path, ALICE.replace("ALICE_STATUS", status), bob)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == f"The conversation failed: {reason}."


def test_quiet_sessions_are_measured(tmp_path):
    """Goal: the bench speaks the protocol of this alice; it is a bob of its own, that nothing else runs."""
    said = subprocess.run(["/usr/bin/python3", ROOT / "bench" / "quiet.py", "--seconds", "1", "--every", "0.3",
                           BUILD, "3"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    row = said.splitlines()[-1].split(" | ")
    assert row[0] == "| 3" and int(row[2]) == int(row[8]) >= 9, said
