"""The measurement of many visitors: its simulation of the queue, and what it takes for a refusal rather than an error."""

from tests.bench.visitors import REFUSALS, in_the_queue_alone
from trainer.error_codes import ERROR_CODES


def test_in_the_simulation_nobody_s_second_comes_before_everybody_s_first() -> None:
    results = in_the_queue_alone(30)
    assert results["queued_in_turns"]
    assert results["queued_visitors"] == 30


def test_every_refusal_is_one_that_the_server_knows() -> None:
    assert ERROR_CODES.keys() >= REFUSALS
