"""The checklist of a file: what was found, rows to look at, buttons that repair, take back or leave as it is.

Buttons carry what they do in ``data-action`` and ``data-code``; ``html_with_buttons`` hands a press to the page.
"""

from collections.abc import Sequence

import gradio as gr

from trainer.data.checks.findings import Example, Finding
from trainer.data.checks.repairs import REPAIRS, describe_repair
from trainer.drafts.preparation import PreparedDraft
from trainer.text_format import pluralize
from trainer.ui import markup
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.readiness import repairable, sentences

_MOST_RIVALS = 3
_MOST_LINES = 4
"""So many findings are in view; the rest is folded."""
_TAGS = {"ok": "ok", "warning": "check", "error": "fix"}
_STILL_LOOKING = '<li class="em-check em-waiting"><span class="em-severity">…</span><div role="status"><p>Still looking at how the encoder reads the texts.</p></div></li>'


def build(*, elem_id: str) -> gr.HTML:
    """An empty checklist.

    Its ``click`` event carries ``action`` ("repair", "repair_all", "undo", "accept", "confirm", "label", "set") and ``code``.
    """
    return html_with_buttons("", elem_id=elem_id)


def checklist_html(prepared: PreparedDraft, advice: Sequence[Finding] | None = None) -> str:
    """Everything found in a file and, with the encoder, in ``advice``, which is None while it is not known yet; what was already done about it."""
    findings, advised = prepared.findings, advice or ()
    fix = [f for f in findings if f.severity == "error"]
    looks = [f for f in findings if f.severity == "warning"]
    of_encoder = [f for f in advised if f.severity == "warning"]
    good = [f for f in (*advised, *findings) if f.severity == "ok"]
    lines = [_item(prepared, f) for f in (*fix, *of_encoder, *looks)]
    shown, rest = lines[:_MOST_LINES], lines[_MOST_LINES:]
    if len(lines) < _MOST_LINES and not of_encoder and prepared.problem is None:
        # What is good takes the place of "still looking", so that nothing below moves.
        shown += [_STILL_LOOKING] if advice is None else [_item(prepared, good.pop(0))] if advised and good else []
    folded = [
        _fold("warning", f"{len(rest):,} more", rest),
        _fold("ok", f"{pluralize(len(prepared.draft.repairs), 'repair')} made", _repaired(prepared)),
        _fold("ok", f"{len(good):,} {'check' if len(good) == 1 else 'checks'} passed", [_item(prepared, f) for f in good]),
    ]
    return f'{_repair_all(prepared)}<ul class="em-checks">{"".join(shown)}{"".join(folded)}</ul>'


def _repair_all(prepared: PreparedDraft) -> str:
    """Where several repairs are offered and the foot does not offer to do all."""
    many = repairable(prepared)
    if len(many) < 2 or sum(f.severity == "error" for f in many) > 1:
        return ""
    return f'<p class="em-repair-all">{Button("repair_all", f"Repair all {len(many)}", link=True).html}</p>'


def _fold(severity: str, title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    inside = f'<ul class="em-checks">{"".join(lines)}</ul>'
    return f'<li class="em-check em-{severity} em-folded-lines"><details class="em-folded"><summary>{_tag(severity)}<span>{title}</span></summary>{inside}</details></li>'


def _column_buttons(prepared: PreparedDraft, finding: Finding) -> list[Button]:
    """For columns that nobody is sure of: the other labels there could be, and a word that these are right."""
    if finding.code != "columns_unsure" or prepared.columns is None:
        return []
    candidates = prepared.columns.candidates[:_MOST_RIVALS]
    offered = [Button("label", f"The label is “{prepared.table.columns[at][:30]}”", code=str(at)) for at in candidates]
    return [Button("confirm", "They are right"), *offered]


def _item(prepared: PreparedDraft, finding: Finding) -> str:
    does = _column_buttons(prepared, finding)
    if finding.repairable:
        does.append(Button("repair", REPAIRS[finding.code].title, code=finding.code))
    if finding.severity == "error":
        does.append(Button("accept", "Leave it as it is", code=finding.code, link=True))
    elif finding.code in prepared.draft.dismissed:
        does.append(Button("undo", "Ask again", code=finding.code, link=True))
    if finding.setting is not None:
        does.append(Button("set", f"Read {finding.setting[1]} tokens", code=f"{finding.setting[0]}={finding.setting[1]}"))
    return _line(finding.severity, finding.message, finding.advice, does, finding.examples)


def _repaired(prepared: PreparedDraft) -> list[str]:
    """What the repairs did, each with a way back."""
    if prepared.repaired is None:
        return []
    lines = []
    for code in prepared.draft.repairs:
        count = prepared.repaired.counts.get(code, 0)
        changed = [c for c in prepared.repaired.changes if c.repair == code][:20]
        shown = [Example(c.line, c.before, c.after if c.what != "row" else "left out") for c in changed]
        what = f"Repaired. {describe_repair(code, count)}." if count else f"Nothing was left to repair ({REPAIRS[code].title.lower()})."
        lines.append(_line("ok", what, "", [Button("undo", "Undo", code=code)], shown))
    return lines


def _line(severity: str, message: str, more: str, does: Sequence[Button], examples: Sequence[Example]) -> str:
    why, rest = sentences(more)
    buttons = f'<span class="em-does">{"".join(press.html for press in does)}</span>' if does else ""
    said = f'<p dir="auto">{markup.text(message, max_length=1200)}</p>'
    return f'<li class="em-check em-{severity}">{_tag(severity)}<div>{said}{_details(why, rest, examples)}</div>{buttons}</li>'


def _details(why: str, rest: str, examples: Sequence[Example]) -> str:
    """What a finding means, small, and behind it what to do and the rows."""
    quiet = f'<span dir="auto">{markup.text(why, max_length=1200)}</span>' if why else ""
    if not rest and not examples:
        return f'<p class="em-why">{quiet}</p>' if quiet else ""
    inside = f'<p dir="auto">{markup.text(rest, max_length=1200)}</p>' if rest else ""
    rows = _rows(examples) if examples else ""
    return f'<details class="em-why"><summary>{quiet} <u>{"Show rows" if rows else "More"}</u></summary>{inside}{rows}</details>'


def _tag(severity: str) -> str:
    return f'<span class="em-severity">{_TAGS[severity]}</span>'


def _rows(examples: Sequence[Example]) -> str:
    noted = any(e.note for e in examples)
    told = any(e.text for e in examples)
    head = ["line", *(["row"] if told else []), *([""] if noted else [])]
    rows = [[f"{e.line:,}", *([e.text] if told else []), *([e.note] if noted else [])] for e in examples]
    return markup.table(head, rows, numbers=[0], caption="Rows of this finding")
