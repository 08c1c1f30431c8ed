"""The hardware of this machine and how to use it: device, precision, CPU cores.

Measures nothing and trains nothing.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from trainer.errors import RecipeError
from trainer.training.exclusive_loading import load_libraries

GPU_CALL = "BORROWED_GPU"
"""Set within a process to which a Space with ZeroGPU has lent its GPU."""


def lends_gpu(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Space with ZeroGPU, which lends a GPU for a call; outside of one there is none, whatever torch says."""
    return environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


@dataclass(frozen=True)
class Hardware:
    """The device that trains, and the precision that is fastest on it."""

    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["fp32", "bf16", "fp16"]
    cores: int
    name: str
    """For people: "2 CPU cores", "NVIDIA T4, 15 GB"."""
    devices: int = 1
    """How many of these GPUs can share a training."""

    @property
    def description(self) -> str:
        """For people, with the precision: "2 CPU cores, bf16"."""
        return f"{f'{self.devices} × ' if self.devices > 1 else ''}{self.name}, {self.precision}"


def with_precision(hardware: Hardware, precision: str) -> Hardware:
    """The hardware with the requested precision instead of its fastest one; "auto" leaves it as it is.

    Raises UserError ``precision_unavailable`` for 16 bits that it lacks: emulating them is slower than 32 bits.
    """
    if precision == "auto":
        return hardware
    # A GPU with bf16 has fp16 too; a CPU has no fp16.
    available = {"fp32", hardware.precision} | ({"fp16"} if hardware.device == "cuda" and hardware.precision == "bf16" else set())
    if precision not in available:
        raise RecipeError(
            f"This machine ({hardware.name}) has no {precision} arithmetic. Choose auto, or one of: {', '.join(sorted(available))}.",
            code="precision_unavailable",
        )
    return replace(hardware, precision=precision)


def usable_cores() -> int:
    """Cores that this process may really use.

    A container may see 64 cores and be granted 2; with 64 threads it would crawl.
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
    """The best device of this machine. Imports torch, which takes seconds the first time."""
    load_libraries()
    import torch

    cores = usable_cores()
    if torch.cuda.is_available() and (not lends_gpu() or GPU_CALL in os.environ):
        properties = torch.cuda.get_device_properties(0)
        # Below compute capability 8.0 bf16 is emulated and slow; fp16 with loss scaling has tensor cores from 7.0.
        precision = "bf16" if properties.major >= 8 else "fp16" if properties.major >= 7 else "fp32"
        return Hardware("cuda", precision, cores, f"{properties.name}, {properties.total_memory / 2**30:.0f} GB", torch.cuda.device_count())
    if torch.backends.mps.is_available():
        return Hardware("mps", "fp32", cores, "Apple GPU")
    # Older releases of torch, which a Space with ZeroGPU may have, do not tell: 32 bits are right everywhere.
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    has_bf16 = any(capabilities.get(unit) for unit in ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16"))
    return Hardware("cpu", "bf16" if has_bf16 else "fp32", cores, f"{cores} CPU core{'s' if cores != 1 else ''}")
