"""What several tests need: small workloads, and a way to name a transaction independently."""

from __future__ import annotations

import hashlib
from typing import Any

import hauptbuch as hb
import numpy as np
import pytest


@pytest.fixture(scope="session")
def generated() -> dict[str, np.ndarray[Any, Any]]:
    """Three rollups, all classes of transactions."""
    return hb.generate(2_000, seed=7, rollups=3)


def transaction_id(frame: dict[str, Any], row: int, rollup: int, payload: bytes) -> str:
    """SHA3-256 of the canonical bytes, as the description of the format has them."""
    canonical = b"".join(
        [
            bytes([1, int(frame["kind"][row])]),
            rollup.to_bytes(4, "little"),
            bytes.fromhex(frame["sender"][row]),
            bytes.fromhex(frame["recipient"][row]),
            int(frame["amount"][row]).to_bytes(16, "little"),
            *(int(frame[name][row]).to_bytes(8, "little") for name in ("nonce", "fee", "gas")),
            int(frame["expiry_ns"][row]).to_bytes(8, "little"),
            len(payload).to_bytes(4, "little"),
            payload,
        ]
    )
    return hashlib.sha3_256(b"hb/tx/1" + canonical).hexdigest()


def simple(**changes: Any) -> dict[str, Any]:
    """Three transactions of two senders; columns can be changed, or left out with None."""
    columns = {
        "arrival_ms": [0, 1, 250],
        "sender": ["11" * 20, "22" * 20, "11" * 20],
        "nonce": [0, 0, 1],
        "fee": [5, 9, 5],
        "gas": [21_000, 21_000, 21_000],
    }
    columns |= changes
    return {name: values for name, values in columns.items() if values is not None}
