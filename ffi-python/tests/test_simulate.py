"""What a run comes to: the numbers of the other languages, and every row accounted for."""

from __future__ import annotations

import copy
import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import hauptbuch as hb
import numpy as np
import pytest
from conftest import simple, transaction_id

VECTORS = json.loads((Path(__file__).parent / "run_vectors.json").read_text())
# The greedy rule wants trades, which these workloads do not have.
TRADELESS_POLICIES = [policy for policy in hb.POLICIES if policy != "greedy"]
REAL_BLOCKS = Path(__file__).parents[3] / "shared/data/ethereum-blocks/txs.csv.gz"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda own: f"{own['count']}-{own['policy']}")
def test_hashes_are_those_of_the_other_languages(vector: dict[str, Any]) -> None:
    transactions = hb.generate(vector["count"], vector["seed"], vector["rollups"])
    result = hb.simulate(transactions, policy=vector["policy"], batch_ms=vector["batch_ms"])
    assert result.final_batch_hash == vector["final_batch_hash"]
    assert result.summary["transactions"]["included"] == vector["included"]
    assert result.summary["batches"] == len(result.slots["height"]) == vector["slots"]


def test_every_included_row_is_named_by_its_own_bytes(generated: dict[str, Any]) -> None:
    # The rows stand in another order than they arrive in, so places have to be traced back.
    shuffle = np.random.default_rng(1).permutation(len(generated["nonce"]))
    shuffled = {name: column[shuffle] for name, column in generated.items()}
    result = hb.simulate(shuffled, policy="priority", nonces="raw")
    numbers: dict[str, int] = {}
    for name in shuffled["rollup"]:
        numbers.setdefault(name, len(numbers))
    order = result.order
    assert len(order["row"]) == 2_000
    for row, identity, rollup in zip(order["row"], order["id"], order["rollup"], strict=True):
        assert shuffled["rollup"][row] == rollup
        payload = shuffled["payload"][row]
        assert transaction_id(shuffled, row, numbers[rollup], payload) == identity


def test_order_slots_outcomes_and_summary_agree(generated: dict[str, Any]) -> None:
    result = hb.simulate(generated, batch_ms=50, limits={"slot_count_max": 70})
    order, slots, outcomes = result.order, result.slots, result.outcomes
    counts = result.summary["transactions"]
    assert outcomes["row"].tolist() == list(range(2_000))
    by_outcome = Counter(outcomes["outcome"].tolist())
    assert by_outcome["Included"] == counts["included"] == len(order["row"])
    assert sorted(order["row"]) == np.flatnonzero(outcomes["outcome"] == "Included").tolist()
    assert np.bincount(order["height"].astype(int))[1:].tolist() == slots["transactions"].tolist()
    assert slots["transactions"].max() == 70
    assert slots["hash"][-1] == result.final_batch_hash == result.summary["final_batch_hash"]
    gas = np.bincount(order["height"].astype(int), weights=generated["gas"][order["row"]])
    assert gas[1:].tolist() == slots["gas"].tolist()
    times = slots["time_ns"][order["height"].astype(int) - 1] - np.uint64(1_700_000_000 * 10**9)
    assert (times - generated["arrival_ns"][order["row"]] == order["delay_ns"]).all()
    assert result.summary["delay_ns"]["max"] == order["delay_ns"].max()
    keys = list(zip(order["height"], order["rollup"], order["position"], strict=True))
    assert keys == sorted(keys)


def test_refusals_are_told_of_the_right_rows() -> None:
    payloads = ["00" * 8, "00" * 200, "00" * 8, "01", "00" * 300, "02"]
    frame = {
        "arrival_ms": [0, 0, 0, 0, 0, 0],
        "sender": ["11" * 20] * 3 + ["22" * 20] * 3,
        "nonce": [0, 0, 0, 0, 1, 5],
        "fee": [5, 5, 5, 1, 5, 5],
        "gas": [1] * 6,
        "payload": payloads,
    }
    result = hb.simulate(
        frame, nonces="raw", fee_floor=2, limits={"payload_bytes_max": 100, "nonce_gap_max": 3}
    )
    assert result.outcomes["outcome"].tolist() == [
        "Included",
        "PayloadTooLarge",
        "Duplicate",
        "FeeTooLow",
        "PayloadTooLarge",
        "Included",
    ]
    assert result.outcomes["code"].tolist() == [2, 100, 107, 102, 100, 2]
    counts = result.summary["transactions"]
    assert counts["rejected"] == {"PayloadTooLarge": 2, "FeeTooLow": 1, "Duplicate": 1}
    assert counts["submitted"] == counts["admitted"] + sum(counts["rejected"].values()) == 6


def test_what_waits_for_a_missing_nonce_expires() -> None:
    frame = simple(nonce=[0, 0, 3], account_nonce=[0, 0, 0])
    assert hb.simulate(frame).outcomes["outcome"].tolist() == ["Included", "Included", "Expired"]
    dense = hb.simulate(simple(nonce=[0, 0, 3]))
    assert dense.summary["transactions"]["included"] == 3
    assert dense.summary["input"]["nonce_gaps_closed"] == 1
    assert dense.summary["input"]["notes"]


def plain(value: Any) -> Any:
    """Numbers past 2^53 stand as text in JSON."""
    if isinstance(value, dict):
        return {name: plain(own) for name, own in value.items()}
    if isinstance(value, list):
        return [plain(own) for own in value]
    return str(value) if isinstance(value, int) and value > 2**53 else value


def test_an_output_is_that_of_the_command_line(generated: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    for policy in TRADELESS_POLICIES:
        # The second run replaces the output of the first.
        result = hb.simulate(generated, policy=policy, batch_ms=50, out=out, seed=2**60)
        summary = json.loads((out / "summary.json").read_text())
        del summary["format"]
        own = plain(result.summary)
        if summary["sequencers"] > 1:
            assert all(figures["gamma"]["violations"] == 0 for figures in result.fairness)
            assert result.consensus["heights"] == result.summary["batches"]
        else:
            assert result.fairness is None and result.consensus is None
        assert summary == own
        found = hb.verify(out)
        assert (found.is_signed, found.consensus) == (own["signed"], result.consensus)
        assert found.final_batch_hash == result.final_batch_hash
        assert (found.submitted, found.included, found.batches) == (
            2_000, 2_000, result.summary["batches"],
        )  # fmt: skip
        lines = (out / "batches.jsonl").read_text().splitlines()
        assert [json.loads(line)["hash"] for line in lines] == result.slots["hash"].tolist()


def test_an_output_reads_back_as_what_was_returned(tmp_path: Path) -> None:
    transactions = hb.generate(80, seed=3)
    for policy, sequencers in (("fair", 4), ("priority", None)):
        result = hb.simulate(transactions, policy=policy, sequencers=sequencers, out=tmp_path / "o")
        loaded = hb.load(tmp_path / "o")
        assert loaded == result
        assert loaded.consensus == result.consensus and loaded.fairness == result.fairness
        assert type(hb.load(tmp_path / "o", frame="pandas").order).__name__ == "DataFrame"
    certificates = tmp_path / "o" / "certificates.jsonl"
    certificates.write_text("{}\n")
    with pytest.raises(hb.VerifyError, match="certificates.jsonl"):
        hb.load(tmp_path / "o")
    assert hb.load(tmp_path / "o", verify=False) == result


def test_a_changed_output_does_not_verify(tmp_path: Path) -> None:
    out = tmp_path / "out"
    hb.simulate(simple(), out=str(out))
    for path in sorted(out.iterdir()):
        whole = path.read_bytes()
        # One sequencer keeps no logs: their file is empty.
        path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:] if whole else b"{}\n")
        with pytest.raises(hb.VerifyError) as caught:
            hb.verify(out)
        assert caught.value.file and str(caught.value).startswith(caught.value.file)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        path.write_bytes(whole)
    assert hb.verify(out).submitted == 3
    with pytest.raises(FileNotFoundError):
        hb.verify(tmp_path / "none")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not lose this")
    with pytest.raises(hb.InputError, match="is not replaced"):
        hb.simulate(simple(), out=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_choices_reach_the_hash() -> None:
    base = hb.simulate(simple()).final_batch_hash
    for changes in ({"policy": "priority"}, {"batch_ms": 100}, {"chain_id": 2}, {"fee_floor": 1}):
        assert hb.simulate(simple(), **changes).final_batch_hash != base, changes
    assert hb.simulate(simple(), seed=5).final_batch_hash == base


def test_a_result_shows_copies_and_pickles() -> None:
    result = hb.simulate(simple())
    assert pickle.loads(pickle.dumps(result)) == copy.deepcopy(result) == result
    assert result != hb.simulate(simple(), policy="priority")
    assert result != 1
    assert "3 of 3 transactions" in repr(result)
    page = result._repr_html_()
    assert page.startswith("<table>") and result.final_batch_hash in page
    with pytest.raises(TypeError):
        hash(result)
    assert result.timing["elapsed_ns"] > 0


@pytest.mark.skipif(not REAL_BLOCKS.exists(), reason="the real blocks are not at hand")
def test_real_blocks_account_for_every_transaction() -> None:
    for policy in TRADELESS_POLICIES:
        counts = hb.simulate(REAL_BLOCKS, policy=policy).summary["transactions"]
        assert counts["submitted"] == 24_920
        assert counts["submitted"] == counts["admitted"] + sum(counts["rejected"].values())
        ended = ("included", "expired", "evicted", "replaced", "cancelled", "revoked", "superseded")
        assert counts["admitted"] == sum(counts[name] for name in ended)
