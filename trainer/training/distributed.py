"""One training, or one file to be labelled, in several processes (torchrun, accelerate launch): which of them this is, and how they communicate.

Rank 0 owns the run: it alone reads the file, writes the log and saves. The other ranks only compute.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ProcessGroup:
    """This process among the ``world_size`` of one training, ``local_world_size`` of which run on this machine."""

    rank: int = 0
    world_size: int = 1
    local_world_size: int = 1

    @property
    def is_main_process(self) -> bool:
        return self.rank == 0

    @classmethod
    def from_environment(cls) -> "ProcessGroup":
        """The group that torchrun and accelerate describe in environment variables; one process without them."""
        world_size = _int_from_environment("WORLD_SIZE", 1)
        if world_size <= 1:
            return cls()
        return cls(_int_from_environment("RANK", 0), world_size, _int_from_environment("LOCAL_WORLD_SIZE", world_size))

    def broadcast(self, text: str | None) -> str:
        """Rank 0's text in every process: rank 0 passes it, the others pass None and wait for it."""
        if self.world_size == 1:
            return text or ""
        self.init()
        import torch.distributed as dist

        objects = [text]
        dist.broadcast_object_list(objects, src=0)
        return objects[0]

    def wait_for_all(self) -> None:
        """Wait until every process has come this far."""
        if self.world_size == 1:
            return
        self.init()
        import torch.distributed as dist

        dist.barrier()

    def broadcast_flag(self, flag: bool) -> bool:
        """Rank 0's flag in every process, so that all of them end after the same step."""
        if self.world_size == 1:
            return flag
        import torch
        import torch.distributed as dist

        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        tensor = torch.tensor([flag], dtype=torch.int32, device=device)
        dist.broadcast(tensor, src=0)
        return bool(tensor.item())

    def broadcast_weights(self, module: "nn.Module") -> None:
        """Give rank 0's weights of a module to every process."""
        if self.world_size == 1:
            return
        import torch
        import torch.distributed as dist

        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        for parameter in module.parameters():
            weights = parameter.detach().to(device)
            dist.broadcast(weights, src=0)
            with torch.no_grad():
                parameter.copy_(weights)

    def init(self) -> None:
        """Initialize torch's process group and wait for all processes: nccl between GPUs, gloo between CPUs."""
        if self.world_size == 1:
            return
        import torch
        from accelerate import PartialState

        cuda = torch.cuda.is_available()
        PartialState(cpu=not cuda, backend="nccl" if cuda else "gloo")


def _int_from_environment(name: str, default: int) -> int:
    try:
        return int(os.environ.get(name, ""))
    except ValueError:
        return default
