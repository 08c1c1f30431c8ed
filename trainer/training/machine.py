"""Machine: the hardware that trains and its measured speed, both unknown until ``warm_up`` has looked in the background."""

import gc
import threading
from collections.abc import Callable

from trainer.training.exclusive_loading import load_training_libraries
from trainer.training.hardware import Hardware, detect_hardware
from trainer.training.speed import SpeedMeter


class Machine:
    """``hardware`` is None until it is known."""

    def __init__(self) -> None:
        self.hardware: Hardware | None = None
        self.speeds = SpeedMeter()
        self._changed = threading.Lock()
        self._warming_up = False
        self._waiting: list[Callable[[], None]] = []

    @property
    def devices(self) -> int:
        """GPUs that can share a training; at least 1."""
        return (self.hardware or detect_hardware()).devices

    def warm_up(self) -> None:
        """Detect and measure the hardware and import the training libraries, in a thread. Trainings wait until the speed is measured."""
        nothing_trains = self.speeds.reserve()
        self._warming_up = True

        def load() -> None:
            hardware = None
            try:
                hardware = detect_hardware()
            finally:
                if nothing_trains:
                    self.speeds.measure_all(hardware)
                # Only now: the page requests estimates as soon as the hardware is known.
                self.hardware = hardware
                self._tell()
            load_training_libraries()
            import sklearn.feature_extraction.text
            import sklearn.linear_model  # noqa: F401

            # Imported modules are never garbage. The collection that ends each training would spend a tenth of its half second on them.
            gc.freeze()

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    def when_measured(self, act: Callable[[], None]) -> None:
        """Call ``act`` once ``warm_up`` has measured, in its thread; at once if it has, or was not asked to."""
        with self._changed:
            if self._warming_up:
                self._waiting.append(act)
                return
        act()

    def _tell(self) -> None:
        with self._changed:
            self._warming_up, waiting = False, self._waiting
            self._waiting = []
        for act in waiting:
            act()
