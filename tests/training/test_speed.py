"""The machine's speed: measured once, never beside a training, and without drawing a random number."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from tests.addresses import TIMEOUT_SECONDS
from trainer.training import speed
from trainer.training.hardware import Hardware, detect_hardware
from trainer.training.speed import NotMeasuredError, SpeedMeter, measure_layer_speed

HERE = Hardware("cpu", "bf16", 2, "2 CPU cores")


@contextmanager
def drawing_nothing() -> Iterator[None]:
    """What runs in this block must leave the generators that a training draws from as they are."""
    random_states = (torch.get_rng_state(), np.random.get_state(), random.getstate())
    yield
    assert torch.equal(random_states[0], torch.get_rng_state())
    assert all(np.array_equal(*pair) for pair in zip(random_states[1], np.random.get_state(), strict=True))
    assert random_states[2] == random.getstate()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The precisions that were measured, in that order; none really is."""
    done: list[str] = []

    def measure(hardware: Hardware) -> float:
        done.append(hardware.precision)
        return 1000.0 * len(done)

    monkeypatch.setattr(speed, "measure_layer_speed", measure)
    return done


def test_the_measurement_draws_nothing() -> None:
    with drawing_nothing():
        assert measure_layer_speed(detect_hardware()) > 0


def test_each_precision_is_measured_once(measured: list[str]) -> None:
    meter = SpeedMeter()
    assert meter.reserve()
    meter.measure_all(HERE)
    assert measured == ["fp32", "bf16"]
    assert [meter.of(HERE), meter.of(HERE)] == [2000.0, 2000.0]
    assert measured == ["fp32", "bf16"]


def test_nothing_is_measured_beside_a_training(measured: list[str]) -> None:
    meter = SpeedMeter()
    with meter.no_measurement():
        with pytest.raises(NotMeasuredError):
            meter.of(HERE)
        assert not meter.reserve()
    assert measured == []
    assert meter.of(HERE) == 1000.0
    with meter.no_measurement():
        assert meter.of(HERE) == 1000.0


def test_jobs_run_beside_each_other_and_nothing_is_measured_until_the_last_has_ended(measured: list[str]) -> None:
    meter = SpeedMeter()
    with meter.no_measurement():
        with meter.no_measurement():
            assert not meter.reserve()
        assert not meter.reserve()
        with pytest.raises(NotMeasuredError):
            meter.of(HERE)
    assert measured == []
    assert meter.reserve()


def test_a_training_begins_once_the_measurement_has_ended(measured: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    meter, seen, waits = SpeedMeter(), [], threading.Event()
    assert meter.reserve()
    wait_for = meter._changed.wait_for
    monkeypatch.setattr(meter._changed, "wait_for", lambda condition: waits.set() or wait_for(condition))

    def train() -> None:
        with meter.no_measurement():
            seen.append(list(measured))

    training = threading.Thread(target=train)
    training.start()
    assert waits.wait(TIMEOUT_SECONDS)
    meter.measure_all(HERE)
    training.join()
    assert seen == [["fp32", "bf16"]]


@pytest.mark.parametrize("wrong", [RuntimeError("no memory"), ValueError("a bug")])
def test_a_measurement_that_fails_keeps_no_training_waiting(monkeypatch: pytest.MonkeyPatch, wrong: Exception) -> None:
    def fails(hardware: Hardware) -> float:
        raise wrong

    monkeypatch.setattr(speed, "measure_layer_speed", fails)
    meter = SpeedMeter()
    for hardware in (None, HERE):
        assert meter.reserve()
        try:
            meter.measure_all(hardware)
        except ValueError:
            assert isinstance(wrong, ValueError)
        with meter.no_measurement():
            pass
