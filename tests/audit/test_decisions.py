"""The log of decisions: what counts of it, and that it survives whatever ends the process."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from trainer.audit.change_log import decisions_csv
from trainer.audit.decisions import Decision, DecisionLog, Decisions
from trainer.data.task import SEVERAL_LABELS

TEXT = "I am glad"
RELABEL = Decision(3, "relabel", "love", "joy", "9 of its 10 most similar rows say joy", text=TEXT)
DROP = Decision(5, "drop", "anger", "", "the same text is joy in row 8", text="?")
KEEP = Decision(7, "keep", "fear", "fear", text="boo")


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    return DecisionLog(tmp_path / "decisions-1.jsonl")


def without_times(decisions: Decisions) -> list[Decision]:
    return [replace(decision, time=0.0) for decision in decisions.rows.values()]


def test_decisions_are_read_again_in_their_order_with_their_times(log: DecisionLog) -> None:
    assert log.read() == Decisions()
    log.decide([RELABEL, DROP])
    log.decide([KEEP])
    assert without_times(log.read()) == [RELABEL, DROP, KEEP]
    assert all(decision.time > 1e9 for decision in log.read().rows.values())


def test_the_latest_decision_of_a_row_counts_and_can_be_taken_back(log: DecisionLog) -> None:
    log.decide([RELABEL, DROP])
    log.decide([replace(RELABEL, action="keep", after="love")])
    assert [(decision.row, decision.action) for decision in log.read().rows.values()] == [(5, "drop"), (3, "keep")]
    log.take_back([RELABEL])
    assert without_times(log.read()) == [DROP]
    assert not replace(log.read(), rows={}).changes_rows


def test_rows_of_the_same_number_in_two_files_are_two_rows(log: DecisionLog) -> None:
    log.decide([RELABEL, replace(RELABEL, file="test", after="fear")])
    assert [(decision.file, decision.after) for decision in log.read().rows.values()] == [("main", "joy"), ("test", "fear")]


def test_a_new_text_has_its_latest_label_follows_its_class_and_can_be_taken_back(log: DecisionLog) -> None:
    log.label_text("so kind", "joy")
    assert log.read().changes_rows
    version = log.read().version
    log.label_text("so kind", "love")
    log.label_text("who is there", "fear")
    assert log.read().texts == {"so kind": "love", "who is there": "fear"}
    assert log.read().version != version
    log.rename_class("love", "joy")
    assert log.read().texts["so kind"] == "joy"
    log.restore_class("love")
    assert log.read().texts["so kind"] == "love"
    log.name_classes({"love": "affection"})
    assert log.read().texts["so kind"] == "affection"
    lines = decisions_csv(log.read(), label_column="mood").decode("utf-8-sig").splitlines()
    assert lines[1:] == [",,mood,,affection,new text,,,so kind", ",,mood,,fear,new text,,,who is there"]
    for text in ("so kind", "who is there"):
        log.label_text(text, "")
    assert not log.read().changes_rows
    assert log.read().version == ""


def test_a_class_that_is_renamed_or_merged_takes_decisions_and_definition_along(log: DecisionLog) -> None:
    log.add_class("calm")
    log.define({"joy": "the writer is glad", "fear": "the writer is afraid"})
    log.decide([RELABEL])
    log.rename_class("joy", "happiness")
    log.rename_class("love", "happiness")
    log.rename_class("calm", "peace")
    decisions = log.read()
    assert decisions.rows["main", 3].after == "happiness"
    assert decisions.definitions == {"happiness": "the writer is glad", "fear": "the writer is afraid"}
    assert decisions.class_names(["fear", "joy", "love"]) == ("fear", "happiness", "peace")
    assert decisions.changes_rows
    log.rename_class("happiness", "joy")
    assert log.read().class_names(["fear", "joy", "love"]) == ("fear", "joy", "peace")
    log.restore_class("love")
    log.define({"fear": ""})
    assert log.read().class_names(["fear", "joy", "love"]) == ("fear", "joy", "love", "peace")
    assert log.read().definitions == {"joy": "the writer is glad"}


def test_two_classes_that_swap_names_on_the_tab_data_keep_their_decisions_apart(log: DecisionLog) -> None:
    log.decide(
        [Decision(1, "relabel", "0", "1", text="a"), Decision(2, "relabel", "1", "0", text="b"), Decision(3, "keep", "1", "1", text="c")]
    )
    log.rename_class("2", "1")
    log.define({"1": "the writer is glad"})
    log.name_classes({"0": "1", "1": "0"})
    decisions = log.read()
    assert [(row.before, row.after) for row in decisions.rows.values()] == [("1", "0"), ("0", "1"), ("0", "0")]
    assert (decisions.renamed, decisions.definitions) == ({"2": "0"}, {"0": "the writer is glad"})


def test_a_merge_that_is_taken_back_gives_the_rows_of_the_class_back(log: DecisionLog) -> None:
    log.decide([RELABEL, KEEP, replace(RELABEL, row=9, before="joy", after="fear")])
    log.rename_class("fear", "joy")
    assert [row.after for row in log.read().rows.values()] == ["joy", "joy", "joy"]
    log.restore_class("fear")
    assert [row.after for row in log.read().rows.values()] == ["joy", "fear", "fear"]


def test_a_line_torn_by_a_crash_is_skipped_and_damage_is_told(log: DecisionLog, tmp_path: Path) -> None:
    log.decide([RELABEL, DROP])
    file = tmp_path / "decisions-1.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    assert without_times(log.read()) == [RELABEL]
    log.decide([KEEP])
    assert (without_times(log.read()), log.read().damaged) == ([RELABEL, KEEP], 0)
    file.write_bytes(whole.replace(b"joy", b"jov", 1))
    assert (without_times(log.read()), log.read().damaged) == ([DROP], 1)


def append_many(path: Path, first: int) -> None:
    for row in range(first, first + 50):
        DecisionLog(path).decide([replace(RELABEL, row=row)])


def test_two_processes_that_append_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "decisions-1.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=append_many, args=(path, first)) for first in (0, 50, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    decisions = DecisionLog(path).read()
    assert sorted(row for _, row in decisions.rows) == list(range(150))
    assert decisions.damaged == 0


def test_the_change_log_has_a_line_for_each_decision_and_renamed_class(log: DecisionLog) -> None:
    log.decide([replace(RELABEL, time=0.0, text='he said "joy",\nthen left'), KEEP])
    log.rename_class("fear", "dread")
    decisions = log.read()
    fixed = replace(decisions, rows={key: replace(row, time=1_700_000_000.0) for key, row in decisions.rows.items()})
    assert decisions_csv(fixed, label_column="emotion").decode("utf-8-sig").splitlines() == [
        "row,file,column,before,after,action,reason,time,text",
        '3,main,emotion,love,joy,relabel,9 of its 10 most similar rows say joy,2023-11-14T22:13:20+00:00,"he said ""joy"",',
        'then left"',
        "7,main,emotion,dread,dread,keep,,2023-11-14T22:13:20+00:00,boo",
        ",,emotion,fear,dread,rename class,,,",
    ]


def test_rows_with_several_labels_follow_their_classes(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions-1-several.jsonl", SEVERAL_LABELS)
    written = SEVERAL_LABELS.written
    log.decide([Decision(0, "relabel", written(["joy"]), written(["joy", "love"]), text="a")])
    log.decide([Decision(1, "keep", written(["love", "fear"]), written(["love", "fear"]), text="b")])
    log.decide([Decision(2, "relabel", written(["joy"]), written([]), text="c"), Decision(3, "drop", written(["joy"]), "", text="d")])

    def after() -> list[str]:
        return [decision.after for decision in log.read().rows.values()]

    log.rename_class("love", "affection")
    assert after() == ['["joy", "affection"]', '["affection", "fear"]', "[]", ""]
    log.rename_class("affection", "joy")
    assert after() == ['["joy"]', '["joy", "fear"]', "[]", ""]
    assert log.read().present('["joy", "love"]') == '["joy"]'
    # Both labels come back where a row had both.
    log.restore_class("love")
    assert after() == ['["joy", "love"]', '["love", "fear"]', "[]", ""]
    log.name_classes({"joy": "love", "love": "joy"})
    assert after() == ['["love", "joy"]', '["joy", "fear"]', "[]", ""]
    rows = decisions_csv(log.read(), label_column="mood").decode("utf-8-sig").splitlines()
    assert rows[1].split(",text")[0].startswith('0,main,mood,"[""love""]","[""love"", ""joy""]",relabel')
