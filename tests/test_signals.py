"""Signals that ask a program to end set an event, and break nothing off."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from trainer.signals import stop_signals

posix = pytest.mark.skipif(os.name != "posix", reason="signals to oneself are POSIX's")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Whatever the test run itself was told to ignore."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_each_time_it_is_asked_it_is_told_and_nothing_else_happens(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        pytest.skip("whoever runs the tests has it ignored")
    with stop_signals() as asked:
        assert not asked.is_set()
        for _ in range(2):
            os.kill(os.getpid(), number)
            assert asked.wait(60)
            asked.clear()
    assert signal.getsignal(number) is before


@posix
def test_what_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with stop_signals() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.wait(60)
        asked.clear()
        os.kill(os.getpid(), signal.SIGTERM)
        assert not asked.is_set()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_another_thread_may_use_it_too() -> None:
    seen = []

    def use() -> None:
        with stop_signals() as asked:
            seen.append(asked.is_set())

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [False]
