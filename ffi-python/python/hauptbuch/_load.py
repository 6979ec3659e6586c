"""A run's output, read back as frames."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from . import _frames, _native
from ._result import Result

_INCLUDED = 2
"""The code of a transaction that a slot includes."""


def load(directory: str | os.PathLike[str], *, verify: bool = True, frame: str = "numpy") -> Result:
    """Reads the output of a run, from here or from the command line.

    Rows are counted in the order of submission, which is that of the input by arrival; otherwise
    the result is the one that ``simulate`` returned.

    :param verify: checks the output first, as ``verify`` does. Without it a directory that was
        changed gives a result as well, or an error of any kind.
    :param frame: the kind of the frames: ``"numpy"``, ``"pandas"``, ``"polars"`` or ``"pyarrow"``.

    Raises ``VerifyError`` where the output does not hold, ``OSError`` where it can't be read.

    >>> import tempfile
    >>> import hauptbuch as hb
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     result = hb.simulate(hb.generate(100), out=directory)
    ...     loaded = hb.load(directory)
    >>> loaded.summary["transactions"] == result.summary["transactions"]
    True
    >>> loaded.slots["hash"].tolist() == result.slots["hash"].tolist()
    True
    """
    _frames.check_kind(frame)
    if verify:
        _native.verify(os.fspath(directory))
    root = Path(directory)
    genesis = _document(root / "genesis.json")
    summary = _document(root / "summary.json")
    timing = _document(root / "timing.json")
    slots = _slots(root / "batches.jsonl")
    names = [rollup["name"] for rollup in genesis["rollups"]]
    start_ns = int(genesis["epoch_unix_ns"])
    order, outcomes = _receipts(root / "receipts.jsonl", slots["time_ns"], names, start_ns)
    del summary["format"]
    columns = {"slots": slots, "order": order, "outcomes": outcomes}
    kept = {"elapsed_ns": timing["elapsed_ns"], "transactions_per_s": timing["transactions_per_s"]}
    return Result(columns, summary, kept, frame)


def _document(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError(f"{path} holds no document")
    return {name: _plain(value, name) for name, value in document.items()}


def _plain(value: Any, name: str) -> Any:
    """Numbers past 2^53 stand as text, but in the fields that are text."""
    if isinstance(value, dict):
        return {key: _plain(own, key) for key, own in value.items()}
    if isinstance(value, list):
        return [_plain(own, name) for own in value]
    is_number = isinstance(value, str) and len(value) > 15 and value.isdecimal()
    return int(value) if is_number and name not in _TEXTS else value


_TEXTS = frozenset(("name", "format", "notes", "arrivals"))
"""Fields in which somebody could have written digits; digests have letters, or 64 digits."""


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _slots(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    lines = _lines(path)
    hashes = np.empty(len(lines), dtype=object)
    hashes[:] = [line["hash"] for line in lines]
    return {
        "height": _u64(line["height"] for line in lines),
        "hash": hashes,
        "time_ns": _u64(line["time_unix_ns"] for line in lines),
        "transactions": _u64(line["transactions"] for line in lines),
        "bytes": _u64(sum(int(own["bytes"]) for own in line["rollups"]) for line in lines),
        "gas": _u64(sum(int(own["gas"]) for own in line["rollups"]) for line in lines),
        "encoded_bytes": _u64(len(line["encoded"]) // 2 for line in lines),
    }


def _receipts(
    path: Path, times_ns: np.ndarray[Any, Any], names: list[str], start_ns: int
) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, np.ndarray[Any, Any]]]:
    lines = _lines(path)
    included = [line for line in lines if line["code"] == _INCLUDED]
    included.sort(key=lambda line: (line["height"], line["rollup"], line["position"]))
    heights = _u64(line["height"] for line in included)
    arrivals = _u64(line["arrival_tick"] for line in included)
    ids, rollups = (np.empty(len(included), dtype=object) for _ in range(2))
    ids[:] = [line["id"] for line in included]
    rollups[:] = [names[line["rollup"]] for line in included]
    order = {
        "row": _u64(line["index"] for line in included),
        "id": ids,
        "rollup": rollups,
        "height": heights,
        "position": _u64(line["position"] for line in included),
        "delay_ns": times_ns[heights.astype(np.int64) - 1] - np.uint64(start_ns) - arrivals,
    }
    outcomes = np.empty(len(lines), dtype=object)
    outcomes[:] = [line["outcome"] for line in lines]
    return order, {
        "row": np.arange(len(lines), dtype=np.uint64),
        "code": _u64(line["code"] for line in lines),
        "outcome": outcomes,
    }


def _u64(values: Any) -> np.ndarray[Any, Any]:
    return np.fromiter((int(value) for value in values), dtype=np.uint64)
