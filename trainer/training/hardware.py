"""What this machine has and what to do with it: device, precision, threads.

Measures nothing and trains nothing.
"""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from trainer.errors import UserError
from trainer.training.libraries import load_libraries


@dataclass(frozen=True)
class Hardware:
    """The device that will do the work and the precision it gains from."""

    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["fp32", "bf16", "fp16"]
    cores: int
    name: str
    """In words: "2 CPU cores", "NVIDIA T4, 15 GB"."""
    devices: int = 1
    """GPUs of this kind that can share a training."""

    @property
    def description(self) -> str:
        return f"{f'{self.devices} × ' if self.devices > 1 else ''}{self.name}, {self.precision}"


def with_precision(hardware: Hardware, precision: str) -> Hardware:
    """The hardware as ``detect`` found it, told to work in the asked precision; "auto" leaves it.

    Raises UserError ``precision_unavailable`` for 16 bits that it does not have: they would be emulated, slower than 32.
    """
    if precision == "auto":
        return hardware
    # A GPU with bf16 has fp16 too; a processor computes in no fp16.
    offered = {"fp32", hardware.precision} | ({"fp16"} if hardware.device == "cuda" and hardware.precision == "bf16" else set())
    if precision not in offered:
        raise UserError(
            f"This machine ({hardware.name}) has no {precision} arithmetic. Choose auto, or one of: {', '.join(sorted(offered))}.",
            code="precision_unavailable",
        )
    return replace(hardware, precision=precision)


def usable_cores() -> int:
    """Cores that this process may really use.

    In a container the machine may show 64 cores and grant 2; as many threads as it shows would crawl.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cores = min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        return max(1, cores)
    return max(1, cores)


def detect_hardware() -> Hardware:
    """The best device here. Imports torch, which takes seconds the first time."""
    load_libraries()
    import torch

    cores = usable_cores()
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        # Below compute capability 8.0 bf16 is emulated and slow; fp16 with loss scaling has tensor cores from 7.0.
        precision = "bf16" if properties.major >= 8 else "fp16" if properties.major >= 7 else "fp32"
        return Hardware("cuda", precision, cores, f"{properties.name}, {properties.total_memory / 2**30:.0f} GB", torch.cuda.device_count())
    if torch.backends.mps.is_available():
        return Hardware("mps", "fp32", cores, "Apple GPU")
    capabilities = torch.cpu.get_capabilities()
    gains = any(capabilities.get(unit) for unit in ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16"))
    return Hardware("cpu", "bf16" if gains else "fp32", cores, f"{cores} CPU core{'s' if cores != 1 else ''}")
