"""Signals that end a program set an event, and interrupt nothing."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.addresses import TIMEOUT_SECONDS
from trainer.signals import stop_signals

posix = pytest.mark.skipif(os.name != "posix", reason="signals to oneself are POSIX's")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Default handlers, even if the test run ignores these signals."""
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in previous.items():
        signal.signal(number, handler)


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_each_signal_sets_the_event_and_does_nothing_else(name: str) -> None:
    number = getattr(signal, name)
    previous = signal.getsignal(number)
    if previous is signal.SIG_IGN:
        pytest.skip("whoever runs the tests has it ignored")
    with stop_signals() as stop_event:
        assert not stop_event.is_set()
        for _ in range(2):
            os.kill(os.getpid(), number)
            assert stop_event.wait(TIMEOUT_SECONDS)
            stop_event.clear()
    assert signal.getsignal(number) is previous


@posix
def test_ignored_signals_stay_ignored() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with stop_signals() as stop_event:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop_event.wait(TIMEOUT_SECONDS)
        stop_event.clear()
        os.kill(os.getpid(), signal.SIGTERM)
        assert not stop_event.is_set()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_it_works_in_another_thread() -> None:
    states = []

    def use() -> None:
        with stop_signals() as stop_event:
            states.append(stop_event.is_set())

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert states == [False]
