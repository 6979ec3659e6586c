"""The policy that looks at trades: columns beside the transactions say what each row trades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hauptbuch as hb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import simple

POOL = "77" * 20


def sandwich(**changes: Any) -> dict[str, Any]:
    """An attacker's buy, the victim's, and the attacker's sale behind it, in one slot."""
    columns = {
        "arrival_ms": [0, 1, 2],
        "sender": ["aa" * 20, "11" * 20, "bb" * 20],
        "nonce": [0, 0, 0],
        "fee": [9, 5, 9],
        "gas": [90_000, 90_000, 90_000],
        "pool": [POOL, POOL, POOL],
        "side": ["buy", "buy", "sell"],
        "amount": [500, 400, 300],
        "reserve0": [10_000, 10_000, 10_000],
        "reserve1": [10_000, 10_000, 10_000],
    }
    columns |= changes
    return {name: values for name, values in columns.items() if values is not None}


def model(rows: list[tuple[str, int]], reserve0: int, reserve1: int) -> list[int]:
    """The rule over one pool and no nonces in the way, as its page has it."""
    waiting, order, held = list(enumerate(rows)), [], [reserve0, reserve1]
    while waiting:
        wanted = "buy" if held[0] >= reserve0 else "sell"
        place = next((at for at, (_, own) in enumerate(waiting) if own[0] == wanted), 0)
        row, (side, amount) = waiting.pop(place)
        order.append(row)
        pays, gets = (1, 0) if side == "buy" else (0, 1)
        held[gets] -= held[gets] * amount // (held[pays] + amount)
        held[pays] += amount
    return order


def order_of(frame: Any, **choices: Any) -> list[int]:
    result = hb.simulate(frame, policy="greedy", **choices)
    return [int(row) for row in result.order["row"]]


def test_a_sandwich_comes_apart() -> None:
    assert order_of(sandwich()) == [0, 2, 1]
    assert hb.simulate(sandwich()).order["row"].tolist() == [0, 1, 2]


def test_the_order_is_that_of_the_rule() -> None:
    random = np.random.default_rng(5)
    for _ in range(20):
        count = int(random.integers(1, 40))
        sides = random.choice(["buy", "sell"], count).tolist()
        amounts = [int(own) for own in random.integers(1, 3_000, count)]
        frame = {
            "arrival_ms": list(range(count)),
            "sender": [f"{row:040x}" for row in range(count)],
            "nonce": [0] * count,
            "fee": [1] * count,
            "gas": [21_000] * count,
            "pool": [POOL] * count,
            "side": sides,
            "amount": amounts,
            "reserve0": [9_000] * count,
            "reserve1": [7_000] * count,
        }
        expected = model(list(zip(sides, amounts, strict=True)), 9_000, 7_000)
        assert order_of(frame) == expected


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "path"])
def test_every_kind_of_frame_carries_trades(kind: str, tmp_path: Path) -> None:
    columns = sandwich()
    path = tmp_path / "trades.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    frames = {
        "pandas": pd.DataFrame(columns),
        "polars": pl.DataFrame(columns),
        "pyarrow": pa.table(columns),
        "path": path,
    }
    result = hb.simulate(frames[kind], policy="greedy")
    assert [int(row) for row in list(result.order["row"])] == [0, 2, 1]
    assert result.final_batch_hash == hb.simulate(columns, policy="greedy").final_batch_hash


def test_numbers_past_64_bits_are_counted_in_full() -> None:
    huge = 2**100
    frame = sandwich(
        amount=[huge, huge, huge], reserve0=[huge * 9] * 3, reserve1=[huge * 7] * 3
    )
    rows = [("buy", huge), ("buy", huge), ("sell", huge)]
    assert order_of(frame) == model(rows, huge * 9, huge * 7)


def test_who_does_not_trade_is_refused_and_told() -> None:
    frame = sandwich(pool=[POOL, None, POOL])
    result = hb.simulate(frame, policy="greedy")
    assert result.outcomes["outcome"].tolist() == ["Included", "HintMissing", "Included"]
    assert result.summary["transactions"]["rejected"] == {"HintMissing": 1}


def test_an_output_with_trades_verifies(tmp_path: Path) -> None:
    result = hb.simulate(sandwich(), policy="greedy", out=tmp_path / "out")
    found = hb.verify(tmp_path / "out")
    assert found.final_batch_hash == result.final_batch_hash
    assert found.included == 3


@pytest.mark.parametrize(
    ("frame", "message", "code"),
    [
        (simple(), "needs the columns pool, side, amount, reserve0 and reserve1", 130),
        (sandwich(side=["buy", "hold", "sell"]), r"row 1 .*column `side`.*found `hold`", 209),
        (sandwich(side=None), r"row 0", 209),
        (sandwich(reserve1=[1, 1, 0]), r"row 2 .*column `reserve1`.*found `0`", 209),
        (sandwich(amount=[1, 0, 1]), r"row 1 .*column `amount`.*found `0`", 209),
        (sandwich(pool=["77", POOL, POOL]), r"row 0 .*column `pool`.*an address", 209),
    ],
)
def test_what_is_no_trade_is_refused(frame: Any, message: str, code: int) -> None:
    with pytest.raises(hb.InputError, match=message) as caught:
        hb.simulate(frame, policy="greedy")
    assert caught.value.code == code
