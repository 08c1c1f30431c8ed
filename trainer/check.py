"""Check: one question to a file, a training or a result. CheckResult: its answer, with rows to look at and what to do. Asks nothing itself.

Every list of checks, on the page, in the terminal, in JSON and in the model card, is made from these.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from trainer.text_format import pluralize

Severity = Literal["ok", "info", "warning", "error"]
"""An "error" blocks a training until it is fixed or dismissed; "info" is no fault of the user's."""

Outcome = Literal["found", "passed", "not_applicable"]

MAX_EXAMPLES = 20

_ORDER = {"error": 0, "warning": 1, "info": 2, "ok": 3}

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Example:
    """A row to look at: the line of the file where it starts, its text, and what to notice (its label, a reason)."""

    line: int
    text: str
    note: str = ""


@dataclass(frozen=True)
class CheckResult:
    """What a check says. ``code`` is a stable name, ``count`` the number of rows, texts or labels that the message mentions.

    ``message`` is one short sentence, empty for a passed check with nothing to tell; ``advice`` says what it means and what to do.
    """

    code: str
    severity: Severity
    count: int = 0
    message: str = ""
    advice: str = ""
    examples: tuple[Example, ...] = ()
    repairable: bool = False
    """Whether the repair of the same code would change something."""
    setting: tuple[str, int] | None = None
    """A recipe setting and the value that would resolve it."""
    title: str = ""
    """The title of its check."""
    applies: bool = True
    """If not, ``message`` says to what the check applies."""

    @property
    def outcome(self) -> Outcome:
        if not self.applies:
            return "not_applicable"
        return "passed" if self.severity == "ok" else "found"

    @property
    def sentence(self) -> str:
        """Message and advice."""
        return f"{self.message} {self.advice}".strip()

    def to_dict(self) -> dict[str, Any]:
        """The four values by which JSON and a run's events name it."""
        return {"code": self.code, "severity": self.severity, "count": self.count, "message": self.sentence}


@dataclass(frozen=True)
class Check(Generic[Subject]):
    """An entry of a registry. ``run`` returns what it has to say of a subject; None, or nothing in a sequence, if the check has passed."""

    code: str
    title: str
    """What holds of a subject that passes, in a few words."""
    run: Callable[[Subject], CheckResult | Sequence[CheckResult] | None]
    applies: Callable[[Subject], bool] = lambda subject: True
    only_for: str = ""
    """To which subjects it applies, if not to all; ends "only for ..."."""


@dataclass(frozen=True)
class CheckCounts:
    """How many checks passed, found something, and do not apply."""

    passed: int
    found: int
    not_applicable: int

    def summary(self, *, so_far: bool = False) -> str:
        """ "14 checks: 11 passed, 2 to look at, 1 not applicable here"; ``so_far`` for a subject that still changes."""
        parts = [
            f"{self.passed:,} passed" if self.passed else "",
            f"{self.found:,} to look at" if self.found else "",
            f"{self.not_applicable:,} not applicable {'yet' if so_far else 'here'}" if self.not_applicable else "",
        ]
        return f"{pluralize(self.passed + self.found + self.not_applicable, 'check')}: {', '.join(filter(None, parts)) or 'none'}"


def run_checks(checks: Iterable[Check[Subject]], subject: Subject) -> tuple[CheckResult, ...]:
    """The results of all checks, in their order; at least one for each."""
    return tuple(result for check in checks for result in _run(check, subject))


def _run(check: Check[Subject], subject: Subject) -> Sequence[CheckResult]:
    if not check.applies(subject):
        return [CheckResult(check.code, "ok", message=f"Only for {check.only_for}.", title=check.title, applies=False)]
    results = check.run(subject)
    if isinstance(results, CheckResult):
        results = [results]
    return [replace(result, title=check.title) for result in results or [CheckResult(check.code, "ok")]]


def sort_by_severity(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Errors first, what is ok last; otherwise in the given order."""
    return tuple(sorted(results, key=lambda result: _ORDER[result.severity]))


def findings(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """The results with something to tell: what was found, and what a passed check says of its subject."""
    return tuple(result for result in results if result.applies and result.message)


def found(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """The results to look at."""
    return tuple(result for result in results if result.outcome == "found")


def count_checks(results: Iterable[CheckResult]) -> CheckCounts:
    """Each check once: one with several results counts as found if any of them is."""
    outcomes: dict[str, set[Outcome]] = {}
    for result in results:
        outcomes.setdefault(result.title, set()).add(result.outcome)
    n_found = sum("found" in each for each in outcomes.values())
    n_passed = sum("found" not in each and "passed" in each for each in outcomes.values())
    return CheckCounts(n_passed, n_found, len(outcomes) - n_found - n_passed)


def checks_to_dict(results: Sequence[CheckResult]) -> dict[str, Any]:
    """As JSON: the summary, the counts by outcome, and every result."""
    counts = count_checks(results)
    listed = [{**result.to_dict(), "title": result.title, "outcome": result.outcome} for result in results]
    return {"summary": counts.summary(), **asdict(counts), "results": listed}


def run_checks_to_dict(of_file: CheckCounts | None, training: Sequence[CheckResult], result: Sequence[CheckResult]) -> dict[str, Any]:
    """The checks of a run as JSON; of its file, whose findings are recorded, the summary and the counts."""
    counts = None if of_file is None else {"summary": of_file.summary(), **asdict(of_file)}
    return {"file": counts, "training": checks_to_dict(training), "result": checks_to_dict(result)}
