"""How large an attack is, and its outcome: the number of attempts and every effect. No effect is allowed."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AttackOptions:
    """``fraction`` of the full number of attempts; ``seed`` of all random choices: the same seed repeats the same attempts. ``parts`` of an attack
    that has parts; all without."""

    fraction: float = 1.0
    seed: int = 13
    parts: tuple[str, ...] = ()

    def scaled(self, tries: int) -> int:
        """``fraction`` of ``tries``; at least one."""
        return max(1, round(tries * self.fraction))


@dataclass
class Outcome:
    """``tries`` is the number of attempts. ``effects`` holds a sentence for each attempt that had an effect: a crash, an answer instead of a
    refusal, an exceeded limit. ``figures`` are measurements, such as the longest time or the peak memory."""

    tries: int = 0
    effects: list[str] = field(default_factory=list)
    figures: dict[str, float | int | str] = field(default_factory=dict)
