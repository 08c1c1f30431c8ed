"""The tab Check labels as HTML and JSON: words for each state, users' texts escaped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.examples import corpus_of
from trainer.audit.apply_decisions import DecisionCounts
from trainer.audit.decisions import Decision, Decisions
from trainer.audit.suspects import AuditResult, NoiseEstimate, PairNoise, Suspect
from trainer.data.checks.repairs import Repaired
from trainer.data.task import SEVERAL_LABELS
from trainer.drafts.label_editor import LabelState
from trainer.drafts.preparation import PreparedDraft
from trainer.drafts.store import Draft, SourceFile
from trainer.errors import UserError
from trainer.evaluation.comparison import compare_counts
from trainer.evaluation.label_effect import LabelEffect, MendedTest
from trainer.jobs.job import Job, Progress
from trainer.label_proof import ProofState
from trainer.runs.view import KeptModel, RunView
from trainer.ui import audit_events, audit_view
from trainer.ui.audit_state import AuditState

EVIL = "<img src=x onerror=alert(1)>"
CORPUS = corpus_of((EVIL, "joy"), ("b", "love"), ("c", "fear"))
DRAFT = Draft("d" * 32, "local", SourceFile("moods.csv", "source"))
PREPARED = PreparedDraft(DRAFT, None, None, Repaired(CORPUS, ()), (), None)
SUSPECT = Suspect(0, 2, EVIL, "joy", "love", 0.99, 0.9, "9 of its 10 most similar rows say love")
RESULT = AuditResult(
    rows=100,
    label_names=("fear", "joy", "love"),
    noise=NoiseEstimate(0.07, 0.052, 0.091),
    pairs=(PairNoise("love", "joy", 0.2, 12.2),),
    seconds=3.0,
    ranked=(SUSPECT,),
    n_suspects=1,
    verdict="noisy",
    sentences=("Main.", "Further."),
    notes=("fear has 1 row only.",),
)
DECISIONS = Decisions(
    {("main", 0): Decision(0, "relabel", "joy", "affection", text=EVIL)}, {"love": "affection"}, ("calm",), {"affection": EVIL}
)
JOB = Job("j" * 32, "audit", "local", "check", Path("x"), "running", progress=Progress("counting words", 0.4))
TRAINED = RunView("a" * 32, name="brisk otter", status="finished", model=KeptModel(), compared_with="b" * 32)
BEFORE = RunView("b" * 32, name="calm fox", status="finished", model=KeptModel())


def state(decisions: Decisions = DECISIONS) -> LabelState:
    return LabelState(PREPARED, decisions)


@pytest.mark.parametrize(
    ("changes", "title", "sentence"),
    [
        ({}, "About 7 % of the labels look wrong", "5 to 9 %; most often joy given as affection (12 rows)."),
        ({"verdict": "clean", "noise": NoiseEstimate(0.002, 0.0, 0.006)}, "Nearly all labels look right", "Wrong are 0 to 0.6 %"),
        ({"verdict": "unsure", "n_suspects": 17}, "17 labels stand out", "can hardly be told on this file: 5 to 9 %."),
        ({"verdict": "unsure"}, "1 label stands out", "can hardly be told on this file: 5 to 9 %."),
        ({"verdict": "unsure", "n_suspects": 0}, "No label stands out", "can hardly be told on this file: 5 to 9 %."),
        ({"verdict": "random"}, "Labels and texts have nothing to do with each other", "Further."),
        ({"verdict": "few"}, "Too few rows to tell how many labels are wrong", "fit their text least"),
        ({"pairs": ()}, "About 7 % of the labels look wrong", "5 to 9 %."),
    ],
)
def test_the_headline_says_how_many_are_wrong(changes: dict, title: str, sentence: str) -> None:
    found = audit_view.title_and_sentence(replace(RESULT, **changes), state())
    assert found[0] == title
    assert sentence in found[1]


def test_the_table_has_rows_classes_and_decisions() -> None:
    key = ("main", 0)
    table = json.loads(audit_view.table_json(RESULT, state(), "audit", {key: "test"}, [(key, SUSPECT)]))
    assert table["rows"] == [
        {"key": "main:0", "text": EVIL, "given": "joy", "suggested": "love", "why": SUSPECT.why, "part": "test"},
    ]
    assert table["decisions"] == {"main:0": ["relabel", "affection"]}
    assert table["names"] == {"love": "affection"}
    assert table["columns"] == []
    classes = {entry["name"]: entry for entry in table["classes"]}
    assert list(classes) == ["fear", "joy", "affection", "calm"]
    assert (classes["affection"]["merged"], classes["affection"]["definition"]) == (["love"], EVIL)
    assert len({entry["colour"] for entry in table["classes"]}) == 4


@pytest.mark.parametrize(
    ("parts", "end"),
    [
        (["learn", "learn"], "do not explain."),
        (["learn", "test"], " One is a test row, which the filter lists."),
        (["test", "learn", "test"], " 2 are test rows, which the filter lists."),
        (["test"], "do not explain."),
    ],
)
def test_the_sentence_says_which_rows_the_table_does_not_list_at_first(parts: list[str], end: str) -> None:
    rows = [(("main", number), SUSPECT) for number in range(len(parts))]
    result = replace(RESULT, verdict="unsure", n_suspects=len(rows))
    by_key = {key: part for (key, _), part in zip(rows, parts, strict=True)}
    assert json.loads(audit_view.table_json(result, state(), "audit", by_key, rows))["sentence"].endswith(end)


def test_an_answer_has_the_rows_of_the_event_or_all_rows() -> None:
    answer = json.loads(audit_view.saved_json(state(), "draft", number=3, rows=[("main", 0), ("test", 4)]))
    assert (answer["decisions"], answer["undecided"], answer["all"]) == ({"main:0": ["relabel", "affection"]}, ["test:4"], False)
    everything = json.loads(audit_view.saved_json(state(), "draft"))
    assert (everything["all"], everything["decisions"]) == (True, {"main:0": ["relabel", "affection"]})
    assert "decisions" not in json.loads(audit_view.saved_json(None, "draft", number=3, error="Not saved."))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (DecisionCounts(), "Nothing is changed yet: decide on the rows above."),
        (DecisionCounts(kept=2), "2 kept. Test rows untouched."),
        (DecisionCounts(changed=34, dropped=3, kept=9), "34 labels changed, 3 rows dropped. Test rows untouched."),
        (
            DecisionCounts(changed=1, test_changed=1, test_dropped=1),
            "1 label changed. 2 test rows changed too: that gives a second figure, never the score.",
        ),
    ],
)
def test_the_foot_says_what_is_decided(counts: DecisionCounts, sentence: str) -> None:
    assert audit_view.decided_sentence(counts, Decisions()) == sentence


def test_the_button_waits_for_a_change_and_for_a_training_under_way() -> None:
    nothing = audit_view.footer_html(DecisionCounts(), Decisions(), first_training=True, running="")
    assert "disabled" in nothing
    assert "two models" not in nothing
    ready = audit_view.footer_html(DecisionCounts(changed=1), DECISIONS, first_training=True, running="")
    assert "disabled" not in ready
    assert "Trains two models" in ready
    assert 'data-code="run"' in audit_view.footer_html(DecisionCounts(changed=1), DECISIONS, first_training=False, running="run")


def test_a_running_check_shows_what_it_does_and_can_be_stopped() -> None:
    html = audit_view.running_html(JOB, EVIL)
    assert 'aria-valuenow="40"' in html
    assert "counting words" in html
    assert "<img" not in html
    assert "disabled" in audit_view.running_html(replace(JOB, stop_requested=True), "moods.csv")
    assert "waiting for 1 job" in audit_view.running_html(replace(JOB, status="queued", progress=None), "x", waiting="waiting for 1 job")
    assert "interrupted" in audit_view.ended_html(replace(JOB, status="interrupted"))


def test_the_outcome_of_a_training_is_a_verdict() -> None:
    effect = LabelEffect(compare_counts(150, 30, 0, 20), MendedTest(199, 1, 1, 0.9, 0.95))
    html = audit_view.proof_html(ProofState(TRAINED, BEFORE, effect), {TRAINED.id: EVIL, BEFORE.id: "before"})
    assert "Better by 15.0 points" in html
    assert "A second figure" in html
    assert "<img" not in html
    assert f'data-code="{BEFORE.id} {TRAINED.id}"' in html
    live = ProofState(replace(TRAINED, status="queued", model=None), replace(BEFORE, status="running", model=None), None)
    assert "First a model is trained with the labels as they were" in audit_view.proof_html(live, {})
    assert audit_view.running_training(live) == BEFORE.id
    for broken, words in (
        (ProofState(TRAINED, None, None), "has been deleted"),
        (ProofState(replace(TRAINED, status="failed", model=None, message="No memory."), BEFORE, None), "No memory."),
        (ProofState(TRAINED, BEFORE, None, "Its predictions are damaged."), "Its predictions are damaged."),
    ):
        assert words in audit_view.proof_html(broken, {})


def test_lost_decisions_and_a_changed_file_are_told() -> None:
    html = audit_view.notes_html(RESULT, replace(DECISIONS, damaged=2), is_current=False)
    assert "fear has 1 row only." in html
    assert "2 lines of the file with your decisions cannot be read" in html
    assert "were changed since this check" in html


@pytest.mark.parametrize(
    "code",
    [
        *("", "[]", "null", "{", '{"rows": []}', "[" * 5000),
        *('{"number": 1, "rows": ["main:x"]}', '{"number": 1, "rows": ["evil:1"]}', '{"number": 1, "rows": ["main:-1"]}'),
        *('{"number": 1e999}', '{"number": 1, "rows": "main:1"}'),
    ],
)
def test_an_event_that_is_no_decision_is_refused(code: str) -> None:
    with pytest.raises(UserError) as error:
        audit_events._read_request(code)
    assert error.value.code == "not_a_decision"


def test_a_list_that_was_drawn_before_the_columns_changed_decides_nothing() -> None:
    shown = json.loads(audit_view.table_json(RESULT, state(), "audit", {}, []))["version"]
    now = replace(DRAFT, main=replace(DRAFT.main, label_column="1"))
    changed = AuditState(LabelState(replace(PREPARED, draft=now), DECISIONS))
    audit_events._require_shown(AuditState(state()), {"version": shown})
    with pytest.raises(UserError, match="since this list was drawn") as error:
        audit_events._require_shown(changed, {"version": shown})
    assert error.value.code == "not_a_decision"


def test_an_event_names_rows_by_file_and_number() -> None:
    request = audit_events._read_request('{"number": 7, "draft": "d", "action": "keep", "rows": ["main:12", "test:0"]}')
    assert (request["number"], request["rows"]) == (7, [("main", 12), ("test", 0)])


def test_texts_with_several_labels_have_their_own_words_and_no_deep_check() -> None:
    missing, surplus = PairNoise("", "love", 0.1, 12.4), PairNoise("joy", "", 0.05, 3.0)
    for change, words in ((missing, "most often affection missing (12 rows)"), (surplus, "most often joy given too often (3 rows)")):
        result = replace(RESULT, task=SEVERAL_LABELS, pairs=(change,))
        title, sentence = audit_view.title_and_sentence(result, state())
        assert title == "About 7 % of the texts seem to miss a label or to have one too many"
        assert words in sentence
    assert json.loads(audit_view.table_json(result, state(), "audit", {}, []))["labels"] == "several"
    assert json.loads(audit_view.table_json(RESULT, state(), "audit", {}, []))["labels"] == "one"
    assert 'data-action="deep"' in audit_view.deeper_html(deep=False, seconds=60.0)
