"""``audit``: the suspects of a file as text, JSON and CSV."""

import csv
import io
from pathlib import Path

import pytest

from tests.audit.examples import clean_rows, planted
from tests.cli.commands import InProcessCommand
from tests.readers import SharedReader
from tests.several_labels import several_labels_corpus
from trainer.data.reader.file_reader import FileReader


@pytest.fixture
def run_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reader: FileReader
) -> InProcessCommand:
    monkeypatch.setattr("trainer.data.reader.file_reader.FileReader", lambda **_: SharedReader(reader))
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "runs"))
    return InProcessCommand(capsys)


def write(path: Path, texts: list[str], labels: list[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "mood"), *zip(texts, labels, strict=True)])
    return path


def test_the_last_line_is_the_documented_object_and_the_csv_has_the_same_rows(run_command: InProcessCommand, tmp_path: Path) -> None:
    corpus, wrong = planted(120, 10)
    texts = list(corpus.texts)
    texts[min(wrong)] = f"=1+1 {texts[min(wrong)]}"
    file = write(tmp_path / "moods.csv", texts, corpus.labels)
    result = run_command("audit", file, "--text", "text", "--label", "mood", "--all", "--json", "--out", tmp_path / "suspects.csv")
    assert result.status == 0, result.err
    found = result.last
    assert list(found) == ["rows", "noise", "seconds", "suspects"]
    assert list(found["noise"]) == ["estimate", "low", "high"]
    assert 0 <= found["noise"]["low"] <= found["noise"]["estimate"] <= found["noise"]["high"] <= 1
    assert list(found["suspects"][0]) == ["row", "text", "label", "suggested", "score", "why"]
    assert len(found["suspects"]) == found["rows"] == 120
    for suspect in found["suspects"]:
        assert (suspect["text"], suspect["label"]) == (texts[suspect["row"]], corpus.labels[suspect["row"]])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "suspects.csv").read_text("utf-8"))))
    assert [(int(row["row"]), row["text"], row["suggested"]) for row in rows] == [
        (suspect["row"], suspect["text"], suspect["suggested"]) for suspect in found["suspects"]
    ]

    few = run_command("audit", file, "--json", "--out", tmp_path / "safe.csv", "--for-spreadsheets")
    assert len(few.last["suspects"]) < 120
    assert few.last["suspects"] == found["suspects"][: len(few.last["suspects"])]
    assert "labels stand out" in few.out
    assert "=1+1" not in {row.split(",")[2][:4] for row in (tmp_path / "safe.csv").read_text("utf-8-sig").splitlines()}


def test_several_labels_are_checked_and_a_log_of_decisions_on_them_is_applied(run_command: InProcessCommand, tmp_path: Path) -> None:
    corpus = several_labels_corpus(120)
    sets = corpus.label_sets
    first = next(row for row, names in enumerate(sets) if names == ("anger", "joy"))
    sets[first] = ("joy",)
    file = write(tmp_path / "moods.csv", list(corpus.texts), ["; ".join(names) or "[]" for names in sets])
    result = run_command("audit", file, "--task", "several", "--json")
    assert result.status == 0, result.err
    suspect = next(suspect for suspect in result.last["suspects"] if suspect["row"] == first)
    assert (suspect["labels"], suspect["missing"], suspect["surplus"]) == (["joy"], ["anger"], [])
    assert (suspect["label"], suspect["suggested"]) == ("joy", "anger, joy")
    assert "anger seems to be missing" in result.out

    log = tmp_path / "changes.csv"
    log.write_text(f'before,after,text\n"[""joy""]","[""anger"", ""joy""]",{corpus.texts[first]}\n', encoding="utf-8")
    applied = run_command("audit", file, "--task", "several", "--apply", log, "--to", tmp_path / "mended.csv", "--json")
    assert applied.last["applied"] == 1
    before, after = (path.read_text("utf-8").splitlines() for path in (file, tmp_path / "mended.csv"))
    assert [row for row, line in enumerate(before) if line != after[row]] == [first + 1]
    assert after[first + 1].endswith(",joy; anger")


def test_what_cannot_be_checked_is_a_sentence(run_command: InProcessCommand, tmp_path: Path) -> None:
    texts, _ = clean_rows(20)
    file = write(tmp_path / "one.csv", texts, ["joy"] * 20)
    result = run_command("audit", file, "--text", "text", "--label", "mood")
    assert (result.status, result.out) == (2, "")
    assert "the same label" in result.err
    result = run_command("audit", file, "--out", file)
    assert "never overwritten" in result.err
    assert run_command("audit", tmp_path / "none.csv").status == 2
