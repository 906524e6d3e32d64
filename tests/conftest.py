"""What all tests share: `--update-golden` writes the golden files anew, and torch in one thread."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write tests/golden and tests/diffs anew, for a person to read the diff",
    )


def pytest_configure() -> None:
    """One thread for each of several workers; Ctrl-C for what the tests start.

    Workers with a thread for every core wait for each other's: five times the work was seen. A
    shell has what runs in the background ignore Ctrl-C.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch reads it when it is imported
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def memory_given_back() -> None:
    """The networks of the test before are gone.

    Only what is new since then is looked through for that: all that a worker has from other tests
    are millions of objects, and ten seconds.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Torch in one thread, as in a worker; on a busy machine two would wait for each other."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
