"""Every way in gives the same run, and every kind of frame comes back as itself."""

from __future__ import annotations

import csv
import gzip
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import hauptbuch as hb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import simple


class OnlyCapsule:
    """A table of some other library, known by its Arrow stream alone."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def write_csv(frame: dict[str, Any], path: Path) -> Path:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(frame)
        payloads = [payload.hex() for payload in frame["payload"]]
        writer.writerows(zip(*(frame | {"payload": payloads}).values(), strict=True))
    return path


def test_every_kind_gives_the_same_run_and_comes_back_as_itself(
    generated: dict[str, Any], tmp_path: Path
) -> None:
    expected = hb.simulate(generated)
    as_lists = {name: column.tolist() for name, column in generated.items()}
    # Arrow's libraries guess 64 signed bits for lists of numbers, so theirs come from arrays.
    as_text = generated | {"amount": [str(amount) for amount in as_lists["amount"]]}
    as_text |= {name: as_lists[name] for name in ("rollup", "sender", "recipient", "payload")}
    records = np.empty(
        len(generated["nonce"]),
        dtype=[(name, column.dtype) for name, column in generated.items()],
    )
    for name, column in generated.items():
        records[name] = column
    table = pa.table(as_text)
    parquet = tmp_path / "w.parquet"
    pq.write_table(table, parquet)
    frames: list[tuple[Any, type]] = [
        (as_lists, dict),
        (records, dict),
        (pd.DataFrame(generated), pd.DataFrame),
        (pd.DataFrame(as_text).convert_dtypes(), pd.DataFrame),
        (pl.DataFrame(as_text), pl.DataFrame),
        (pl.DataFrame(as_text).lazy(), pl.DataFrame),
        (table, pa.Table),
        (pa.RecordBatchReader.from_batches(table.schema, table.to_batches(100)), pa.Table),
        (table.to_batches()[0], pa.Table),
        (OnlyCapsule(table), pa.Table),
        (write_csv(generated, tmp_path / "w.csv"), dict),
        (str(write_csv(generated, tmp_path / "w.csv.gz")), dict),
        (parquet, dict),
        (hb.generate(2_000, 7, 3, frame="pandas"), pd.DataFrame),
        (hb.generate(2_000, 7, 3, frame="polars"), pl.DataFrame),
        (hb.generate(2_000, 7, 3, frame="pyarrow"), pa.Table),
    ]
    for frame, kind in frames:
        result = hb.simulate(frame)
        assert result.final_batch_hash == expected.final_batch_hash, type(frame)
        assert isinstance(result.order, kind), type(frame)
        assert type(result.slots) is type(result.outcomes) is type(result.order)
        assert np.array_equal(result.to("numpy").order["id"], expected.order["id"])


def test_frames_hold_the_same_columns_in_every_kind(generated: dict[str, Any]) -> None:
    result = hb.simulate(generated, policy="priority")
    for table in ("slots", "order", "outcomes"):
        columns = getattr(result, table)
        pandas = getattr(result.to_pandas(), table)
        polars = getattr(result.to("polars"), table)
        arrow = getattr(result.to("pyarrow"), table)
        assert list(columns) == list(pandas.columns) == polars.columns == arrow.column_names
        for name, column in columns.items():
            assert pandas[name].tolist() == polars[name].to_list() == column.tolist()
            assert arrow[name].to_pylist() == column.tolist()


def test_what_comes_back_can_be_changed_without_harm() -> None:
    result = hb.simulate(simple())
    before = result.final_batch_hash
    result.order["row"][0] = 99
    result.summary["transactions"]["included"] = 0
    assert result.summary["transactions"]["included"] == 3
    assert result.to("numpy").order["row"].tolist() == [0, 1, 2]
    assert result.final_batch_hash == before


@pytest.mark.parametrize(
    "sender",
    [
        ["0x" + "11" * 20, "0x" + "22" * 20, "0X" + "11" * 20],
        [b"\x11" * 20, b"\x22" * 20, bytearray(b"\x11" * 20)],
        np.array([b"\x11" * 20, b"\x22" * 20, b"\x11" * 20], dtype="V20"),
        np.array([b"11" * 20, b"22" * 20, b"11" * 20]),
        np.array(["11" * 20, "22" * 20, "11" * 20]),
        pd.Series(["11" * 20, "22" * 20, "11" * 20], dtype="category"),
        pl.Series([b"\x11" * 20, b"\x22" * 20, b"\x11" * 20]),
        pa.array(["11" * 20, "22" * 20, "11" * 20]).dictionary_encode(),
        pa.array([b"\x11" * 20, b"\x22" * 20, b"\x11" * 20], pa.binary(20)),
    ],
    ids=lambda own: f"{type(own).__module__}.{type(own).__name__}",
)
def test_addresses_may_be_text_or_bytes(sender: Any) -> None:
    expected = hb.simulate(simple()).final_batch_hash
    assert hb.simulate(simple(sender=sender)).final_batch_hash == expected


def test_an_address_that_ends_in_zero_bytes_keeps_them() -> None:
    address = b"\x11" * 18 + b"\0\0"
    kept = hb.simulate(simple(sender=np.array([address] * 3, dtype="V20"), nonce=[0, 1, 2]))
    as_text = hb.simulate(simple(sender=[address.hex()] * 3, nonce=[0, 1, 2]))
    assert kept.final_batch_hash == as_text.final_batch_hash


@pytest.mark.parametrize(
    "fee",
    [
        np.array([5, 9, 5], dtype=np.uint8),
        np.array([5, 9, 5], dtype=">i4"),
        np.array([5.0, 9.0, 5.0]),
        ["5", "9", "5"],
        [Decimal(5), Decimal("9.0"), Decimal(5)],
        pd.Series([5, 9, 5], dtype="Int64"),
        pd.Series([5, 9, 5], dtype="uint64[pyarrow]"),
        pl.Series([5, 9, 5], dtype=pl.Int128),
        pl.Series([5, 9, 5], dtype=pl.Decimal(20, 0)),
        pa.chunked_array([[5], [9, 5]], pa.uint16()),
        pa.array([Decimal(5), Decimal(9), Decimal(5)], pa.decimal128(38, 0)),
    ],
    ids=lambda own: f"{type(own).__module__}.{type(own).__name__}",
)
def test_numbers_may_be_of_any_type_that_holds_them(fee: Any) -> None:
    expected = hb.simulate(simple()).final_batch_hash
    assert hb.simulate(simple(fee=fee)).final_batch_hash == expected


@pytest.mark.parametrize(
    "missing",
    [
        [None, 2**100, None],
        np.array([np.nan, 7.0, np.nan]),
        pd.Series([None, 7, None], dtype="Int64"),
        pl.Series([None, 7, None]),
        pa.array([None, 7, None]),
        np.ma.MaskedArray([0, 7, 0], mask=[True, False, True]),
    ],
    ids=lambda own: f"{type(own).__module__}.{type(own).__name__}",
)
def test_values_may_be_missing(missing: Any) -> None:
    amount = 2**100 if isinstance(missing, list) else 7
    expected = hb.simulate(simple(amount=[0, amount, 0])).final_batch_hash
    assert hb.simulate(simple(amount=missing)).final_batch_hash == expected


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_of_the_world_count_from_the_earliest(unit: str) -> None:
    times = np.array(["2024-05-01T12:00:00.000", "2024-05-01T12:00:00.001",
                      "2024-05-01T12:00:00.250"], dtype=f"M8[{unit}]")  # fmt: skip
    expected = hb.simulate(simple()).final_batch_hash
    frame = simple(arrival_ms=None)
    for own in (
        frame | {"timestamp": times},
        pd.DataFrame(frame).assign(timestamp=times),
        pd.DataFrame(frame).assign(timestamp=pd.Series(times).dt.tz_localize("UTC")),
        pl.DataFrame(frame).with_columns(timestamp=pl.Series(times)),
        pa.table(frame | {"timestamp": pa.array(times)}),
    ):
        assert hb.simulate(own).final_batch_hash == expected, type(own)


def test_only_numpy_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("pandas", "polars", "pyarrow", "tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, library, None)
    assert hb.simulate(simple(), progress=True).summary["transactions"]["included"] == 3
    with pytest.raises(hb.InputError, match="pip install pandas"):
        hb.simulate(simple(), frame="pandas").order
    capsule = type("Other", (), {"__arrow_c_stream__": lambda self: None})()
    with pytest.raises(hb.InputError, match="install pyarrow or polars"):
        hb.simulate(capsule)
