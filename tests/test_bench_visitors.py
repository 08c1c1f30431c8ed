"""The measurement of many visitors: its simulation of the queue, how fast a training is, and what it takes for a refusal rather than an error."""

from pathlib import Path

from tests.bench.visitors import REFUSALS, in_the_queue_alone, steps_a_second
from trainer.error_codes import ERROR_CODES
from trainer.runs.event_types import Logged, Phase
from trainer.runs.run import Run


def test_in_the_simulation_nobody_s_second_comes_before_everybody_s_first() -> None:
    results = in_the_queue_alone(30)
    assert results["queued_in_turns"]
    assert results["queued_visitors"] == 30


def test_every_refusal_is_one_that_the_server_knows() -> None:
    assert ERROR_CODES.keys() >= REFUSALS


def test_the_speed_of_a_training_is_that_between_the_points_it_has_logged(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for now, step in ((100.0, 5), (110.0, 10), (112.0, 20), (114.0, 30)):
        run.log.append(Logged(time=now, step=step))
        run.log.append(Phase(time=now + 1.5, what="training"))
    assert steps_a_second(run, since=105.0) == 5.0
    assert steps_a_second(run, since=113.0) == 0.0
