"""Checks as lines of text: what was found, what a passed check has to tell, and the summary last."""

from collections.abc import Sequence

from trainer.check import CheckResult, count_checks, findings
from trainer.terminal import terminal_line


def check_lines(results: Sequence[CheckResult]) -> list[str]:
    """One line for each finding, "warning: ...", and one for the summary; none if no check applies."""
    lines = [f"{result.severity}: {terminal_line(result.sentence)}" for result in findings(results)]
    return [*lines, f"{count_checks(results).summary()}."] if any(result.applies for result in results) else []
