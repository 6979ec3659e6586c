"""The package as such: its types, its examples, its names."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import hauptbuch as hb
from hauptbuch import _native

PACKAGE = Path(hb.__file__).parent


def test_examples_in_the_documentation_run() -> None:
    modules = [importlib.import_module(f"hauptbuch.{own.name}")
               for own in pkgutil.iter_modules([str(PACKAGE)])]  # fmt: skip
    attempted = 0
    runner = doctest.DocTestRunner()
    for module in [hb, *modules]:
        # Compiled functions fail the finder's own test of where they come from.
        is_native = module is _native
        finder = doctest.DocTestFinder()
        for test in finder.find(module, module=False if is_native else None):
            outcome = runner.run(test)
            assert outcome.failed == 0, test.name
            attempted += outcome.attempted
    # Fewer would mean that some were not found.
    assert attempted >= 18


def test_stubs_say_what_the_native_module_has() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "hauptbuch._native"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "-p", "hauptbuch"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_and_version() -> None:
    assert all(hasattr(hb, name) for name in hb.__all__)
    assert hb.__version__ == version("hauptbuch")
    assert hb.POLICIES == (
        "fcfs", "priority", "time-bucket", "shuffle", "greedy", "fair", "median",
    )  # fmt: skip
    assert hb.CODES[2].name == "Included"
    assert all(number == code.number for number, code in hb.CODES.items())


def test_native_classes_are_frozen_and_say_where_they_live() -> None:
    workload = _native.Workload.generated(3, 1, 1)
    assert repr(workload) == "<Workload of 3 transactions on 1 rollups>"
    assert type(workload).__module__ == "hauptbuch._native"
    for attempt in ("rollups", "something"):
        try:
            setattr(workload, attempt, 1)
        except AttributeError:
            continue
        raise AssertionError(f"{attempt} could be set")
