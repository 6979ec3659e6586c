"""The functions of this package: runs over frames and files, and workloads to run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from . import _frames, _native
from ._errors import InputError
from ._progress import reporter
from ._result import Result, numbers, texts


class Code(NamedTuple):
    """What a stable number means."""

    number: int
    name: str
    message: str


CODES: Mapping[int, Code] = MappingProxyType(
    {number: Code(number, name, message) for number, name, message in _native.CODES}
)
"""Every code by its number: what became of a transaction, and what can go wrong."""

POLICIES: tuple[str, ...] = tuple(_native.POLICIES)
"""The names of the policies that ``simulate`` takes."""

_BATCH_MS_MAX = (2**64 - 1) // 1_000_000


def simulate(
    transactions: Any,
    *,
    policy: str = "fcfs",
    sequencers: int | None = None,
    bucket_ms: int | None = None,
    batch_ms: int = 200,
    seed: int = 0,
    nonces: str = "dense",
    chain_id: int = 1,
    fee_floor: int = 0,
    limits: Mapping[str, int] | None = None,
    out: str | os.PathLike[str] | None = None,
    frame: str | None = None,
    progress: bool | Callable[[int, int], object] = False,
) -> Result:
    """Runs one sequencer over transactions, in simulated time, or several that order fairly.

    The same input and choices give the same slots and hashes as the command line's ``run``, whose
    defaults are others: the policy ``fair`` and the seed 1.

    :param transactions: a frame (see the package) or the path of a CSV, CSV.gz or Parquet file.
        Needed are the columns ``sender``, ``nonce``, ``gas`` and ``fee``; all that are understood
        are listed in the message of an ``InputError`` about columns.
    :param policy: how they are put in order, one of ``POLICIES``. ``"greedy"`` orders trades, so it
        needs the columns ``pool`` (an address; a row without one does not trade, and is refused),
        ``side`` (``buy`` or ``sell``, seen from the pool's first token), ``amount`` (what is paid),
        ``reserve0`` and ``reserve1`` (what the pool holds when the row arrives). Every other policy
        takes them and does not look at them.
    :param sequencers: how many sequencers receive the transactions, each at times of its own that
        are modelled, and agree on slots; at most 100. Unless given, 5 under ``fair`` and ``median``,
        where a quarter of the others may lie, and 1 under policies that take slots from a pool.
    :param bucket_ms: milliseconds of a bucket under the policy ``time-bucket``; 100 unless given.
    :param batch_ms: milliseconds of simulated time from slot to slot.
    :param seed: where all randomness comes from.
    :param nonces: ``"dense"`` renumbers each sender's nonces without gaps, because samples of a
        chain miss most of them; ``"raw"`` takes them as they are.
    :param chain_id: names the network; every hash depends on it.
    :param fee_floor: the lowest fee per gas that is admitted.
    :param limits: maxima of the core by name, such as ``{"slot_count_max": 100}``; the parts of a
        quota stand behind a dot, as in ``"sender_quota.count_max"``.
    :param out: a directory to write as the command line does, for ``verify`` and everybody else;
        it is replaced whole, and only where it is missing, empty or the output of a run.
    :param frame: the kind of the frames that come back, if not that of the input: ``"numpy"``
        (also for a path), ``"pandas"``, ``"polars"`` or ``"pyarrow"``.
    :param progress: ``True`` for a bar, where tqdm is installed; or a function that is called with
        the number of transactions submitted and their total. What it raises ends the run.

    The interpreter is free for other threads meanwhile, and Ctrl-C ends the run.

    Raises ``InputError`` for what can't be used, and ``OSError`` for a file that can't be read or
    written.

    >>> import hauptbuch as hb
    >>> result = hb.simulate({
    ...     "arrival_ms": [0, 1, 250],
    ...     "sender": ["11" * 20, "22" * 20, "11" * 20],
    ...     "nonce": [0, 0, 1],
    ...     "fee": [5, 9, 5],
    ...     "gas": [21_000, 21_000, 21_000],
    ... }, policy="priority")
    >>> result.order["row"].tolist(), result.order["height"].tolist()
    ([1, 0, 2], [1, 1, 2])
    """
    if frame is not None:
        _frames.check_kind(frame)
    batch_ns = _whole("batch_ms", batch_ms, 1, _BATCH_MS_MAX) * 1_000_000
    bucket_ns = None
    if bucket_ms is not None:
        bucket_ns = _whole("bucket_ms", bucket_ms, 1, _BATCH_MS_MAX) * 1_000_000
    u64_max = 2**64 - 1
    if isinstance(transactions, str | os.PathLike):
        workload = _native.Workload.from_file(os.fspath(transactions), nonces)
        kind = "numpy"
    else:
        columns, kind = _frames.read(transactions)
        workload = _native.Workload.from_columns(columns, nonces)
    with reporter(progress, len(workload)) as report:
        run = _native.run(
            workload,
            policy=policy,
            batch_ns=batch_ns,
            seed=_whole("seed", seed, 0, u64_max),
            chain_id=_whole("chain_id", chain_id, 0, u64_max),
            fee_floor=_whole("fee_floor", fee_floor, 0, u64_max),
            limits=dict(limits or {}),
            sequencers=None if sequencers is None else _whole("sequencers", sequencers, 1, 100),
            bucket_ns=bucket_ns,
            out=None if out is None else os.fspath(out),
            on_progress=report,
        )
    options = {"policy": policy, "slot_interval_ns": batch_ns, "seed": int(seed)}
    names = {number: code.name for number, code in CODES.items()}
    return Result._of_run(run, workload, options, names, frame or kind)


def generate(
    count: int = 100_000, seed: int = 1, rollups: int = 2, *, frame: str = "numpy"
) -> Any:
    """Draws transactions from the built-in market of senders, which is fitted to real blocks.

    Returns a frame with the columns of finished records: ``arrival_ns``, ``rollup``, ``sender``,
    ``recipient`` (hexadecimal), ``amount``, ``nonce``, ``fee``, ``gas``, ``expiry_ns`` (2^64 - 1
    for never), ``kind``, ``account_nonce`` and ``payload`` (bytes). Amounts pass 64 bits: they are
    Python integers in numpy and pandas, and text in polars and pyarrow.

    Raises ``InputError`` where a number is out of its range.

    >>> import hauptbuch as hb
    >>> transactions = hb.generate(100, seed=3, rollups=4)
    >>> len(transactions["nonce"]), sorted(set(transactions["rollup"].tolist()))
    (100, ['rollup-0', 'rollup-1', 'rollup-2', 'rollup-3'])
    """
    _frames.check_kind(frame)
    workload = _native.Workload.generated(
        _whole("count", count, 0, 2**32 - 1),
        _whole("seed", seed, 0, 2**64 - 1),
        _whole("rollups", rollups, 0, 2**32 - 1),
    )
    raw = workload.columns()
    amounts = _amounts(raw.pop("amount"))
    payloads = raw.pop("payload")
    rollup_numbers = numbers(raw.pop("rollup")).astype(np.int64)
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for name, data in raw.items():
        is_address = name in ("sender", "recipient")
        columns[name] = texts(data, 20) if is_address else numbers(data)
    columns["rollup"] = np.array(workload.rollups, dtype=object)[rollup_numbers]
    as_text = frame in ("polars", "pyarrow")
    columns["amount"] = _objects([str(own) for own in amounts] if as_text else amounts)
    columns["payload"] = _objects(payloads)
    order = (
        "arrival_ns", "rollup", "sender", "recipient", "amount", "nonce", "fee", "gas",
        "expiry_ns", "kind", "account_nonce", "payload",
    )  # fmt: skip
    return _frames.build({name: columns[name] for name in order if name in columns}, frame)


class Verified(NamedTuple):
    """What a verified output holds."""

    genesis_hash: str
    """What the chain of slots starts from."""
    final_batch_hash: str
    """The last slot's hash; the genesis hash where there is no slot."""
    batches: int
    """Slots, each of them checked."""
    rollups: int
    """Rollups that it serves."""
    submitted: int
    """Transactions that were handed in."""
    included: int
    """Transactions in slots."""
    bytes: int
    """Bytes of all files."""
    is_signed: bool
    """Whether a committee signed it: not where one sequencer ran alone."""
    signatures: int
    """Signatures that were verified, under certificates and over the ends of logs."""
    consensus: dict[str, Any] | None
    """How the committee agreed on the slots, where one signed it."""


def verify(directory: str | os.PathLike[str]) -> Verified:
    """Checks the output of a run with nothing but its directory.

    Every byte of every file is checked, every slot as a follower of the chain would check it, and
    all that follows from the slots is computed again. Where a committee signed, so is each
    certificate, with nothing but the members' public keys.

    Raises ``VerifyError`` where the output does not hold, ``OSError`` where it can't be read.

    >>> import tempfile
    >>> import hauptbuch as hb
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     result = hb.simulate(hb.generate(100), out=directory)
    ...     found = hb.verify(directory)
    >>> found.included, found.final_batch_hash == result.final_batch_hash
    (100, True)
    """
    found = _native.verify(os.fspath(directory))
    text = found.pop("consensus")
    return Verified(**found, consensus=None if text is None else json.loads(text))


def _amounts(data: bytearray) -> list[int]:
    return [int.from_bytes(data[at : at + 16], "little") for at in range(0, len(data), 16)]


def _objects(values: list[Any]) -> np.ndarray[Any, Any]:
    # numpy would make numbers or fixed-width strings of them.
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _whole(name: str, value: int, low: int, high: int) -> int:
    try:
        number = value.__index__()
    except AttributeError:
        number = None
    if number is None or isinstance(value, bool) or not low <= number <= high:
        raise InputError(
            f"{name} must be a whole number from {low} to {high}, not {value!r}",
            _frames.INVALID_ARGUMENT,
        )
    return number
