# SPDX-License-Identifier: Apache-2.0
"""What all tests share: tests marked `full` run only with --full (./check --full gives it), tests
marked `alone` after the others, one at a time."""


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="run the long tests as well")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes long, runs only with --full")
    config.addinivalue_line("markers", "alone: not beside others: it wants a port or a machine to itself")


# A file is one worker's: the longest begin first, or the last of them would keep all waiting.
LONG_FILES = ("test_defences", "test_damage", "test_bad_places", "test_slow_lines", "test_mallory_long", "test_syscalls",
              "test_figures", "test_openings", "test_delivery", "test_every_bit", "test_mallory")


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: [*LONG_FILES, item.path.stem].index(item.path.stem))
    if config.getoption("--full"):
        return
    long_ones = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=long_ones)
    items[:] = [item for item in items if item not in long_ones]
