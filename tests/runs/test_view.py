"""Building the view of a run from its events."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runs.examples import content_of, event
from trainer.errors import UserError
from trainer.runs.event_schema import dump_event
from trainer.runs.event_types import EVENT_TYPES, Created
from trainer.runs.resume_rules import epochs_after_resume
from trainer.runs.view import BaselineScores, Majority, Metrics, with_liveness
from trainer.runs.view_builder import build_view
from trainer.settings import LOCAL_OWNER

BEGUN = [
    event("created", name="brisk otter", owner="local", source_name="a.csv", encoder="tiny", rows={"train": 70}),
    event("queued"),
    event("started", device="2 CPU cores, bf16", epochs=2, batch_size=8, learning_rate=1e-3, total_steps=20, epoch_steps=[10, 20]),
    event("phase", what="training"),
    event("log", step=5, loss=1.0, accuracy=0.5, elapsed=10.0, samples_per_second=4.0),
    event("eval", step=5, loss=0.9, accuracy=0.6, macro_f1=0.5),
    event("checkpoint", step=5, macro_f1=0.5),
    event("log", step=10, loss=0.8, accuracy=0.7, elapsed=20.0),
]


def test_a_run_under_way() -> None:
    view = with_liveness(build_view("id", BEGUN), is_alive=True, stop_requested=True)
    assert (view.name, view.status, view.phase, view.last_logged_step, view.best_step) == ("brisk otter", "running", "training", 10, 5)
    assert [p.loss for p in view.points] == [1.0, 0.8]
    assert view.seconds_left is not None
    assert view.stop_requested
    assert view.live
    assert not view.has_model


def test_without_end_and_without_writer_it_is_interrupted_and_keeps_its_curve() -> None:
    view = with_liveness(build_view("id", BEGUN), is_alive=False, stop_requested=False)
    assert view.status == "interrupted"
    assert len(view.points) == 2
    assert not view.live
    assert view.seconds_left is None


def test_a_waiting_run_is_not_interrupted() -> None:
    assert with_liveness(build_view("id", BEGUN[:2]), is_alive=False, stop_requested=False).status == "queued"


@pytest.mark.parametrize(
    ("end", "status", "model"),
    [("finished", "finished", True), ("stopped", "stopped", True), ("failed", "failed", False), ("cancelled", "cancelled", False)],
)
def test_ends(end: str, status: str, model: bool) -> None:
    view = with_liveness(build_view("id", [*BEGUN, event(end, message="why", seconds=9.0)]), is_alive=False, stop_requested=True)
    assert (view.status, view.has_model, view.message, view.stop_requested) == (status, model, "why", False)


def test_after_a_resume_what_was_seen_beyond_its_step_is_gone() -> None:
    view = build_view("id", [*BEGUN, event("resumed", step=5), event("log", step=10, loss=0.7)])
    assert [(p.step, p.loss) for p in view.points] == [(5, 1.0), (10, 0.7)]
    assert build_view("id", [*BEGUN, event("resumed", step=4)]).best_step is None


def test_damaged_events_are_passed_over() -> None:
    wrong = [{"type": "log"}, {"type": "eval", "step": "x"}, {"type": "checkpoint"}, {"type": "resumed"}, {"type": "unheard of"}]
    content = content_of([*map(dump_event, BEGUN), *({**values, "time": 100.0} for values in wrong)])
    view = build_view("id", content.events, content.damaged)
    assert len(view.points) == 2
    assert view.best_step == 5


def test_an_evaluation_that_only_a_stop_made_is_gone_once_the_run_goes_on() -> None:
    stopped = [*BEGUN, event("eval", step=3, accuracy=0.5, unplanned=True), event("stopped", best_step=3)]
    assert [e.step for e in build_view("id", stopped).evaluations][-1] == 3
    assert 3 not in [e.step for e in build_view("id", [*stopped, event("queued"), event("resumed", step=3)]).evaluations if e.unplanned]


@pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
def test_who_leaves_the_queue_is_what_it_was_before(end: str) -> None:
    waiting = [BEGUN[0], event("queued"), *BEGUN, event(end), event("queued")]
    assert build_view("id", waiting).status == "queued"
    left = build_view("id", [*waiting, event("cancelled", message="Taken out of the queue.")])
    assert left.status == end
    assert build_view("id", [*BEGUN[:2], event("cancelled")]).status == "cancelled"


def test_a_run_has_the_name_that_it_was_given_last() -> None:
    assert build_view("id", [event("created", name="a", owner="local"), event("renamed", name="b"), event("renamed", name=" ")]).name == "b"


def test_a_name_is_a_person_s_only_where_one_gave_it() -> None:
    assert not build_view("id", BEGUN).renamed
    assert build_view("id", [*BEGUN, event("renamed", name="b")]).renamed
    assert not build_view("id", [*BEGUN, event("renamed", name=" ")]).renamed


def test_the_task_is_told_and_a_run_of_before_names_none() -> None:
    assert build_view("id", BEGUN).task == ""
    assert build_view("id", [BEGUN[0].replace(task="single_label_classification"), *BEGUN[1:]]).task == "single_label_classification"


def test_the_level_of_the_dial_is_told() -> None:
    assert build_view("id", BEGUN).level == ""
    assert build_view("id", [BEGUN[0].replace(level="Quick look"), *BEGUN[1:]]).level == "Quick look"


@pytest.mark.parametrize("end", ["finished", "stopped", "failed", "cancelled"])
def test_it_is_known_when_a_run_ended_last(end: str) -> None:
    first, last = event("stopped", time=200.0), event(end, time=300.0)
    assert build_view("id", [*BEGUN, last]).ended_at == 300.0
    assert build_view("id", BEGUN).ended_at is None
    again = [*BEGUN, first, event("queued")]
    assert build_view("id", again).ended_at is None
    assert build_view("id", [*again, event("phase", what="warming up"), last]).ended_at == (200.0 if end == "cancelled" else 300.0)
    interrupted = with_liveness(build_view("id", [*again, event("started")]), is_alive=False, stop_requested=False)
    assert (interrupted.status, interrupted.ended_at) == ("interrupted", None)


def test_what_the_training_has_to_beat_is_known_before_its_first_step() -> None:
    majority = event("majority", name="joy", accuracy=0.3, validation_accuracy=0.4)
    baseline = event("baseline", rows=70, accuracy=0.5, macro_f1=0.4, validation_accuracy=0.6, validation_macro_f1=0.55, seconds=1.0)
    view = build_view("id", [*BEGUN[:2], majority, baseline])
    assert view.majority == Majority("joy", validation_accuracy=0.4, test_accuracy=0.3)
    assert view.baseline == BaselineScores(70, validation=Metrics(0.6, 0.55), test=Metrics(0.5, 0.4))
    assert view.baseline.to_dict() == {"accuracy": 0.5, "macro_f1": 0.4, "rows": 70}
    # It stays when the run goes on, and one that failed is none.
    assert build_view("id", [*BEGUN[:2], baseline, *SECOND_ATTEMPT]).baseline == view.baseline
    assert build_view("id", [*BEGUN[:2], event("baseline", problem="MemoryError: too many words")]).baseline is None


def test_what_did_not_fit_goes_on_with_fewer_texts_at_a_time_until_it_fits() -> None:
    failed = [*BEGUN, event("failed", message="why", code="out_of_memory", retry_texts_at_a_time=4)]
    assert (build_view("id", failed).retry_texts_at_a_time, build_view("id", failed).texts_at_a_time) == (4, None)
    again = [*failed, event("queued", texts_at_a_time=4)]
    assert build_view("id", again).texts_at_a_time == 4
    assert build_view("id", [*again, event("finished"), event("queued")]).texts_at_a_time == 4
    assert build_view("id", [*again, event("failed", message="why", code="disk")]).retry_texts_at_a_time is None


def test_it_can_go_on_from_what_was_saved_last() -> None:
    assert build_view("id", [*BEGUN, event("saved", step=4), event("saved", step=8)]).saved_step == 8
    assert build_view("id", [*BEGUN, event("saved", step=8), event("resumed", step=4)]).saved_step == 4


# The model that is kept

SECOND_ATTEMPT = [
    event("queued"),
    event("phase", what="warming up"),
    event("started", device="1 GPU", epochs=3, batch_size=4, learning_rate=2e-3, total_steps=30, epoch_steps=[10, 20, 30]),
    event("resumed", step=10, best_step=5),
    event("log", step=15, loss=0.3, accuracy=0.9, samples_per_second=9.0),
    event("eval", step=15, loss=0.7, accuracy=0.8, macro_f1=0.75),
    event("checkpoint", step=15, macro_f1=0.75),
]
FINISHED = [*BEGUN, event("eval", step=10, loss=0.95, accuracy=0.5, macro_f1=0.4), event("finished", best_step=5)]


def test_the_kept_model_has_the_scores_of_its_own_step_and_not_the_last_ones() -> None:
    kept = build_view("id", FINISHED).kept
    assert (kept.step, kept.evaluation.accuracy, kept.evaluation.macro_f1) == (5, 0.6, 0.5)
    assert (kept.epochs, kept.batch_size, kept.learning_rate, kept.device) == (2, 8, 1e-3, "2 CPU cores, bf16")
    assert build_view("id", FINISHED).model == kept


def test_while_a_run_trains_the_kept_model_is_the_best_so_far() -> None:
    view = build_view("id", BEGUN)
    assert (view.kept.step, view.kept.evaluation.accuracy, view.model) == (5, 0.6, None)
    assert build_view("id", BEGUN[:4]).kept.evaluation is None
    longer = with_liveness(build_view("id", [*FINISHED, *SECOND_ATTEMPT]), is_alive=True, stop_requested=False)
    assert (longer.kept.step, longer.kept.evaluation.accuracy, longer.kept.epochs) == (15, 0.8, 3)
    assert longer.model.step == 5


@pytest.mark.parametrize("end", ["failed", None])
def test_more_epochs_that_fail_leave_the_facts_of_the_model_that_stands(end: str | None) -> None:
    events = [*FINISHED, *SECOND_ATTEMPT, *([event(end, message="why", code="disk")] if end else [])]
    view = with_liveness(build_view("id", events), is_alive=False, stop_requested=False)
    assert view.status == (end or "interrupted")
    assert view.has_model
    kept = view.kept
    assert (kept.step, kept.evaluation.accuracy) == (5, 0.6)
    assert (kept.epochs, kept.batch_size, kept.learning_rate, kept.device) == (2, 8, 1e-3, "2 CPU cores, bf16")
    assert [e.step for e in view.evaluations] == [5, 10, 15]
    # Asked to go on once more, it still has the model of the first attempt until it trains.
    assert build_view("id", [*events, event("queued")]).kept == kept


def test_more_epochs_that_end_replace_the_model() -> None:
    view = build_view("id", [*FINISHED, *SECOND_ATTEMPT, event("stopped", best_step=15)])
    assert (view.kept.step, view.kept.epochs, view.kept.evaluation.accuracy) == (15, 3, 0.8)


# Damage

NUMBERS = st.one_of(st.integers(), st.floats(), st.just(1e300))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=4,
)
FIELDS = sorted({name for event_type in EVENT_TYPES.values() for name in event_type.fields})
EVENTS = st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=5).flatmap(
    lambda fields: st.one_of(st.sampled_from([*EVENT_TYPES, "unheard of"]), ANYTHING).map(lambda event_type: {**fields, "type": event_type})
)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.one_of(EVENTS, st.sampled_from([*map(dump_event, BEGUN)]), st.dictionaries(st.text(max_size=4), ANYTHING, max_size=3)),
        max_size=8,
    )
)
def test_no_list_of_events_makes_it_fall_over_and_what_does_not_fit_is_damage(events: list[dict]) -> None:
    content = content_of(events)
    view, whole = build_view("0123456789abcdef", content.events, content.damaged), content.events
    created = any(isinstance(e, Created) for e in whole)
    assert bool(view.damage) == (len(whole) < len(events) or not created)
    assert view.name
    assert (view.status == "damaged") == (not created)
    assert all(seconds is None or 1 <= seconds < float("inf") for seconds in (view.seconds_left, view.tail_seconds))
    # Passing over is all that happens to what does not fit.
    assert replace(build_view("0123456789abcdef", whole), damage=()) == replace(view, damage=()) or view.status == "interrupted"


@pytest.mark.parametrize(("event_type", "name"), [(event_type, name) for event_type, known in EVENT_TYPES.items() for name in known.fields])
def test_no_field_takes_a_value_of_another_type_or_beyond_its_range(event_type: str, name: str) -> None:
    allows = EVENT_TYPES[event_type].fields[name].allows
    wrong = [None, float("nan"), 1e300, -1, "x" * 100_000, [[["x"]]], {"a": b"x"}, False, "\ud800", 2**200, {1: 2}, b"x"]
    assert [value for value in wrong if allows(value)] == []


def test_a_run_whose_beginning_is_damaged_can_be_listed_and_deleted_but_not_resumed() -> None:
    content = content_of([{**dump_event(BEGUN[0]), "split_notes": 1}, *map(dump_event, BEGUN[1:])])
    view = build_view("0123456789abcdef", content.events, content.damaged)
    assert (view.status, view.name, view.owner, view.live, len(view.points)) == ("damaged", "damaged run 01234567", LOCAL_OWNER, False, 2)
    assert "events.jsonl" in view.damage[0]
    assert with_liveness(view, is_alive=False, stop_requested=False).status == "damaged"
    assert with_liveness(view, is_alive=True, stop_requested=False).status == "running"
    with pytest.raises(UserError, match="no longer says how the run began") as refused:
        epochs_after_resume(view, 0)
    assert refused.value.code == "run_damaged"


def test_damaged_lines_are_counted_and_what_waits_behind_one_is_not_begun_by_itself() -> None:
    assert build_view("id", BEGUN).damage == ()
    assert "1 line is damaged" in build_view("id", BEGUN, damaged=[4]).damage[0]
    assert "3 lines are damaged" in build_view("id", BEGUN, damaged=[2, 8, 8]).damage[0]
    # Before it was put into the queue, a damaged line does not matter to that; after, it may have been the beginning.
    assert build_view("id", BEGUN[:2], damaged=[1]).status == "queued"
    assert build_view("id", BEGUN[:2], damaged=[2]).status == "interrupted"
