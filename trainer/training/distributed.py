"""One training in several processes (torchrun, accelerate launch): which of them this is, and how they agree.

Rank 0 owns the run: it alone reads the file, writes the log and saves. The others only lend their hands.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Ranks:
    """This process among those of one training; ``here`` of them share this machine."""

    rank: int = 0
    count: int = 1
    here: int = 1

    @property
    def main(self) -> bool:
        return self.rank == 0

    @classmethod
    def from_environment(cls) -> "Ranks":
        """As torchrun and accelerate tell it; one process without them."""
        count = _number("WORLD_SIZE", 1)
        return cls(_number("RANK", 0), count, _number("LOCAL_WORLD_SIZE", count)) if count > 1 else cls()

    def share(self, word: str | None) -> str:
        """What rank 0 says, in every process: rank 0 gives ``word``, the others wait for it."""
        if self.count == 1:
            return word or ""
        self.meet()
        import torch.distributed as dist

        box = [word]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def agree(self, flag: bool) -> bool:
        """Rank 0's answer, in every process, so that all of them end after the same step."""
        if self.count == 1:
            return flag
        import torch
        import torch.distributed as dist

        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        answer = torch.tensor([flag], dtype=torch.int32, device=device)
        dist.broadcast(answer, src=0)
        return bool(answer.item())

    def meet(self) -> None:
        """Wait until all processes are there: nccl between GPUs, gloo between processors."""
        if self.count == 1:
            return
        import torch
        from accelerate import PartialState

        cuda = torch.cuda.is_available()
        PartialState(cpu=not cuda, backend="nccl" if cuda else "gloo")


def _number(name: str, default: int) -> int:
    try:
        return int(os.environ.get(name, ""))
    except ValueError:
        return default
