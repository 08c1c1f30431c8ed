"""How quickly this machine learns, by a short measurement: once for each precision, and never beside a training.

Draws no random number, so that no training that begins meanwhile gets other weights. What follows for a recipe is ``estimate``'s business.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from trainer.errors import UserError
from trainer.training.hardware import Hardware, with_precision
from trainer.training.libraries import load_libraries

HIDDEN_SIZE = 384
"""Units of the measured layer, those of the packaged encoder."""
_TOKENS = (16, 32)
"""Texts and tokens of the measured batch: like a batch of short texts."""
_PROBE_SECONDS = 0.3
_PRECISIONS = ("fp32", "bf16", "fp16")


class NotMeasuredError(RuntimeError):
    """The speed is not known, and a training is under way, beside which it would come out too slow."""


class SpeedMeter:
    """The speeds that were measured. Whoever trains and whoever measures exclude each other: the training waits, the measurement does not."""

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._known: dict[Hardware, float] = {}

    @contextmanager
    def training(self) -> Iterator[None]:
        """For the block that trains: it begins once nothing is being measured, and nothing is until it has ended."""
        with self._alone:
            yield

    def reserve(self) -> bool:
        """Let no training begin before ``measure_all``; False where one is under way."""
        return self._alone.acquire(blocking=False)

    def measure_all(self, hardware: Hardware | None) -> None:
        """After ``reserve``: measure every precision that the hardware has, then let trainings begin. None measures nothing."""
        try:
            for precision in _PRECISIONS if hardware is not None else ():
                # A precision that is not there, or no memory left: whoever asks for it is told.
                with suppress(UserError, RuntimeError):
                    at_work = with_precision(hardware, precision)
                    self._known[at_work] = measure_layer_speed(at_work)
        finally:
            self._alone.release()

    def of(self, hardware: Hardware) -> float:
        """Tokens a second, as ``measure_layer_speed`` gives them. Raises NotMeasuredError, and what ``measure_layer_speed`` does."""
        if hardware not in self._known:
            if not self._alone.acquire(blocking=False):
                raise NotMeasuredError
            try:
                self._known[hardware] = measure_layer_speed(hardware)
            finally:
                self._alone.release()
        return self._known[hardware]


def measure_layer_speed(hardware: Hardware) -> float:
    """Tokens a second that one transformer layer of 384 units learns from, forward and backward.

    Raises RuntimeError where the device has no memory left.
    """
    load_libraries()
    import torch

    # Its weights are all alike: how long it takes does not depend on them.
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
    batch = torch.linspace(-1, 1, math.prod(_TOKENS) * HIDDEN_SIZE, device=hardware.device).reshape(*_TOKENS, HIDDEN_SIZE).requires_grad_()
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(hardware.precision)

    def step() -> None:
        with torch.autocast(hardware.device, dtype=dtype, enabled=dtype is not None):
            loss = layer(batch).float().square().mean()
        loss.backward()
        if hardware.device == "cuda":
            torch.cuda.synchronize()

    step()
    fastest, begun = math.inf, time.perf_counter()
    while time.perf_counter() - begun < _PROBE_SECONDS:
        start = time.perf_counter()
        step()
        fastest = min(fastest, time.perf_counter() - start)
    return _TOKENS[0] * _TOKENS[1] / fastest
