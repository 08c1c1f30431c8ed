"""What the Results tab says beyond the scores, as HTML: what would help, groups of rows, steps of a scale, the report to share. Computes nothing."""

import json
from collections.abc import Sequence
from dataclasses import replace

from trainer.evaluation.intervals import Interval
from trainer.evaluation.ordered import OrderedScores
from trainer.evaluation.run_report import Suggestions
from trainer.evaluation.subgroups import LENGTH, Subgroup
from trainer.evaluation.suggestions import Suggestion
from trainer.shares import Share
from trainer.text_format import percent, percent_range
from trainer.ui import html_pieces
from trainer.ui.buttons import Button

_BUTTONS = {
    "label_more": ("to-file", "Open its file"),
    "check_pair": ("check-pair", "Check these labels"),
    "raise_length": ("read-longer", "Train with that length"),
    "merge_classes": ("check-pair", "Merge them in “Check labels”"),
}


def suggestions_html(suggestions: Suggestions) -> str:
    """The suggestions as a list, each with its evidence and its button."""
    head = "<h3>What would help most <small>by training and validation rows</small></h3>"
    if not suggestions.found:
        reason = (
            suggestions.reason
            or "Nothing stands out: no class, no pair of classes and no length explains more of the mistakes than others."
        )
        return f'{head}<p class="em-quiet">{html_pieces.text(reason)}</p>'
    items = "".join(map(_suggestion, suggestions.found))
    return f'{head}<ol class="em-suggestions">{items}</ol>'


def waiting_html() -> str:
    """While they are computed."""
    return '<h3>What would help most <small>by training and validation rows</small></h3><p class="em-quiet">Looking at the rows …</p>'


def _suggestion(suggestion: Suggestion) -> str:
    action, title = _BUTTONS.get(suggestion.code, ("", ""))
    code = json.dumps(suggestion.classes) if action == "check-pair" else str(suggestion.value or "")
    button = Button(action, title, code=code).html if action else ""
    return (
        f'<li><div><strong dir="auto">{html_pieces.text(suggestion.title)}</strong>'
        f'<p class="em-small" dir="auto">{html_pieces.text(suggestion.evidence, max_length=600)}</p></div>{button}</li>'
    )


def subgroups_html(groups: Sequence[Subgroup]) -> str:
    """A table of each column's groups, and a sentence for each that is surely worse; "" without groups."""
    if not groups:
        return ""
    worse = "".join(html_pieces.notice(group.sentence, "warning") for group in groups if group.is_worse)
    rows = [
        (
            "by length" if group.column == LENGTH else group.column,
            group.value,
            (percent(group.accuracy.value), percent_range(group.accuracy.low, group.accuracy.high)),
            percent(group.others.value),
            f"{group.rows:,}",
        )
        for group in groups
    ]
    none = (
        ""
        if worse
        else '<p class="em-quiet em-small">No group is surely worse than the others (Fisher’s exact test, Holm’s correction).</p>'
    )
    table = html_pieces.table(
        ("Group", "", "Right", "All others", "Rows"), rows, numbers=(2, 3, 4), caption="Accuracy by group on the test rows"
    )
    return f"<h3>By group <small>test rows</small></h3>{worse}{table}{none}"


def ordered_html(scores: OrderedScores | None) -> str:
    """The scores of labels that are steps of a scale; "" for other labels."""
    if scores is None:
        return ""
    order = " &lt; ".join(html_pieces.isolated(name, max_length=40) for name in scores.order)
    kappa = scores.quadratic_kappa
    rows = [
        ("Mean distance, in steps", _number(scores.mean_distance)),
        ("At most one step off", (percent(scores.within_one.value), percent_range(scores.within_one.low, scores.within_one.high))),
        ("Quadratic weighted kappa", "–" if kappa is None else _number(kappa)),
    ]
    table = html_pieces.table(("", "Test rows"), rows, numbers=(1,), caption="Scores of the labels as steps of a scale")
    return f'<h3>As steps of a scale</h3><p class="em-quiet em-small">{order}</p>{table}'


def share_html(run_id: str, *, with_texts: bool, share: Share | None = None, can_share: bool = False) -> str:
    """The link to the report as one file; for somebody who ``can_share`` the run, its ``share`` and what changes that ("share" with the code "texts"
    or none, "unshare")."""
    query = "?texts=1" if with_texts else ""
    download = f'<a class="em-button" href="report/{run_id}{query}" download>Download the report</a>'
    if not can_share:
        return download
    begin = Button("share", "Share by a link", code="texts" if with_texts else "", elem_id="share-run")
    if share is None:
        return download + begin.html
    shown = "its report with the texts of mistakes" if share.with_texts else "its report without any texts"
    change = (
        ""
        if share.with_texts == with_texts
        else replace(begin, title="Share with the texts" if with_texts else "Share without the texts").html
    )
    return (
        f'{download}{change}{Button("unshare", "Stop sharing", elem_id="unshare-run").html}<p class="em-small em-shared">Whoever has this link sees {shown}, and '
        f'can try the model: <a href="shared/{share.token}" target="_blank" rel="noopener">shared/{share.token}</a> (copy the address of the link).</p>'
    )


def _number(interval: Interval) -> tuple[str, str]:
    return f"{interval.value:.2f}", f"{interval.low:.2f} to {interval.high:.2f}"
