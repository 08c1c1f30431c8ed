"""Checks as HTML, the same for a file, a training and a result: a line for each finding, and behind one line that sums up, what passed."""

from collections.abc import Sequence

from trainer.check import CheckResult, Example, Severity, count_checks, found
from trainer.text_format import split_first_sentence
from trainer.ui import html_pieces
from trainer.ui.buttons import Button

_TAGS = {"ok": "ok", "info": "note", "warning": "check", "error": "fix"}
_MAX_CHARS = 1200


def checks_html(results: Sequence[CheckResult], *, so_far: bool = False) -> str:
    """A list of what was found, and the summary; ``so_far`` for a training that is not over. Nothing if no check applies."""
    if not any(result.applies for result in results):
        return ""
    lines = "".join(result_line(result) for result in found(results))
    return f'<ul class="em-checks">{lines}{summary(results, so_far=so_far)}</ul>'


def result_line(result: CheckResult, buttons: Sequence[Button] = ()) -> str:
    """One result with its advice, its rows and these buttons."""
    return line(result.severity, result.message, result.advice, buttons, result.examples)


def line(severity: Severity, message: str, advice: str, buttons: Sequence[Button], examples: Sequence[Example]) -> str:
    """A line of the list, for example of a repair that was made."""
    first, details = split_first_sentence(advice)
    button_html = f'<span class="em-line-buttons">{"".join(button.html for button in buttons)}</span>' if buttons else ""
    message_html = f'<p dir="auto">{html_pieces.text(message, max_length=_MAX_CHARS)}</p>'
    return f'<li class="em-check em-{severity}">{_tag(severity)}<div>{message_html}{_details(first, details, examples)}</div>{button_html}</li>'


def fold(severity: Severity, title: str, lines: Sequence[str]) -> str:
    """Lines behind a title; nothing for no lines."""
    return _fold(severity, _tag(severity), title, f'<ul class="em-checks">{"".join(lines)}</ul>') if lines else ""


def summary(results: Sequence[CheckResult], *, so_far: bool = False, shown: CheckResult | None = None) -> str:
    """One line for all checks: "14 checks: 11 passed, 2 to look at, 1 not applicable here".

    Behind it are those that passed, but the one that is ``shown`` already, and those that do not apply.
    """
    counts = count_checks(results)
    tag = _tag("ok") if counts.passed and not counts.found else '<span class="em-severity">all</span>'
    told = [result for result in results if result.outcome == "passed" and result.message]
    listed = {result.title for result in (*told, *found(results))}
    lines = "".join(result_line(result) for result in told if result is not shown)
    others = sorted((result for result in results if result.title not in listed), key=lambda result: not result.applies)
    content = f'<ul class="em-checks">{lines}</ul><ul class="em-other-checks">{"".join(map(_passed_or_not_applicable, others))}</ul>'
    return _fold("info", tag, counts.summary(so_far=so_far), content)


def _passed_or_not_applicable(result: CheckResult) -> str:
    title = html_pieces.text(result.title)
    if result.outcome == "passed":
        return f'<li><span class="em-passed" aria-hidden="true">✓</span><span class="em-hidden">Passed: </span>{title}</li>'
    return f'<li class="em-quiet"><span aria-hidden="true">–</span>{title}. {html_pieces.text(result.message)}</li>'


def _fold(severity: Severity, tag: str, title: str, content: str) -> str:
    return (
        f'<li class="em-check em-{severity} em-folded-lines"><details class="em-folded">'
        f"<summary>{tag}<span>{title}</span></summary>{content}</details></li>"
    )


def _details(first: str, details: str, examples: Sequence[Example]) -> str:
    """What a finding means, in small print, and folded behind it what to do and the rows."""
    first_html = f'<span dir="auto">{html_pieces.text(first, max_length=_MAX_CHARS)}</span>' if first else ""
    if not details and not examples:
        return f'<p class="em-advice">{first_html}</p>' if first_html else ""
    details_html = f'<p dir="auto">{html_pieces.text(details, max_length=_MAX_CHARS)}</p>' if details else ""
    rows = _rows(examples) if examples else ""
    return (
        f'<details class="em-advice"><summary>{first_html} <u>{"Show rows" if rows else "More"}</u></summary>{details_html}{rows}</details>'
    )


def _tag(severity: Severity) -> str:
    return f'<span class="em-severity">{_TAGS[severity]}</span>'


def _rows(examples: Sequence[Example]) -> str:
    has_notes = any(e.note for e in examples)
    has_texts = any(e.text for e in examples)
    head = ["line", *(["row"] if has_texts else []), *([""] if has_notes else [])]
    rows = [[f"{e.line:,}", *([e.text] if has_texts else []), *([e.note] if has_notes else [])] for e in examples]
    return html_pieces.table(head, rows, numbers=[0], caption="Rows of this finding")
