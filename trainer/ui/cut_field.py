"""The field for the score from which on a text has a label, beside what follows from it, as HTML: of a file to train on, or to judge a model on."""

import secrets
from collections import Counter
from collections.abc import Iterable, Sized

from trainer.text_format import pluralize
from trainer.ui import html_pieces


def cut_field(cut: str, label_sets: Iterable[Sized], *, elem_id: str, forgets: bool = False) -> str:
    """Its event carries "cut" and what was typed. ``cut``: as it is shown; ``label_sets``: the labels of each text that are read with it, if they are known.

    ``forgets``: whatever was typed into the field before, it shows what is read.
    """
    of_texts = Counter(map(len, label_sets))
    n_several = of_texts.total() - of_texts[0] - of_texts[1]
    several = f"{pluralize(n_several, 'text')} {'has' if n_several == 1 else 'have'} several, {of_texts[0]:,} {'has' if of_texts[0] == 1 else 'have'} none"
    field = (
        f'<input type="text" inputmode="decimal" autocomplete="off" id="{elem_id}" data-action="cut" value="{html_pieces.text(cut, max_length=60)}" '
        f'data-shown="{secrets.token_hex(4) if forgets else ""}">'
    )
    return (
        f'<span class="em-small em-score-cut"><label>A text has the labels with a score from {field} on</label>'
        f"{f'; {several}' if of_texts else ''}.</span>"
    )
