"""The offer on the Train tab to score a small file in folds instead of on a few test rows, or to keep test rows aside again."""

from typing import Any

import gradio as gr

from trainer.data.folds import given_splits
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.evaluation.intervals import proportion_interval
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.text_format import pluralize, points
from trainer.ui import data_tab
from trainer.ui.buttons import Button
from trainer.ui.components import Page
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace

FEW_TEST_ROWS = 300
"""Below this number a score is uncertain by more than five points."""
_WITHOUT_FOLDS = "70 / 10 / 20"


def offer_html(splits: Splits, *, rows: int, has_given_rows: bool, folds: int | None) -> str:
    """The offer; "" for a file with enough test rows, or with test or validation rows of its own. ``rows`` are those of the whole file."""
    if folds is not None:
        button = Button("folds", "Keep test rows aside instead", code=_WITHOUT_FOLDS, link=True)
        sentence = f"Scored in {folds} folds on all {rows:,} rows, which takes about {folds} times as long as one training."
    elif has_given_rows or len(splits.test) >= FEW_TEST_ROWS:
        return ""
    else:
        interval = proportion_interval(len(splits.test) // 2, len(splits.test))
        button = Button("folds", "Score it in 5 folds", code=data_tab.FOLDS, elem_id="use-folds")
        sentence = (
            f"The score of {pluralize(len(splits.test), 'test row')} is uncertain by about {points((interval.high - interval.low) / 2)} points either way. "
            f"Five folds score all {rows:,} rows, and the model learns from all; that takes about five times as long."
        )
    return f'<div class="em-offer"><p class="em-small">{sentence}</p>{button.html}</div>'


def wire(studio: Studio, page: Page, *, after: Any, save_form: dict[str, Any]) -> None:
    """Show the offer again ``after`` a change was checked; a press sets the split of the Data tab, and ``save_form`` keeps it."""
    offer, split = page.train.folds_offer, page.data.form

    def show(draft: str | None, *values: Any) -> str:
        try:
            prepared = current_workspace(studio).drafts.get(data_tab.current_draft(studio, draft))
            recipe = Recipe.from_dict(data_tab.split_fractions(*values))
            splits = prepared.splits(recipe)
        except UserError:  # the footer says what is wrong
            return ""
        corpus = prepared.require_corpus()
        return offer_html(splits, rows=len(corpus), has_given_rows=bool(given_splits(corpus)), folds=recipe.folds)

    def choose(event: gr.EventData, draft: str | None, *values: Any) -> Any:
        if event.action != "folds" or event.code not in data_tab.SPLITS:
            return gr.skip()
        chosen = [event.code, *values[1:]]
        updates = {page.data.split: event.code, offer: show(draft, *chosen)}
        try:
            prepared = current_workspace(studio).drafts.get(data_tab.current_draft(studio, draft))
        except UserError:
            return updates
        return {**updates, **data_tab.show_split(page.data, prepared, *chosen)}

    inputs = [page.data.draft, *split]
    after.then(show, inputs, offer, **PRIVATE_EVENT_MULTIPLE)
    offer.click(choose, inputs, [page.data.split, offer, *page.data.split_outputs], **PRIVATE_EVENT).then(**save_form)
