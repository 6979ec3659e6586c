"""How far a run is, for whoever watches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def reporter(
    progress: bool | Callable[[int, int], object], total: int
) -> Iterator[Callable[[int], object] | None]:
    """What the native module calls with the number of transactions submitted so far."""
    if callable(progress):
        report = progress
        yield lambda submitted: report(submitted, total)
        return
    bar = _bar(total) if progress else None
    if bar is None:
        yield None
        return
    with bar:
        yield lambda submitted: bar.update(submitted - bar.n)
        bar.update(total - bar.n)


def _bar(total: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        # A bar is a comfort; nobody should have to install something to get a result.
        return None
    return tqdm(total=total, unit=" tx", unit_scale=True)
