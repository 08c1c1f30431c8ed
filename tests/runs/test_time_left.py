"""The estimated time left, from generated events whose real duration is known."""

import itertools
from collections.abc import Sequence

import pytest

from tests.runs.examples import event as example
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Evaluated
from trainer.runs.time_left import TimeLeft, TimeLeftEstimator
from trainer.runs.view import with_liveness
from trainer.runs.view_builder import build_view


def time_left(events: Sequence[Event]) -> TimeLeft | None:
    clock = TimeLeftEstimator()
    for event in events:
        clock.add(event)
    return clock.estimate()


TOTAL, EACH, EVALUATION = 100, 0.5, 2.0
"""Steps of half a second, and ten evaluations of two seconds on 50 validation rows; the baseline is known."""
FORECAST = 80.0
ROWS = {"train": 400, "validation": 50, "test": 100}
SAVING, SCORING, CLOSING = 2.0, 3 * EVALUATION, 0.3
TAIL = SAVING + SCORING + CLOSING


def course(*, forecast: float | None = FORECAST, compared: bool = True, first_steps: float = EACH, steps: int = TOTAL) -> list[Event]:
    """The events of a training up to the log of its last step, with all due evaluations except the last one."""
    clock = 1_000.0

    def event(event_type: str, **fields: object) -> Event:
        return example(event_type, clock, **fields)

    events = [event("created", name="a", owner="local", rows=ROWS, **({} if forecast is None else {"forecast_seconds": forecast}))]
    events += [event("queued"), event("phase", what="warming up")]
    events += [event("baseline", rows=400, accuracy=0.5)] if compared else []
    events += [event("started", total_steps=TOTAL, evaluations=10, parameters=50_000_000), event("phase", what="training")]
    begun, learning = clock, 0.0
    for step in range(1, steps + 1):
        took = first_steps if step <= 4 else EACH
        clock, learning = clock + took, learning + took
        facts = {"elapsed": clock - begun, "train_seconds": learning, "samples_per_second": 4 * step / learning}
        events.append(event("log", step=step, **facts))
        if step % 10 == 0 and step < TOTAL:
            clock += EVALUATION
            events.append(event("eval", step=step, seconds=EVALUATION))
    return events


def later(events: list[Event], wait: float, event_type: str, **fields: object) -> list[Event]:
    return [*events, example(event_type, events[-1].time + wait, **fields)]


def at_the_end(events: list[Event]) -> list[Event]:
    """A training after its last step, about to save its model."""
    evaluated = later(events, EVALUATION, "eval", step=TOTAL, seconds=EVALUATION)
    return later(evaluated, 0, "phase", what="saving the model", stage="saving")


@pytest.mark.parametrize("step", [5, 9, 11, 25, 50, 75, 99, 100])
def test_steps_evaluations_and_what_comes_after_them_are_all_in_it(step: int) -> None:
    events = course(steps=step)
    left = time_left(events)
    done = sum(isinstance(e, Evaluated) for e in events)
    truth = (TOTAL - step) * EACH + (10 - done) * EVALUATION + TAIL
    assert left.seconds == pytest.approx(truth, rel=0.4 if done == 0 else 0.01)
    assert left.tail == pytest.approx(TAIL, rel=0.9 if done == 0 else 0.01)


def test_the_first_evaluation_and_slow_first_steps_make_it_jump_by_no_more_than_a_third() -> None:
    estimates = [time_left(course(steps=step, first_steps=4 * EACH)) for step in range(1, TOTAL + 1)]
    for earlier, later_one in itertools.pairwise(estimates):
        assert abs(later_one.seconds - earlier.seconds) <= earlier.seconds / 3
    assert estimates[5].seconds < 1.5 * FORECAST


def test_before_five_percent_it_is_the_forecast_less_what_has_passed() -> None:
    assert time_left(course(steps=0)).seconds == FORECAST
    assert time_left(course(steps=3)).seconds == pytest.approx(FORECAST - 3 * EACH)
    assert time_left(later(course(steps=0), 10.0, "phase", what="training")).seconds == pytest.approx(FORECAST - 10)


def test_a_forecast_that_is_far_too_short_is_given_up() -> None:
    short = course(forecast=4.0, steps=4)
    # Half of it has passed at step 4, and the steps know better.
    assert time_left(short[:-1]).seconds == pytest.approx(4.0 - 1.5)
    assert time_left(short).seconds > 50
    # While things load there is nothing better, and it does not run out.
    assert time_left(later(course(steps=0), 70.0, "phase", what="training")).seconds == FORECAST / 2


def test_without_a_forecast_nothing_is_known_before_the_first_point() -> None:
    assert time_left(course(forecast=None, steps=0)) is None
    assert time_left(course(forecast=None, steps=1)).seconds > (TOTAL - 1) * EACH
    assert time_left(course()[:2]) is None
    assert time_left([]) is None


def test_it_counts_down_to_the_end_and_never_says_that_nothing_is_left() -> None:
    saving = at_the_end(course(compared=False))
    events = [saving]
    for seconds, event_type, fields in [
        (1.5, "phase", {"stage": "scoring", "done": 0.0}),
        (2.0, "phase", {"stage": "scoring", "done": 0.25}),
        (2.0, "phase", {"stage": "scoring", "done": 0.5}),
        (3.5, "phase", {"stage": "comparing"}),
        (9.0, "baseline", {"rows": 400, "accuracy": 0.5}),
    ]:
        events.append(later(events[-1], seconds, event_type, **({"what": "x"} if event_type == "phase" else {}), **fields))
    left = [time_left(e).seconds for e in events]
    # Scoring turns out slower than the evaluations: a quarter takes two seconds.
    assert left == pytest.approx([TAIL + 5, SCORING + CLOSING + 5, 6 + CLOSING + 5, 4 + CLOSING + 5, CLOSING + 5, 1])


def test_a_run_that_goes_on_uses_the_speed_of_before_and_forgets_what_did_not_happen() -> None:
    again = later(later(course(steps=60), 3_600, "queued"), 1, "phase", what="warming up")
    resumed = later(again, 2, "resumed", step=45)
    left = time_left(resumed).seconds
    assert left == pytest.approx(55 * EACH + 6 * EVALUATION + TAIL, rel=0.05)
    assert time_left(again[:-1]) is None


def test_the_view_tells_it_and_of_a_run_that_was_stopped_only_what_comes_after() -> None:
    view = build_view("id", course(steps=50))
    assert view.seconds_left == time_left(course(steps=50)).seconds
    assert with_liveness(view, is_alive=True, stop_requested=True).seconds_left == pytest.approx(TAIL, rel=0.01)
    gone = with_liveness(view, is_alive=False, stop_requested=True)
    assert (gone.seconds_left, gone.tail_seconds) == (None, None)
    assert build_view("id", later(at_the_end(course()), 1, "finished")).seconds_left is None


def test_a_clock_that_is_set_back_after_the_last_step_adds_no_hours() -> None:
    saved = at_the_end(course())
    back = [*saved, saved[-1].replace(time=saved[-1].time - 10_800, done=0.0)]
    assert time_left(back).seconds <= time_left(saved).seconds
