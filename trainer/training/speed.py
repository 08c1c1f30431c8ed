"""How fast this machine trains, by a short measurement: once for each precision, and never during a training or another job.

Draws no random numbers, so that a training that starts meanwhile gets the same weights. estimate.py computes the time of a recipe from it.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from trainer.errors import UserError
from trainer.training.exclusive_loading import load_libraries
from trainer.training.hardware import Hardware, with_precision

HIDDEN_SIZE = 384
"""Of the measured layer, as of the packaged encoder."""
_BATCH_SHAPE = (16, 32)
"""Texts and tokens of the measured batch: like a batch of short texts."""
_PROBE_SECONDS = 0.3
_PRECISIONS = ("fp32", "bf16", "fp16")


class NotMeasuredError(RuntimeError):
    """The speed is unknown, and a training or another job is running, during which a measurement would be too slow."""


class SpeedMeter:
    """Measures speeds and remembers them. Jobs and measuring exclude each other: a job waits, a measurement does not."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs = 0
        self._measuring = False
        self._speeds: dict[Hardware, float] = {}
        """One for each precision of the machine. Not a cache of cache.py: who asks while something trains is refused and does not wait."""

    @contextmanager
    def no_measurement(self) -> Iterator[None]:
        """A context for a training or another job: waits for a measurement to end, and prevents others until it exits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._measuring)
            self._jobs += 1
        try:
            yield
        finally:
            with self._changed:
                self._jobs -= 1

    def reserve(self) -> bool:
        """Let no job start before ``measure_all``; returns False if one is running, or a measurement."""
        with self._changed:
            if self._jobs or self._measuring:
                return False
            self._measuring = True
            return True

    def measure_all(self, hardware: Hardware | None) -> None:
        """After ``reserve``: measure every precision of the hardware, then let jobs start. None measures nothing."""
        try:
            for precision in _PRECISIONS if hardware is not None else ():
                # The precision may be missing, or the memory full: ``of`` reports it when asked.
                with suppress(UserError, RuntimeError):
                    training_hardware = with_precision(hardware, precision)
                    self._speeds[training_hardware] = measure_layer_speed(training_hardware)
        finally:
            self._release()

    def of(self, hardware: Hardware) -> float:
        """Tokens per second, as ``measure_layer_speed`` gives them. Raises NotMeasuredError, and what ``measure_layer_speed`` does."""
        if hardware not in self._speeds:
            if not self.reserve():
                raise NotMeasuredError
            try:
                self._speeds[hardware] = measure_layer_speed(hardware)
            finally:
                self._release()
        return self._speeds[hardware]

    def _release(self) -> None:
        with self._changed:
            self._measuring = False
            self._changed.notify_all()


def measure_layer_speed(hardware: Hardware) -> float:
    """Tokens per second of one transformer layer of 384 units, forward and backward.

    Raises RuntimeError if the device has no memory left.
    """
    load_libraries()
    import torch

    # All weights are equal: the time does not depend on them.
    layer = torch.nn.utils.skip_init(
        torch.nn.TransformerEncoderLayer,
        HIDDEN_SIZE,
        12,
        4 * HIDDEN_SIZE,
        dropout=0.0,
        batch_first=True,
        activation="gelu",
        device=hardware.device,
    )
    for weights in layer.parameters():
        torch.nn.init.constant_(weights, 0.02)
    batch = (
        torch.linspace(-1, 1, math.prod(_BATCH_SHAPE) * HIDDEN_SIZE, device=hardware.device)
        .reshape(*_BATCH_SHAPE, HIDDEN_SIZE)
        .requires_grad_()
    )
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(hardware.precision)

    def step() -> None:
        with torch.autocast(hardware.device, dtype=dtype, enabled=dtype is not None):
            loss = layer(batch).float().square().mean()
        loss.backward()
        if hardware.device == "cuda":
            torch.cuda.synchronize()

    step()
    fastest, started = math.inf, time.perf_counter()
    while time.perf_counter() - started < _PROBE_SECONDS:
        step_started = time.perf_counter()
        step()
        fastest = min(fastest, time.perf_counter() - step_started)
    return _BATCH_SHAPE[0] * _BATCH_SHAPE[1] / fastest
