"""What an attack came to: how much was tried, and every effect that it had. None is allowed."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bounds:
    """``share`` of the full number of tries, ``seed`` for all that is drawn: the same seed tries the same."""

    share: float = 1.0
    seed: int = 13

    def of(self, tries: int) -> int:
        """So many of the full number of ``tries``; at least one."""
        return max(1, round(tries * self.share))


@dataclass
class Outcome:
    """``tries`` counts what was attempted. ``effects`` tells in a sentence each time that an attack had one: a crash, an answer that should have
    been refused, a limit overstepped. ``figures`` are what was measured on the way, such as the longest time or the most memory."""

    tries: int = 0
    effects: list[str] = field(default_factory=list)
    figures: dict[str, float | int | str] = field(default_factory=dict)
