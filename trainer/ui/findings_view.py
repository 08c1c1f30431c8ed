"""The findings of a file as HTML, each with example rows, and buttons that repair, undo or dismiss."""

from collections.abc import Sequence

import gradio as gr

from trainer.data.checks.findings import Example, Finding
from trainer.data.checks.repairs import REPAIRS, describe_repair
from trainer.drafts.preparation import PreparedDraft
from trainer.text_format import pluralize
from trainer.ui import markup
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.readiness import repairable_findings, split_first_sentence

_MAX_CANDIDATES = 3
_VISIBLE_FINDINGS = 4
"""The others are folded."""
_TAGS = {"ok": "ok", "warning": "check", "error": "fix"}
_CHECKING = '<li class="em-check em-waiting"><span class="em-severity">…</span><div role="status"><p>Checking how the encoder reads the texts …</p></div></li>'


def build(*, elem_id: str) -> gr.HTML:
    """An empty list of findings.

    Its ``click`` event carries ``action`` ("repair", "repair_all", "undo", "dismiss_finding", "confirm", "label", "set") and ``code``.
    """
    return html_with_buttons("", elem_id=elem_id)


def findings_html(prepared: PreparedDraft, advice: Sequence[Finding] | None = None) -> str:
    """All findings of a file, and the repairs made.

    ``advice`` holds the findings that depend on the encoder; None while they are being computed.
    """
    findings, encoder_findings = prepared.findings, advice or ()
    errors = [f for f in findings if f.severity == "error"]
    warnings = [f for f in findings if f.severity == "warning"]
    encoder_warnings = [f for f in encoder_findings if f.severity == "warning"]
    passed = [f for f in (*encoder_findings, *findings) if f.severity == "ok"]
    items = [_item(prepared, f) for f in (*errors, *encoder_warnings, *warnings)]
    visible, hidden = items[:_VISIBLE_FINDINGS], items[_VISIBLE_FINDINGS:]
    if len(items) < _VISIBLE_FINDINGS and not encoder_warnings and prepared.problem is None:
        # A passed check replaces the "checking" line, so that nothing below moves.
        visible += [_CHECKING] if advice is None else [_item(prepared, passed.pop(0))] if encoder_findings and passed else []
    folded = [
        _fold("warning", f"{len(hidden):,} more", hidden),
        _fold("ok", f"{pluralize(len(prepared.draft.repairs), 'repair')} made", _repairs_made(prepared)),
        _fold("ok", f"{pluralize(len(passed), 'check')} passed", [_item(prepared, f) for f in passed]),
    ]
    return f'{_repair_all(prepared)}<ul class="em-checks">{"".join(visible)}{"".join(folded)}</ul>'


def _repair_all(prepared: PreparedDraft) -> str:
    """A button for all repairs, if there are several and the footer has no such button."""
    findings = repairable_findings(prepared)
    if len(findings) < 2 or sum(f.severity == "error" for f in findings) > 1:
        return ""
    return f'<p class="em-repair-all">{Button("repair_all", f"Repair all {len(findings)}", link=True).html}</p>'


def _fold(severity: str, title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    content = f'<ul class="em-checks">{"".join(items)}</ul>'
    return f'<li class="em-check em-{severity} em-folded-lines"><details class="em-folded"><summary>{_tag(severity)}<span>{title}</span></summary>{content}</details></li>'


def _column_buttons(prepared: PreparedDraft, finding: Finding) -> list[Button]:
    """For an uncertain guess of the columns: buttons that confirm it or choose another label column."""
    if finding.code != "columns_unsure" or prepared.columns is None:
        return []
    candidates = prepared.columns.candidates[:_MAX_CANDIDATES]
    alternatives = [Button("label", f"The label is “{prepared.table.columns[i][:30]}”", code=str(i)) for i in candidates]
    return [Button("confirm", "They are right"), *alternatives]


def _item(prepared: PreparedDraft, finding: Finding) -> str:
    buttons = _column_buttons(prepared, finding)
    if finding.repairable:
        buttons.append(Button("repair", REPAIRS[finding.code].title, code=finding.code))
    if finding.severity == "error":
        buttons.append(Button("dismiss_finding", "Leave it as it is", code=finding.code, link=True))
    elif finding.code in prepared.draft.dismissed:
        buttons.append(Button("undo", "Ask again", code=finding.code, link=True))
    if finding.setting is not None:
        buttons.append(Button("set", f"Read {finding.setting[1]} tokens", code=f"{finding.setting[0]}={finding.setting[1]}"))
    return _line(finding.severity, finding.message, finding.advice, buttons, finding.examples)


def _repairs_made(prepared: PreparedDraft) -> list[str]:
    """What each repair changed, with a button that undoes it."""
    if prepared.repaired is None:
        return []
    items = []
    for code in prepared.draft.repairs:
        n_changes = prepared.repaired.counts.get(code, 0)
        changes = [c for c in prepared.repaired.changes if c.repair == code][:20]
        examples = [Example(c.line, c.old, c.new if c.field != "row" else "left out") for c in changes]
        message = (
            f"Repaired. {describe_repair(code, n_changes)}."
            if n_changes
            else f"There was nothing left to repair ({REPAIRS[code].title.lower()})."
        )
        items.append(_line("ok", message, "", [Button("undo", "Undo", code=code)], examples))
    return items


def _line(severity: str, message: str, advice: str, buttons: Sequence[Button], examples: Sequence[Example]) -> str:
    summary, details = split_first_sentence(advice)
    button_html = f'<span class="em-line-buttons">{"".join(button.html for button in buttons)}</span>' if buttons else ""
    message_html = f'<p dir="auto">{markup.text(message, max_length=1200)}</p>'
    return f'<li class="em-check em-{severity}">{_tag(severity)}<div>{message_html}{_details(summary, details, examples)}</div>{button_html}</li>'


def _details(summary: str, details: str, examples: Sequence[Example]) -> str:
    """What a finding means, in small print, and folded behind it what to do and the rows."""
    summary_html = f'<span dir="auto">{markup.text(summary, max_length=1200)}</span>' if summary else ""
    if not details and not examples:
        return f'<p class="em-advice">{summary_html}</p>' if summary_html else ""
    details_html = f'<p dir="auto">{markup.text(details, max_length=1200)}</p>' if details else ""
    rows = _rows(examples) if examples else ""
    return f'<details class="em-advice"><summary>{summary_html} <u>{"Show rows" if rows else "More"}</u></summary>{details_html}{rows}</details>'


def _tag(severity: str) -> str:
    return f'<span class="em-severity">{_TAGS[severity]}</span>'


def _rows(examples: Sequence[Example]) -> str:
    has_notes = any(e.note for e in examples)
    has_texts = any(e.text for e in examples)
    head = ["line", *(["row"] if has_texts else []), *([""] if has_notes else [])]
    rows = [[f"{e.line:,}", *([e.text] if has_texts else []), *([e.note] if has_notes else [])] for e in examples]
    return markup.table(head, rows, numbers=[0], caption="Rows of this finding")
