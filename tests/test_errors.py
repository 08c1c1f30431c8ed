"""What logs tell of an error: its kind and place, and no text of a user."""

import logging
import threading

import pytest
import torch

from tests.addresses import TIMEOUT_SECONDS
from trainer.errors import error_location, traceback_without_texts
from trainer.visits import Rounds

TEXT = "what somebody wrote"


def read_number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise LookupError(f"no number: {text}") from error


def failure(text: str) -> Exception:
    try:
        read_number(text)
    except LookupError as error:
        return error
    raise AssertionError("it is a number")


def test_a_traceback_tells_kinds_causes_and_places_but_no_texts() -> None:
    written = traceback_without_texts(failure(TEXT))
    assert TEXT not in written
    assert written.startswith("Traceback (most recent call last):\n")
    assert written.index("\nValueError\n") < written.index("Which led to:") < written.index("\nLookupError\n")
    assert "in read_number" in written
    assert TEXT not in error_location(failure(TEXT))


def test_a_traceback_of_errors_that_cause_each_other_ends() -> None:
    first, second = ValueError(TEXT), KeyError(TEXT)
    first.__cause__, second.__cause__ = second, first
    assert traceback_without_texts(first).count("Traceback") == 2


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (OSError(28, "No space left on device", TEXT), "OSError: No space left on device\n"),
        (OSError(TEXT), "OSError\n"),
        (torch.OutOfMemoryError("CUDA out of memory"), "OutOfMemoryError: CUDA out of memory\n"),
    ],
)
def test_what_the_system_and_torch_say_stays(error: Exception, end: str) -> None:
    assert traceback_without_texts(error).endswith(end)


def test_a_round_that_fails_writes_no_text_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    def fail() -> None:
        if failed.is_set():
            return
        failed.set()
        raise ValueError(TEXT)

    with caplog.at_level(logging.ERROR):
        rounds = Rounds(fail, seconds=0.001)
        assert failed.wait(TIMEOUT_SECONDS)
        rounds.close()
    assert "ValueError" in caplog.text
    assert TEXT not in caplog.text
