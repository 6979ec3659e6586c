"""Frames into columns, and columns into frames.

The kinds of frame are ``"numpy"`` (a dict of arrays), ``"pandas"``, ``"polars"`` and
``"pyarrow"``. The last three are imported only where one of their objects came in, or where one
was asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ._cells import Column, from_array, from_objects, named_with_unit
from ._errors import InputError

INVALID_ARGUMENT = 209
"""The code of a bad argument, which it has in every language."""

KINDS = ("numpy", "pandas", "polars", "pyarrow")


def read(frame: Any) -> tuple[list[Column], str]:
    """Takes a frame apart; also says which kind of frame to answer with."""
    library = type(frame).__module__.partition(".")[0]
    if library == "pandas" and hasattr(frame, "columns"):
        return _read_pandas(frame), "pandas"
    if library == "polars":
        return _read_polars(frame), "polars"
    if library == "pyarrow":
        return _read_pyarrow(frame), "pyarrow"
    if isinstance(frame, np.ndarray):
        return _read_structured(frame), "numpy"
    if isinstance(frame, Mapping):
        return [_read_column(str(name), values) for name, values in frame.items()], "numpy"
    if hasattr(frame, "__arrow_c_stream__"):
        return _read_capsule(frame)
    raise InputError(
        f"a {type(frame).__name__} is no frame: give a path, a pandas, polars or pyarrow table, "
        "an object with __arrow_c_stream__, a numpy structured array, or a dict of columns",
        INVALID_ARGUMENT,
    )


def build(columns: Mapping[str, np.ndarray[Any, Any]], kind: str) -> Any:
    """Makes a frame of equally long columns. Text comes as arrays of ``str`` objects."""
    if kind == "numpy":
        return {name: column.copy() for name, column in columns.items()}
    library = require(kind)
    plain = {name: _plain(column) for name, column in columns.items()}
    if kind == "pyarrow":
        return library.table(plain)
    return library.DataFrame(plain)


def check_kind(kind: str) -> None:
    """Refuses the name of a kind that does not exist."""
    if kind not in KINDS:
        raise InputError(
            f"unknown kind of frame `{kind}`; there are: {', '.join(KINDS)}", INVALID_ARGUMENT
        )


def require(library: str) -> Any:
    """Imports a library that this package does not depend on."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise InputError(
            f"frames of {library} need {library}: pip install {library}", INVALID_ARGUMENT
        ) from error


def _plain(column: np.ndarray[Any, Any]) -> Any:
    # Arrow libraries take lists of str or bytes, not arrays of objects.
    return column.tolist() if column.dtype == object else column


def _read_column(name: str, values: Any) -> Column:
    """One value of a dict: an array, a Series of whichever library, or a sequence."""
    if isinstance(values, np.ndarray):
        return from_array(name, values)
    library = type(values).__module__.partition(".")[0]
    if library == "pandas" and hasattr(values, "isna"):
        return _read_series(name, values)
    if library == "polars" and hasattr(values, "to_physical"):
        return _read_polars_series(name, values)
    if library == "pyarrow" and hasattr(values, "to_pylist"):
        return _read_arrow_array(name, values)
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return from_objects(name, list(values))
    raise InputError(
        f"column `{name}`: a {type(values).__name__} is no sequence of values", INVALID_ARGUMENT
    )


def _read_structured(array: np.ndarray[Any, Any]) -> list[Column]:
    if array.dtype.names is None or array.ndim != 1:
        raise InputError(
            "a numpy array must be structured, with a name for each column, and flat",
            INVALID_ARGUMENT,
        )
    return [from_array(name, array[name]) for name in array.dtype.names]


def _read_pandas(frame: Any) -> list[Column]:
    # By position, because two columns can have the same name, and the reader says so better.
    return [
        _read_series(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)
    ]


def _read_series(name: str, series: Any) -> Column:
    if isinstance(series.dtype, np.dtype) and series.dtype != object:
        return from_array(name, series.to_numpy())
    if getattr(series.dtype, "tz", None) is not None:
        return from_array(name, series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    missing = series.isna().to_numpy()
    kind = getattr(series.dtype, "kind", "O")
    if kind in "iu" and not missing.any():
        return from_array(name, series.to_numpy(dtype=f"{kind}8"))
    objects = series.astype(object).tolist()
    return from_objects(
        name, [None if gone else value for value, gone in zip(objects, missing, strict=True)]
    )


def _read_polars(frame: Any) -> list[Column]:
    if not hasattr(frame, "get_columns"):
        # A lazy frame has no values until it is collected.
        frame = frame.collect() if hasattr(frame, "collect") else frame.to_frame()
    return [_read_polars_series(series.name, series) for series in frame.get_columns()]


def _read_polars_series(name: str, series: Any) -> Column:
    unit = getattr(series.dtype, "time_unit", None)
    if unit is not None:
        name, series = named_with_unit(name, unit), series.to_physical()
    if series.null_count() == 0 and series.dtype.is_integer():
        # numpy has no integers of 128 bits, so those go as objects.
        if not str(series.dtype).endswith("128"):
            return from_array(name, series.to_numpy())
    return from_objects(name, series.to_list())


def _read_pyarrow(table: Any) -> list[Column]:
    if hasattr(table, "read_all"):
        table = table.read_all()
    if not hasattr(table, "column_names") and hasattr(table, "schema"):
        table = require("pyarrow").table(table)
    if not hasattr(table, "column_names"):
        raise InputError(
            f"a pyarrow {type(table).__name__} is no table", INVALID_ARGUMENT
        )
    return [
        _read_arrow_array(name, table.column(place))
        for place, name in enumerate(table.column_names)
    ]


def _read_arrow_array(name: str, array: Any) -> Column:
    pa = require("pyarrow")
    kind = array.type
    if pa.types.is_timestamp(kind):
        name, array = named_with_unit(name, kind.unit), array.cast(pa.int64())
        kind = array.type
    if pa.types.is_integer(kind) and array.null_count == 0:
        return from_array(name, np.asarray(array.to_numpy()))
    return from_objects(name, array.to_pylist())


def _read_capsule(frame: Any) -> tuple[list[Column], str]:
    """A table of a library unknown here, read by whichever of the two that can is installed."""
    readers: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], list[Column]]], ...] = (
        ("pyarrow", lambda own: require("pyarrow").table(own), _read_pyarrow),
        ("polars", lambda own: require("polars").DataFrame(own), _read_polars),
    )
    for library, convert, take_apart in readers:
        try:
            importlib.import_module(library)
        except ImportError:
            continue
        return take_apart(convert(frame)), library
    raise InputError(
        f"to read a {type(frame).__name__} through __arrow_c_stream__, install pyarrow or polars",
        INVALID_ARGUMENT,
    )
