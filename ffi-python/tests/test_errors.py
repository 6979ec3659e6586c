"""Bad input gives one exception that says what, where and whose fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hauptbuch as hb
import numpy as np
import pyarrow as pa
import pytest
from conftest import simple
from hauptbuch import _native


def test_all_missing_and_unknown_columns_are_listed_at_once() -> None:
    with pytest.raises(hb.InputError) as caught:
        hb.simulate({"nonce": [1], "gass": [1], "colour": ["red"]})
    text = str(caught.value)
    for part in ("no column for the sender", "from_address", "for the gas", "for the fee",
                 "unknown columns: `gass`, `colour`"):  # fmt: skip
        assert part in text
    assert "\n" not in text
    assert hb.CODES[caught.value.code].name == "InvalidArgument"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (simple(nonce=[0, -1, 1]), r"row 1 .*column `nonce`.*found `-1`"),
        (simple(nonce=[0, 1.5, 1]), r"column `nonce`: row 1 .*float 1\.5"),
        (simple(nonce=[0, True, 1]), r"column `nonce`: row 1 .*bool True"),
        (simple(nonce=[0, "x", 1]), r"column `nonce`: row 1 .*a whole number, found str 'x'"),
        (simple(nonce=[0, None, 1]), r"row 1 .*column `nonce`"),
        (simple(amount=[0, 2**128, 1]), r"column `amount`: row 1 .*2\^128"),
        (simple(nonce=np.array([0.5, 0, 1])), r"column `nonce`: row 0 .*0\.5"),
        (simple(nonce=np.array([1j, 0, 1])), r"complex128 have no meaning"),
        (simple(nonce=np.zeros((3, 2), dtype=int)), r"2 dimensions"),
        (simple(sender=["11", "22" * 20, "11" * 20]), r"row 0 .*an address of 20 bytes"),
        (simple(sender=["11" * 20, 3, "11" * 20]), r"column `sender`: row 1 .*text, found int 3"),
        (simple(sender=[b"1" * 20, "x", b""]), r"column `sender`: row 1 .*bytes, found str"),
        (simple(gas=[1, 2]), r"column `gas` has 2 rows"),
        (simple(gas=21_000), r"column `gas`: a int is no sequence"),
        (simple(gas="123"), r"column `gas`: a str is no sequence"),
        (simple(gasLimit=[1, 2, 3]), r"several columns for the gas: `gas`, `gasLimit`"),
        ({"sender": [], "nonce": [], "fee": [], "gas": []}, r"no rows"),
        (simple(timestamp=np.array(["2024-01"] * 3, dtype="M8[M]")), r"must count s, ms, us or ns"),
        (np.zeros(3), r"must be structured"),
        (7, r"a int is no frame"),
        (pa.array([1]), r"no table"),
    ],
)  # fmt: skip
def test_bad_frames_are_refused_in_one_line(frame: Any, message: str) -> None:
    with pytest.raises(hb.InputError, match=message) as caught:
        hb.simulate(frame)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("choices", "message", "code"),
    [
        ({"policy": "fastest"}, "unknown policy `fastest`; there are: fcfs, priority", 405),
        ({"batch_ms": 0}, "batch_ms must be a whole number from 1", 209),
        ({"batch_ms": 0.5}, "batch_ms must be a whole number", 209),
        ({"batch_ms": True}, "batch_ms must be a whole number", 209),
        ({"batch_ms": 2**64 // 10**6}, "the last arrival lies beyond the year 2554", 209),
        ({"seed": -1}, "seed must be a whole number from 0", 209),
        ({"nonces": "sparse"}, "nonces must be `dense` or `raw`", 209),
        ({"frame": "dask"}, "unknown kind of frame `dask`", 209),
        ({"limits": {"speed": 1}}, "unknown limit `speed`; there are: pending_count_max", 209),
        ({"limits": {"slot_count_max": -1}}, "limit `slot_count_max`: -1 is no whole number", 300),
        ({"limits": {"slot_count_max": 0}}, "a limit is out of its range", 300),
        ({"limits": {"slot_bytes_max": 9}}, "two limits contradict each other", 301),
    ],
)
def test_bad_choices_are_refused(choices: dict[str, Any], message: str, code: int) -> None:
    with pytest.raises(hb.InputError) as caught:
        hb.simulate(simple(), **choices)
    assert message in str(caught.value)
    assert caught.value.code == code


def test_bad_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        hb.simulate(tmp_path / "none.csv")
    assert caught.value.filename == str(tmp_path / "none.csv")
    with pytest.raises(IsADirectoryError):
        hb.simulate(tmp_path)
    for name, content, message in [
        ("empty.csv", b"", "the input is empty"),
        ("header.csv", b"sender,nonce,fee,gas\n", "no rows"),
        ("short.csv", b"sender,nonce,fee,gas\n1,2\n", "line 2 has 2 fields"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00", "cut off or damaged"),
        ("cut.parquet", b"PAR1PAR1", "Parquet"),
        ("x.zip", b"PK\x03\x04", "a zip archive"),
    ]:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(hb.InputError, match=message):
            hb.simulate(path)


def test_generate_refuses_what_is_out_of_range() -> None:
    for arguments in ((0,), (10**7,), (5, -1), (5, 0, 0), (100, 0, 17), ("5",)):
        with pytest.raises(hb.InputError):
            hb.generate(*arguments)
    with pytest.raises(hb.InputError, match="unknown kind"):
        hb.generate(5, frame="list")


def test_the_hierarchy_lets_callers_choose() -> None:
    assert issubclass(hb.InputError, ValueError)
    for kind in (hb.InputError, hb.VerifyError, hb.InternalError):
        assert issubclass(kind, hb.HauptbuchError)


def test_a_panic_becomes_an_ordinary_exception() -> None:
    with pytest.raises(hb.InternalError, match="a panic on purpose") as caught:
        _native._panic()
    assert hb.CODES[caught.value.code].name == "Poisoned"
