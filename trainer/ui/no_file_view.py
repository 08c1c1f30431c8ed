"""What the Data tab shows while no file is open: what to upload, an example, the files opened before, and why the last one failed."""

from collections.abc import Sequence

from trainer.charts.colours import class_colours
from trainer.drafts.history import DraftSummary, withheld_message
from trainer.text_format import file_size, percent, pluralize, time_ago
from trainer.ui import html_pieces, page_frame
from trainer.ui.buttons import Button

_ROWS = (
    ("What on earth is a flamingo doing in our pond?", "surprise"),
    ("He still writes to her every winter.", "love"),
    ("You lied to my face while you were spending my money.", "anger"),
)
EXAMPLE = "There is somebody in the house and I am alone."
_PREDICTION = (("fear", 0.818), ("sadness", 0.085), ("anger", 0.043), ("love", 0.023), ("surprise", 0.018), ("joy", 0.013))
"""The prediction of a "Quick look" model of the sample for ``EXAMPLE``, and its score: measured once, not each time the page opens."""
_CORRECT, _TEST_ROWS = 142, 204
_VISIBLE_DRAFTS = 3


def heading() -> str:
    return page_frame.heading(
        "Upload a table of texts with labels",
        "Emotune trains a model, shows how good it is on rows it never saw, and lets you download it.",
    )


def drop_message(*, is_local: bool) -> str:
    """The text of the upload field: large while no file is open, two words afterwards."""
    where = "it stays on this computer" if is_local else "it goes to this page's server only"
    return (
        f'<div class="em-drop-words"><strong class="em-no-file">Drop or choose your table</strong>'
        f'<span class="em-no-file">CSV, Excel, Parquet, JSON · {where}</span><strong class="em-with-file">Another file</strong></div>'
    )


def start_buttons_html() -> str:
    """One click to a first model, and buttons that only open a sample or a known data set."""
    quick_start = Button("quick", "Try with our sample: one click", primary=True, elem_id="try-sample", busy_message="Opening the sample …")
    sample = Button("sample", "open the sample", elem_id="open-sample", link=True)
    messy = Button("messy", "a messy sample", elem_id="open-messy", link=True)
    hub = (
        '<details class="em-known" id="open-known"><summary>a known data set</summary><p class="em-quiet em-small">'
        "A data set of the well-known tutorials, or any other by its name, from the Hugging Face Hub.</p></details>"
    )
    return f'{quick_start.html}<div class="em-ways">{sample.html}{messy.html}{hub}</div>'


def example_rows() -> str:
    """An example of a table."""
    rows = "".join(f'<tr><td>{text}</td><td class="em-last">{label}</td></tr>' for text, label in _ROWS)
    return (
        '<table class="em-table em-sample-rows"><thead><tr><th>text</th><th class="em-last">label</th></tr></thead>'
        f'<tbody>{rows}</tbody></table><p class="em-quiet em-small">A table like this is all you need.</p>'
    )


def example_prediction() -> str:
    """A model's prediction, as an example."""
    names = [name for name, _ in _PREDICTION]
    best, probability = _PREDICTION[0]
    bars = "".join(
        html_pieces.class_bar(name, colour, value, percent(value, 0))
        for (name, value), colour in zip(_PREDICTION, class_colours(names), strict=True)
    )
    return (
        f'<h3>What you get: a model that predicts</h3><p class="em-example">{EXAMPLE}</p>'
        f'<p class="em-probably"><b>Probably {best}</b> <span class="em-quiet">({percent(probability, 0)})</span></p>'
        f'<ol class="em-class-bars" aria-label="Probability of each class">{bars}</ol>'
        f'<p class="em-quiet em-small">An example: the prediction of a “Quick look” model of <b>our sample</b>. '
        f"It is right on {_CORRECT} of {_TEST_ROWS} texts it never saw.</p>"
    )


def drafts_html(summaries: Sequence[DraftSummary], *, now: float) -> str:
    """The files opened before, each with buttons that open and remove it; ``now`` is Unix time."""
    if not summaries:
        return ""
    items = [_draft(summary, now) for summary in summaries]
    hidden = items[_VISIBLE_DRAFTS:]
    folded = f'<details class="em-folded"><summary>{len(hidden)} more</summary><ul>{"".join(hidden)}</ul></details>' if hidden else ""
    return f"<h3>Files opened before</h3><ul>{''.join(items[:_VISIBLE_DRAFTS])}</ul>{folded}"


def open_error(name: str, message: str, *, previous: DraftSummary | None = None, rows: int = 0) -> str:
    """Why a file could not be opened, and a button for the ``previous`` file, which was open until then and has that many ``rows``."""
    message = message if message.startswith(name) else f"{name}: {message}"
    previous_html = ""
    if previous is not None:
        use = Button("reopen", "Use it", code=previous.id, elem_id="use-previous").html
        close = Button("dismiss", "Close", link=True).html
        previous_html = f'<p class="em-previous"><span>Still open: <b dir="auto">{shorten_middle(previous.name)}</b> ({pluralize(rows, "row")}).</span> {use}{close}</p>'
    return html_pieces.notice(message, "error") + previous_html


def crashed_file(draft: DraftSummary) -> str:
    """A file that crashed Emotune while it was read, with buttons that remove it or try it again."""
    remove = Button("remove", "Remove it", code=draft.id, elem_id="remove-withheld").html
    retry = Button("retry", "Try it again", code=draft.id, elem_id="retry-withheld").html
    return html_pieces.notice(withheld_message(draft.name), "error") + f'<p class="em-previous">{remove}{retry}</p>'


def reopen_button(draft: DraftSummary) -> str:
    """The button that opens a file again; it is called "Try again" if reading the file crashed Emotune."""
    return (Button("retry", "Try again", code=draft.id) if draft.withheld else Button("reopen", "Open", code=draft.id)).html


def shorten_middle(name: str, *, max_length: int = 30, end: int = 12) -> str:
    """A name as HTML that CSS shortens in the middle, so that its beginning and end stay readable."""
    full = html_pieces.text(name, max_length=400)
    if len(name) <= max_length:
        return f'<span class="em-middle" dir="auto">{full}</span>'
    return (
        f'<span class="em-middle" dir="auto" title="{full}"><span>{html_pieces.text(name[:-end], max_length=400)}</span>'
        f"<span>{html_pieces.text(name[-end:])}</span></span>"
    )


def _draft(draft: DraftSummary, now: float) -> str:
    facts = f"{time_ago(now - draft.changed)} · {file_size(draft.bytes)}"
    remove = Button("remove", "Remove", code=draft.id).html
    return (
        f'<li class="em-draft"><b>{shorten_middle(draft.name)}</b><span class="em-quiet em-small">{facts}</span>'
        f"{reopen_button(draft)}"
        f'<details class="em-confirm"><summary aria-label="Remove {html_pieces.text(draft.name)}">✕</summary>'
        f"<div><span>Remove it for good? Runs that were trained on it stay.</span> {remove}</div></details></li>"
    )
