"""Long runs leave the interpreter free, and can be stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hauptbuch as hb
import pytest
from conftest import simple


@pytest.fixture(scope="module")
def long_run() -> dict[str, Any]:
    """Takes a good part of a second, and some seconds with a slot a millisecond."""
    return hb.generate(150_000, seed=3)


def test_other_threads_go_on_during_a_run(long_run: dict[str, Any]) -> None:
    starts: list[float] = []
    beats: list[float] = []
    done = threading.Event()

    def beat() -> None:
        while not done.wait(0.002):
            beats.append(time.perf_counter())

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        # The first report marks that the native run is under way; after it nothing is Python's.
        result = hb.simulate(
            long_run, batch_ms=20, progress=lambda *_: starts.append(time.perf_counter())
        )
        end = time.perf_counter()
    finally:
        done.set()
        heart.join()
    span = end - starts[0]
    during = [beat for beat in beats if starts[0] < beat < end]
    assert result.summary["transactions"]["included"] > 0
    gaps = [after - before for before, after in zip(during, during[1:], strict=False)]
    # A run that held the interpreter would leave one gap as long as itself.
    assert len(during) > 5 and max(gaps) < max(0.5 * span, 0.05)


def test_an_interrupt_ends_a_run_soon(long_run: dict[str, Any]) -> None:
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    started = threading.Event()

    def wait_and_interrupt() -> None:
        started.wait()
        time.sleep(0.05)
        interrupt()

    thread = threading.Thread(target=wait_and_interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        hb.simulate(long_run, batch_ms=1, progress=lambda *_: started.set())
    late = time.perf_counter() - sent[0]
    thread.join()
    assert late < 1.0


def test_progress_grows_and_what_it_raises_ends_the_run(long_run: dict[str, Any]) -> None:
    seen: list[tuple[int, int]] = []
    hb.simulate(long_run, batch_ms=50, progress=lambda done, total: seen.append((done, total)))
    assert seen and seen == sorted(seen)
    assert {total for _, total in seen} == {150_000}

    class Enough(Exception):
        pass

    def stop(_done: int, _total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        hb.simulate(long_run, batch_ms=1, progress=stop)


def test_a_bar_is_shown_where_tqdm_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    hb.simulate(simple(), progress=True)
    assert "3.00/3.00" in capsys.readouterr().err
    hb.simulate(simple())
    assert capsys.readouterr().err == ""


def test_eight_threads_get_the_same_result(generated: dict[str, Any]) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            hashes = set(pool.map(lambda _: hb.simulate(generated).final_batch_hash, range(24)))
    finally:
        sys.setswitchinterval(interval)
    assert hashes == {hb.simulate(generated).final_batch_hash}
