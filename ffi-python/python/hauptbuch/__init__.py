"""A sequencer network for rollups, over data frames.

Hauptbuch takes transactions in and gives out batches whose order anyone can verify. Here it runs
over a frame or a file in simulated time: the same code, and so the same bytes and hashes, as the
command line.

>>> import hauptbuch as hb
>>> transactions = hb.generate(1_000, seed=7)
>>> result = hb.simulate(transactions, policy="priority")
>>> result.summary["transactions"]["included"]
1000
>>> list(result.order)
['row', 'id', 'rollup', 'height', 'position', 'delay_ns']

A frame can be a pandas, polars or pyarrow one, or anything with ``__arrow_c_stream__``, a numpy
structured array, or a dict of columns; what comes back is of the same kind. Only numpy is needed.
"""

from ._errors import HauptbuchError, InputError, InternalError, VerifyError
from ._load import load
from ._native import __version__
from ._result import Result
from ._run import CODES, POLICIES, Verified, generate, simulate, verify

__all__ = [
    "CODES",
    "POLICIES",
    "HauptbuchError",
    "InputError",
    "InternalError",
    "Result",
    "Verified",
    "VerifyError",
    "__version__",
    "generate",
    "load",
    "simulate",
    "verify",
]
