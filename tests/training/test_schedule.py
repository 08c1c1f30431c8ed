"""When to log and to evaluate: from row counts alone."""

import math

from hypothesis import given
from hypothesis import strategies as st

from trainer.training.schedule import build_schedule


@given(st.integers(1, 200_000), st.integers(1, 20_000), st.integers(1, 512), st.integers(1, 10))
def test_every_schedule_ends_with_a_log_and_an_evaluation(train: int, validation: int, batch: int, epochs: int) -> None:
    schedule = build_schedule(train_rows=train, validation_rows=validation, batch_size=batch, epochs=epochs)
    assert schedule.total_steps == -(-train // batch) * epochs
    assert schedule.epoch_steps[-1] == schedule.total_steps
    assert len(schedule.epoch_steps) == epochs
    assert schedule.total_steps in schedule.log_steps
    assert 1 in schedule.log_steps
    assert set(schedule.epoch_steps) <= schedule.evaluation_steps
    assert all(1 <= step <= schedule.total_steps for step in schedule.log_steps | schedule.evaluation_steps)
    assert len(schedule.log_steps) <= 402
    assert len(schedule.evaluation_steps) <= 4 * epochs


def test_several_evaluations_an_epoch_where_that_is_cheap() -> None:
    small = build_schedule(train_rows=700, validation_rows=100, batch_size=32, epochs=1)
    large = build_schedule(train_rows=11_200, validation_rows=1_600, batch_size=32, epochs=1)
    slow = build_schedule(train_rows=1_000, validation_rows=10_000, batch_size=32, epochs=1)
    assert [len(s.evaluation_steps) for s in (small, large, slow)] == [4, 2, 1]


@given(st.integers(1, 2_000), st.integers(1, 64), st.integers(1, 16), st.integers(1, 5), st.integers(1, 20), st.integers(1, 50))
def test_what_is_asked_for_is_kept_to(train: int, batch: int, accumulation: int, epochs: int, evaluations: int, every: int) -> None:
    schedule = build_schedule(
        train_rows=train,
        validation_rows=10_000,
        batch_size=batch,
        epochs=epochs,
        gradient_accumulation=accumulation,
        evaluations_per_epoch=evaluations,
        log_every=every,
    )
    per_epoch = math.ceil(math.ceil(train / batch) / accumulation)
    assert schedule.total_steps == per_epoch * epochs
    assert len(schedule.evaluation_steps) == min(evaluations, per_epoch) * epochs
    assert set(schedule.epoch_steps) <= schedule.evaluation_steps
    assert schedule.log_steps == {1, schedule.total_steps, *range(every, schedule.total_steps + 1, every)}
