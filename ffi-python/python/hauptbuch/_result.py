"""What a run came to, as frames."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _frames

if TYPE_CHECKING:
    from . import _native

_TERMINAL = ("included", "expired", "evicted", "replaced", "cancelled", "revoked", "superseded")
"""What can become of an admitted transaction; codes 2 to 8."""

_REFUSED_FROM = 100
"""Codes from here on say why a transaction was refused."""


def numbers(data: bytearray) -> np.ndarray[Any, Any]:
    """Unsigned 64-bit numbers, without a copy."""
    return np.frombuffer(data, dtype="<u8")


def texts(data: bytearray, width: int) -> np.ndarray[Any, Any]:
    """Byte strings of one length as hexadecimal digits."""
    digits = data.hex()
    array = np.empty(len(data) // width, dtype=object)
    array[:] = [digits[at : at + 2 * width] for at in range(0, len(digits), 2 * width)]
    return array


class Result:
    """What a run came to; made by ``simulate``, or read by ``load``.

    Frames are of the kind that the input had; ``to`` gives the same result with another kind.

    >>> import hauptbuch as hb
    >>> result = hb.simulate(hb.generate(50, seed=2))
    >>> result
    <hauptbuch.Result: 50 of 50 transactions included in 1 slots, policy fcfs>
    >>> result.final_batch_hash == hb.simulate(hb.generate(50, seed=2)).final_batch_hash
    True
    """

    __slots__ = ("_built", "_columns", "_frame", "_summary", "_timing")

    def __init__(
        self,
        columns: dict[str, dict[str, np.ndarray[Any, Any]]],
        summary: dict[str, Any],
        timing: dict[str, int],
        frame: str,
    ) -> None:
        self._frame = frame
        self._built: dict[str, Any] = {}
        self._columns = columns
        self._summary = summary
        self._timing = timing

    @classmethod
    def _of_run(
        cls,
        run: _native.Run,
        workload: _native.Workload,
        options: Mapping[str, Any],
        code_names: Mapping[int, str],
        frame: str,
    ) -> Result:
        columns = {
            "slots": _slots(run),
            "order": _order(run, workload.rollups),
            "outcomes": _outcomes(run, code_names),
        }
        seconds = max(run.elapsed_ns, 1) / 1e9
        timing = {
            "elapsed_ns": run.elapsed_ns,
            "transactions_per_s": round(run.submitted / seconds),
        }
        return cls(columns, _summary(run, workload, options, code_names), timing, frame)

    @property
    def slots(self) -> Any:
        """A row for each slot: ``height``, ``hash``, ``time_ns`` (agreed, since the Unix epoch),
        ``transactions``, ``bytes`` and ``gas`` of its transactions, ``encoded_bytes`` in all."""
        return self._get("slots")

    @property
    def order(self) -> Any:
        """A row for each included transaction, by height, rollup and position: its ``row`` in the
        input (counted from 0), ``id``, ``rollup``, ``height``, ``position``, ``delay_ns``."""
        return self._get("order")

    @property
    def outcomes(self) -> Any:
        """A row for each row of the input, in its order: ``row``, ``code``, ``outcome``."""
        return self._get("outcomes")

    @property
    def summary(self) -> dict[str, Any]:
        """The run in numbers, with the fields of the command line's ``summary.json``."""
        return {name: _copied(own) for name, own in self._summary.items()}

    @property
    def fairness(self) -> list[dict[str, Any]] | None:
        """How fair the order of each rollup is, where receive logs gave it."""
        fairness = self._summary.get("fairness")
        return None if fairness is None else [_copied(own) for own in fairness]

    @property
    def consensus(self) -> dict[str, Any] | None:
        """How a committee agreed on the slots, where its members sign: rounds, votes, signatures,
        and by member how many certificates bear its signature."""
        consensus = self._summary.get("consensus")
        return None if consensus is None else {key: _copied(own) for key, own in consensus.items()}

    @property
    def timing(self) -> dict[str, int]:
        """``elapsed_ns`` of the run by the clock on the wall, and ``transactions_per_s``."""
        return dict(self._timing)

    @property
    def final_batch_hash(self) -> str:
        """The hash of the last slot, which binds everything before it."""
        return str(self._summary["final_batch_hash"])

    def to(self, frame: str) -> Result:
        """The same result with frames of another kind.

        >>> import hauptbuch as hb
        >>> type(hb.simulate(hb.generate(50)).to("pandas").order).__name__
        'DataFrame'
        """
        _frames.check_kind(frame)
        other = object.__new__(Result)
        for name in Result.__slots__:
            setattr(other, name, getattr(self, name))
        other._frame, other._built = frame, {}
        return other

    def to_pandas(self) -> Result:
        """The same result with pandas frames."""
        return self.to("pandas")

    def __repr__(self) -> str:
        counts = self._summary["transactions"]
        return (
            f"<hauptbuch.Result: {counts['included']} of {counts['submitted']} transactions "
            f"included in {self._summary['batches']} slots, policy {self._summary['policy']}>"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return self._summary == other._summary and all(
            np.array_equal(own[name], other._columns[table][name])
            for table, own in self._columns.items()
            for name in own
        )

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:right'>{html.escape(value)}</td></tr>"
            for name, value in self._headline()
        )
        return f"<table><caption>{html.escape(repr(self)[1:-1])}</caption>{rows}</table>"

    def _headline(self) -> list[tuple[str, str]]:
        summary, counts = self._summary, self._summary["transactions"]
        delays = summary["delay_ns"]
        rows = [("submitted", f"{counts['submitted']:,}"), ("admitted", f"{counts['admitted']:,}")]
        rows += [(name, f"{counts[name]:,}") for name in _TERMINAL if counts[name]]
        rows += [(f"rejected: {name}", f"{n:,}") for name, n in counts["rejected"].items()]
        rows += [
            ("slots", f"{summary['batches']:,}"),
            ("delay, median", f"{delays['p50'] / 1e6:,.1f} ms"),
            ("delay, 99 %", f"{delays['p99'] / 1e6:,.1f} ms"),
            *self._committee(),
            ("run time", f"{self._timing['elapsed_ns'] / 1e6:,.1f} ms"),
            ("final hash", self.final_batch_hash),
        ]
        return rows

    def _committee(self) -> list[tuple[str, str]]:
        consensus = self._summary.get("consensus")
        if consensus is None:
            return []
        certificate = consensus["certificate_bytes"] / max(consensus["heights"], 1) / 1024
        return [
            ("committee", f"{consensus['members']} members, {consensus['suite']}"),
            ("rounds, at most", f"{consensus['rounds_max']:,}"),
            ("certificate", f"{certificate:,.1f} KiB"),
        ]

    def _get(self, table: str) -> Any:
        if table not in self._built:
            self._built[table] = _frames.build(self._columns[table], self._frame)
        return self._built[table]


def _slots(run: _native.Run) -> dict[str, np.ndarray[Any, Any]]:
    raw = run.slots()
    return {name: texts(own, 32) if name == "hash" else numbers(own) for name, own in raw.items()}


def _order(run: _native.Run, rollups: list[str]) -> dict[str, np.ndarray[Any, Any]]:
    raw = run.order()
    columns = {name: texts(own, 32) if name == "id" else numbers(own) for name, own in raw.items()}
    names = np.array(rollups, dtype=object)
    columns["rollup"] = names[columns["rollup"].astype(np.int64)]
    return columns


def _outcomes(
    run: _native.Run, code_names: Mapping[int, str]
) -> dict[str, np.ndarray[Any, Any]]:
    codes = numbers(run.outcomes())
    seen, places = np.unique(codes, return_inverse=True)
    names = np.array([code_names[int(code)] for code in seen], dtype=object)
    return {
        "row": np.arange(len(codes), dtype=np.uint64),
        "code": codes,
        "outcome": names[places],
    }


def _summary(
    run: _native.Run,
    workload: _native.Workload,
    options: Mapping[str, Any],
    code_names: Mapping[int, str],
) -> dict[str, Any]:
    counts = dict(run.counts())
    by_name = {name.lower(): counts.get(number, 0) for number, name in code_names.items()}
    rejected = {code_names[number]: n for number, n in counts.items() if number >= _REFUSED_FROM}
    slots = numbers(run.slots()["height"])
    # Only what there is, in the command line's order.
    found = {"fairness": run.fairness(), "consensus": run.consensus()}
    figures = {name: json.loads(text) for name, text in found.items() if text is not None}
    quantile_names = ("count", "min", "p50", "p90", "p99", "p999", "max")
    return {
        "input": {
            "name": workload.file_name,
            "format": workload.format,
            "sha256": workload.sha256(),
            "rows": len(workload),
            "nonce_gaps_closed": workload.nonce_gaps_closed,
            "notes": workload.notes,
        },
        "seed": options["seed"],
        "policy": options["policy"],
        "sequencers": run.sequencer_count,
        "rollups": len(workload.rollups),
        "slot_interval_ns": options["slot_interval_ns"],
        "transactions": {
            "submitted": run.submitted,
            "admitted": by_name["admitted"],
            "rejected": rejected,
            **{name: by_name[name] for name in _TERMINAL},
        },
        "batches": len(slots),
        "final_batch_hash": run.final_hash,
        "delay_ns": dict(zip(quantile_names, run.delay_quantiles(), strict=True)),
        "memory_bytes": run.footprint_bytes,
        "memory": [{"name": name, "bytes": size} for name, size in run.memory()],
        "signed": "consensus" in figures,
        **figures,
    }


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(own) for name, own in value.items()}
    return [_copied(own) for own in value] if isinstance(value, list) else value
