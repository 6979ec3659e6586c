"""Columns as the native module takes them: little-endian numbers, and byte strings end to end."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from ._errors import InputError

INVALID_ARGUMENT = 209

Column = tuple[str, str, bytes, bytes | None, bytes | None]
"""Name, kind (``u64``, ``i64``, ``u128``, ``text``, ``bytes``), values, ends, present."""

_FLOAT_WHOLE_MAX = 2.0**53
"""Up to here every whole number is a float, so that a float column can stand for whole numbers."""


def from_array(name: str, array: np.ndarray[Any, Any]) -> Column:
    """A column of a flat array.

    ``S`` is text and ``V`` is bytes, because numpy cuts the zero bytes at the end of an ``S``.
    """
    if isinstance(array, np.ma.MaskedArray):
        return from_objects(name, array.tolist())
    if array.ndim != 1:
        raise _bad(name, f"an array of {array.ndim} dimensions is no column")
    match array.dtype.kind:
        case "u":
            return name, "u64", array.astype("<u8").tobytes(), None, None
        case "i":
            return name, "i64", array.astype("<i8").tobytes(), None, None
        case "M":
            return _from_times(name, array)
        case "f":
            return _from_floats(name, array)
        case "V" if array.dtype.names is None:
            return _fixed_bytes(name, array)
        case "U" | "O" | "T":
            return from_objects(name, array.tolist())
        case "S":
            return _parts(name, "text", array.tolist(), None)
    raise _bad(name, f"values of type {array.dtype} have no meaning in a transaction")


def from_objects(name: str, values: Sequence[Any]) -> Column:
    """A column of Python objects, all of one type; ``None`` stands for no value."""
    present = [not _is_missing(value) for value in values]
    flags = None if all(present) else bytes(present)
    first = next((value for value, there in zip(values, present, strict=True) if there), "")
    if isinstance(first, str):
        encoded = [_encoded(name, row, value) for row, value in enumerate(values)]
        return _parts(name, "text", encoded, flags)
    if isinstance(first, bytes | bytearray | memoryview):
        parts = [_bytes(name, row, value) for row, value in enumerate(values)]
        return _parts(name, "bytes", parts, flags)
    numbers = [_number(name, row, value) for row, value in enumerate(values)]
    low, high = min(numbers), max(numbers)
    if low >= 0 and high < 1 << 64:
        return name, "u64", np.array(numbers, dtype="<u8").tobytes(), None, flags
    if low >= -(1 << 63) and high < 1 << 63:
        return name, "i64", np.array(numbers, dtype="<i8").tobytes(), None, flags
    for row, number in enumerate(numbers):
        if not 0 <= number < 1 << 128:
            raise _bad(name, f"row {row} (counted from 0): {number} is not in 0 .. 2^128 - 1")
    return name, "u128", b"".join(number.to_bytes(16, "little") for number in numbers), None, flags


def named_with_unit(name: str, unit: str) -> str:
    """The name of a column of times, with its unit if it is just called ``timestamp``."""
    return f"{name}_{unit}" if name.lower() == "timestamp" else name


def _from_times(name: str, array: np.ndarray[Any, Any]) -> Column:
    unit, step = np.datetime_data(array.dtype)
    if unit not in ("s", "ms", "us", "ns") or step != 1:
        raise _bad(name, f"times must count s, ms, us or ns, not {array.dtype}")
    there = ~np.isnat(array)
    flags = None if there.all() else there.astype(np.uint8).tobytes()
    numbers = array.astype("<i8").tobytes()
    return named_with_unit(name, unit), "i64", numbers, None, flags


def _from_floats(name: str, array: np.ndarray[Any, Any]) -> Column:
    """Whole numbers that pandas made floats because a value is missing."""
    there = ~np.isnan(array)
    kept = np.where(there, array, 0.0)
    odd = (kept != np.trunc(kept)) | (np.abs(kept) > _FLOAT_WHOLE_MAX)
    if odd.any():
        row = int(np.argmax(odd))
        raise _bad(name, f"row {row} (counted from 0): {array[row]} is no exact whole number")
    flags = None if there.all() else there.astype(np.uint8).tobytes()
    return name, "i64", kept.astype("<i8").tobytes(), None, flags


def _fixed_bytes(name: str, array: np.ndarray[Any, Any]) -> Column:
    width = array.dtype.itemsize
    ends = np.arange(1, len(array) + 1, dtype="<u8") * np.uint64(width)
    return name, "bytes", array.tobytes(), ends.astype("<u8").tobytes(), None


def _parts(name: str, kind: str, parts: Sequence[bytes], flags: bytes | None) -> Column:
    lengths = np.fromiter((len(part) for part in parts), dtype="<u8", count=len(parts))
    return name, kind, b"".join(parts), np.cumsum(lengths, dtype="<u8").tobytes(), flags


def _is_missing(value: Any) -> bool:
    # Not a number is the one value that differs from itself; pandas has NA and NaT besides.
    return (
        value is None
        or (isinstance(value, float) and value != value)
        or type(value).__name__ in ("NAType", "NaTType")
    )


def _encoded(name: str, row: int, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if _is_missing(value):
        return b""
    raise _mixed(name, row, value, "text")


def _bytes(name: str, row: int, value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if _is_missing(value):
        return b""
    raise _mixed(name, row, value, "bytes")


def _number(name: str, row: int, value: Any) -> int:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if _is_missing(value):
        return 0
    if isinstance(value, Decimal | float) and value == int(value):
        if isinstance(value, Decimal) or abs(value) <= _FLOAT_WHOLE_MAX:
            return int(value)
    raise _mixed(name, row, value, "a whole number")


def _mixed(name: str, row: int, value: Any, expected: str) -> InputError:
    shown = repr(value)
    shown = shown if len(shown) <= 40 else shown[:40] + "…"
    kind = type(value).__name__
    return _bad(name, f"row {row} (counted from 0): expected {expected}, found {kind} {shown}")


def _bad(name: str, reason: str) -> InputError:
    return InputError(f"column `{name}`: {reason}", INVALID_ARGUMENT)
