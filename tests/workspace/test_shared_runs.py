"""A run is shared by a link: read and tried by whoever has it, changed by nobody, and gone as soon as its owner says so."""

from collections.abc import Callable, Iterator

import pytest

from tests.workspace.steps import ME, OTHER
from trainer.errors import UserError
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.switches import Switches, blocked


@pytest.fixture
def shared(trained: tuple[Studio, RunView, dict[str, int]]) -> Iterator[tuple[Studio, str, str]]:
    """A studio, a run that is shared without texts, and the token of its link."""
    studio, view, _ = trained
    token = studio.for_owner(ME).shared.share(view.id, with_texts=False).token
    yield studio, view.id, token
    studio.for_owner(ME).shared.end(view.id)


def code_of(open_it: Callable[[], object]) -> str:
    with pytest.raises(UserError) as refused:
        open_it()
    return refused.value.code


def test_a_link_shows_the_report_and_predicts_and_gives_no_other_access(shared: tuple[Studio, str, str]) -> None:
    studio, run, token = shared
    other = studio.for_owner(OTHER)
    opened = other.shared.open(token)
    assert b"% right" in opened.html()
    assert opened.predict([studio.for_owner(ME).library.examples(run)[0].text])[1][0].probabilities is not None
    for access in (other.library.view, other.models.run, other.shared.of_run, other.shared.end, other.delete):
        assert code_of(lambda access=access: access(run)) == "unknown_run"
    assert code_of(lambda: other.shared.share(run, with_texts=True)) == "unknown_run"


def test_texts_are_shown_only_if_they_are_shared(shared: tuple[Studio, str, str]) -> None:
    studio, run, token = shared
    mine, other = studio.for_owner(ME), studio.for_owner(OTHER)
    texts = mine.library.predicted_rows(run, "test").texts
    page = other.shared.open(token).html().decode()
    assert not any(text in page for text in texts)
    # The same link shows more.
    assert mine.shared.share(run, with_texts=True).token == token
    assert len(other.shared.open(token).html()) > len(page)
    assert mine.shared.share(run, with_texts=False).token == token


def test_the_same_answer_for_a_link_that_ended_and_one_that_never_was(shared: tuple[Studio, str, str]) -> None:
    studio, run, token = shared
    mine, other = studio.for_owner(ME), studio.for_owner(OTHER)
    mine.shared.end(run)
    assert mine.shared.of_run(run) is None
    for wrong in (token, "A" * 22, "", "../x", run, f"{token}/"):
        assert code_of(lambda wrong=wrong: other.shared.open(wrong)) == "unknown_share"
    assert mine.shared.share(run, with_texts=False).token != token


def test_a_link_of_a_blocked_owner_leads_nowhere(shared: tuple[Studio, str, str]) -> None:
    studio, _, token = shared
    switches = Switches(studio.settings.runs_dir)
    switches.turn(blocked(ME), on=True)
    assert code_of(lambda: studio.for_owner(OTHER).shared.open(token)) == "unknown_share"
    switches.turn(blocked(ME), on=False)
    assert studio.for_owner(OTHER).shared.open(token)


def test_a_damaged_share_and_one_whose_run_is_gone_lead_nowhere(shared: tuple[Studio, str, str]) -> None:
    studio, run, token = shared
    file = studio.settings.runs_dir / "shares" / token
    content = file.read_text()
    for damaged in ("[", "[]", "{}", content.replace(run, "0" * 32)):
        file.write_text(damaged)
        assert code_of(lambda: studio.for_owner(OTHER).shared.open(token)) == "unknown_share"
    file.write_text(content)


def test_predictions_count_for_whoever_asks(shared: tuple[Studio, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    studio, run, token = shared
    asked: list[str] = []
    monkeypatch.setattr(type(studio._services.predictions), "admit", lambda self, owner, limit: asked.append(owner) or 0.0)
    studio.for_owner(OTHER).shared.open(token).predict(["fine"])
    studio.for_owner(ME).models.predict(run, ["fine"])
    assert asked == [OTHER, ME]
