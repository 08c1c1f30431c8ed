import threading

from tests.addresses import TIMEOUT_SECONDS
from trainer.timer import call_after


def test_a_block_that_takes_longer_is_told_once() -> None:
    called = threading.Event()
    with call_after(0.0, called.set):
        assert called.wait(TIMEOUT_SECONDS)


def test_a_block_that_ends_before_is_not_told() -> None:
    called, before = threading.Event(), set(threading.enumerate())
    with call_after(3600.0, called.set):
        (timer,) = set(threading.enumerate()) - before
    timer.join(TIMEOUT_SECONDS)
    assert not timer.is_alive()
    assert not called.is_set()
