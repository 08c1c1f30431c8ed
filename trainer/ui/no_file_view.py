"""What the Data tab shows while no file is open: what to bring, what comes of it, the files opened before, and what is wrong with the last one."""

from collections.abc import Sequence

from trainer.charts.colours import class_colours
from trainer.drafts.store import DraftSummary, withheld_message
from trainer.text_format import file_size, percent, pluralize, time_ago
from trainer.ui import markup, shell
from trainer.ui.buttons import Button

_ROWS = (
    ("What on earth is a flamingo doing in our pond?", "surprise"),
    ("He still writes to her every winter.", "love"),
    ("You lied to my face while you were spending my money.", "anger"),
)
_EXAMPLE = "There is somebody in the house and I am alone."
_ANSWER = (("fear", 0.818), ("sadness", 0.085), ("anger", 0.043), ("love", 0.023), ("surprise", 0.018), ("joy", 0.013))
"""What a quick look at the sample made of ``_EXAMPLE``, and its score: measured once, not each time the page opens."""
_RIGHT, _OF = 142, 204
_DRAFTS_IN_VIEW = 3


def heading() -> str:
    return shell.heading(
        "Bring a table of texts with labels", "Emotune learns from it, shows how good it is on rows it never saw, and gives you the model."
    )


def drop_words(*, stays_here: bool) -> str:
    """What stands on the field where a file is dropped: large while none is open, one word afterwards."""
    where = "it stays on this computer" if stays_here else "it goes to this page's server only"
    return (
        f'<div class="em-drop-words"><strong class="em-no-file">Drop or choose your table</strong>'
        f'<span class="em-no-file">CSV, Excel, Parquet, JSON · {where}</span><strong class="em-with-file">Another file</strong></div>'
    )


def ways_in() -> str:
    """One click to a first model, and the ways to look first."""
    quick = Button("quick", "Try with our sample: one click", primary=True, elem_id="try-sample", busy_message="Opening the sample …")
    look = Button("sample", "look at it first", elem_id="open-sample", link=True)
    messy = Button("messy", "a messy sample", elem_id="open-messy", link=True)
    known = (
        '<details class="em-known" id="open-known"><summary>a known data set</summary><p class="em-quiet em-small">'
        "One of the tutorials’, or any other by its name, fetched from the Hugging Face Hub.</p></details>"
    )
    return f'{quick.html}<div class="em-ways">{look.html}{messy.html}{known}</div>'


def example_rows() -> str:
    """What a table looks like."""
    rows = "".join(f'<tr><td>{text}</td><td class="em-last">{label}</td></tr>' for text, label in _ROWS)
    return (
        '<table class="em-table em-sample-rows"><thead><tr><th>text</th><th class="em-last">label</th></tr></thead>'
        f'<tbody>{rows}</tbody></table><p class="em-quiet em-small">A table like this is all it needs.</p>'
    )


def promise() -> str:
    """A model's answer, as an example."""
    names = [name for name, _ in _ANSWER]
    best, share = _ANSWER[0]
    bars = "".join(
        markup.class_bar(name, colour, part, percent(part, 0)) for (name, part), colour in zip(_ANSWER, class_colours(names), strict=True)
    )
    return (
        f'<h3>What you get: a model that answers</h3><p class="em-example">{_EXAMPLE}</p>'
        f'<p class="em-probably"><b>Probably {best}</b> <span class="em-quiet">({percent(share, 0)})</span></p>'
        f'<ol class="em-class-bars" aria-label="Probability of each class">{bars}</ol>'
        f'<p class="em-quiet em-small">An example: the answer of a model that took a quick look at <b>our sample</b>. '
        f"It was right on {_RIGHT} of {_OF} texts it never saw.</p>"
    )


def drafts(summaries: Sequence[DraftSummary], *, now: float) -> str:
    """The files opened before, each with a way back and a way to forget it; ``now`` is Unix time."""
    if not summaries:
        return ""
    items = [_draft(one, now) for one in summaries]
    rest = items[_DRAFTS_IN_VIEW:]
    more = f'<details class="em-folded"><summary>{len(rest)} more</summary><ul>{"".join(rest)}</ul></details>' if rest else ""
    return f"<h3>Files opened before</h3><ul>{''.join(items[:_DRAFTS_IN_VIEW])}</ul>{more}"


def refused(name: str, message: str, *, still: DraftSummary | None = None, rows: int = 0) -> str:
    """A file that could not be opened, by its name; and the one that was open until then, which nothing is done with unless asked."""
    named = message if message.startswith(name) else f"{name}: {message}"
    was = ""
    if still is not None:
        use = Button("reopen", "Use it", code=still.id, elem_id="use-still-open").html
        close = Button("dismiss", "Close", link=True).html
        was = f'<p class="em-still"><span>Still open: <b dir="auto">{middle(still.name)}</b> ({pluralize(rows, "row")}).</span> {use}{close}</p>'
    return markup.notice(named, "error") + was


def withheld(draft: DraftSummary) -> str:
    """A file that ended Emotune while it was read, which is left alone until somebody says what becomes of it."""
    remove = Button("remove", "Remove it", code=draft.id, elem_id="remove-withheld").html
    retry = Button("retry", "Try it again", code=draft.id, elem_id="retry-withheld").html
    return markup.notice(withheld_message(draft.name), "error") + f'<p class="em-still">{remove}{retry}</p>'


def way_back(draft: DraftSummary) -> str:
    """The button that opens a file again, by another name where reading it ended Emotune."""
    return (Button("retry", "Try again", code=draft.id) if draft.withheld else Button("reopen", "Open", code=draft.id)).html


def middle(name: str, *, most: int = 30, end: int = 12) -> str:
    """A name as HTML that keeps its beginning and its end where there is no room for all of it."""
    whole = markup.text(name, max_length=400)
    if len(name) <= most:
        return f'<span class="em-middle" dir="auto">{whole}</span>'
    return (
        f'<span class="em-middle" dir="auto" title="{whole}"><span>{markup.text(name[:-end], max_length=400)}</span>'
        f"<span>{markup.text(name[-end:])}</span></span>"
    )


def _draft(one: DraftSummary, now: float) -> str:
    what = f"{time_ago(now - one.changed)} · {file_size(one.bytes)}"
    remove = Button("remove", "Remove", code=one.id).html
    return (
        f'<li class="em-draft"><b>{middle(one.name)}</b><span class="em-quiet em-small">{what}</span>'
        f"{way_back(one)}"
        f'<details class="em-sure"><summary aria-label="Remove {markup.text(one.name)}">✕</summary>'
        f"<div><span>Remove it for good? What was trained on it stays.</span> {remove}</div></details></li>"
    )
