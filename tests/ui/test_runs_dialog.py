"""The dialog with a question: its text, its field, and that no text becomes markup."""

from tests.ui.test_runs_list import EVIL
from trainer.ui import runs_dialog
from trainer.ui.buttons import Button
from trainer.ui.runs_dialog import Field, Question


def test_a_question_ends_with_the_answer_that_does_no_harm() -> None:
    html = runs_dialog.question_html(Question("Delete it?", "It is lost.", (Button("confirm-delete", "Delete"), Button("cancel", "Keep"))))
    assert "<strong>Delete it?</strong> It is lost." in html
    assert html.rindex("<button") == html.index('<button type="button" class="em-button" data-action="cancel"')
    assert "<input" not in html


def test_fields_have_a_label_a_value_and_a_limit() -> None:
    name = runs_dialog.question_html(Question("Rename it.", field=Field("New name", "old", 60)))
    assert "<span>New name</span>" in name
    assert 'type="text" maxlength="60" dir="auto" value="old"' in name
    epochs = runs_dialog.question_html(Question("Train on.", field=Field("More epochs", "1", 50, "number")))
    assert 'type="number" min="1" max="50" value="1"' in epochs


def test_a_mistake_is_an_alert() -> None:
    assert 'role="alert" dir="auto">It cannot be.</p>' in runs_dialog.error_html("It cannot be.")
    assert 'data-action="cancel"' in runs_dialog.error_html("It cannot be.")


def test_nothing_that_somebody_typed_is_markup() -> None:
    html = runs_dialog.question_html(Question(EVIL, EVIL, field=Field("New name", f'"{EVIL}', 60), error=EVIL))
    assert "<img" not in html
    assert 'value="&quot;&lt;img' in html
