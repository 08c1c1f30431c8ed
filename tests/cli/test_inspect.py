"""``inspect``: one object per file, and repaired copies."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.commands import ROOT, InProcessCommand
from tests.conftest import small_rows, write_rows
from tests.data.files.samples import make_workbook
from tests.several_labels import labels_from, write_scores


def test_inspect_prints_one_object_per_file(run_command: InProcessCommand, small_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    result = run_command("inspect", small_csv, tmp_path / "empty.csv", tmp_path / "none.csv", "--json")
    reports = [json.loads(line) for line in result.out.splitlines()]
    assert result.status == 2
    assert [a["ok"] for a in reports] == [True, False, False]
    assert [a["file"] for a in reports] == [str(small_csv), str(tmp_path / "empty.csv"), str(tmp_path / "none.csv")]
    assert set(reports[0]["labels"]) == {"anger", "joy", "sadness"}
    assert sum(reports[0]["labels"].values()) == reports[0]["rows_kept"] == 240
    assert reports[0]["text"] == {"name": "text", "index": 0}
    assert reports[0]["label"] == {"name": "mood", "index": 1}
    assert [a["code"] for a in reports[1:]] == ["empty_file", "file_not_found"]

    result = run_command("inspect", small_csv)
    assert result.status == 0
    assert "240 rows" in result.out
    assert "label: mood" in result.out


def test_inspection_imports_nothing_that_only_keeps_or_trains(small_csv: Path) -> None:
    """Those modules took a third of the time of a small file."""
    needless = [
        "trainer.workspace",
        "trainer.jobs.registry",
        "trainer.jobs.train.pipeline",
        "trainer.audit.quick_check",
        "sklearn",
        "torch",
    ]
    code = (
        "import sys; from trainer.__main__ import main; "
        f"status = main(['inspect', sys.argv[1]]); print(status, [name for name in {needless} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, str(small_csv)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "0 []"


def test_a_file_that_crashes_its_parser_gives_a_message(run_command: InProcessCommand, shared: Path, small_csv: Path) -> None:
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    result = run_command("inspect", file, small_csv, "--json")
    crashing, sound = map(json.loads, result.out.splitlines())
    assert (result.status, crashing["code"], sound["ok"]) == (2, "file_damaged", True)
    assert crashing["message"].startswith(
        "This file is damaged, or made to do harm: the process that read it ended suddenly. Nothing else was touched."
    )
    result = run_command("train", file, "--json")
    assert result.status == 2
    assert crashing["message"] in result.err


def test_inspect_takes_columns_and_trains_nothing(run_command: InProcessCommand, small_csv: Path) -> None:
    files_before = sorted(os.listdir(os.environ["EMOTUNE_RUNS"]))
    result = run_command("inspect", small_csv, "--text", "mood", "--label", "mood", "--json")
    assert (result.status, result.last["code"]) == (2, "same_column")
    assert sorted(os.listdir(os.environ["EMOTUNE_RUNS"])) == files_before


def test_inspect_names_the_part_that_was_read_and_takes_another(run_command: InProcessCommand, tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    sheets = {name: [["text", "mood"], *map(list, small_rows(n_rows))] for name, n_rows in (("May", 60), ("June", 40))}
    book.write_bytes(make_workbook({"Read me": [["what is what in here"]] * 3} | sheets))
    result = run_command("inspect", book)
    assert "part: May; one of Read me (3 rows), May (60 rows), June (40 rows) (choose with --part)" in result.out
    result = run_command("inspect", book, "--part", "June", "--json")
    assert (result.last["part"], result.last["rows_kept"]) == ("June", 40)
    assert [(part["name"], part["rows"]) for part in result.last["parts"]] == [("Read me", 3), ("May", 60), ("June", 40)]
    result = run_command("inspect", book, "--part", "July", "--json")
    assert (result.status, result.last["code"]) == (2, "unknown_part")


def test_inspect_repairs_into_another_file(run_command: InProcessCommand, tmp_path: Path) -> None:
    rows = [*small_rows(60), *small_rows(2), ("happy &amp; glad", "joy")]
    messy = write_rows(tmp_path / "messy.csv", rows)
    clean = tmp_path / "clean.csv"
    result = run_command("inspect", messy, "--repair", "all", "--out", clean, "--json")
    assert result.status == 0
    report = json.loads(result.out)
    assert report["repaired"] == {
        "file": str(clean),
        "changes": str(tmp_path / "clean.changes.csv"),
        "rows": 61,
        "repairs": {"html_in_texts": 1, "duplicate_texts": 2},
    }
    second_report = json.loads(run_command("inspect", clean, "--json").out)
    assert second_report["rows_kept"] == 61
    assert not {f["code"] for f in second_report["findings"]} & {"html_in_texts", "duplicate_texts"}


@pytest.mark.parametrize(
    "arguments", [["--repair", "all"], ["--out", "x.csv"], ["--repair", "polish", "--out", "x.csv"], ["--repair", "all", "--out", "SAME"]]
)
def test_inspect_refuses_incomplete_repair_options_and_never_overwrites_the_file(
    run_command: InProcessCommand, tmp_path: Path, arguments: list[str]
) -> None:
    path = write_rows(tmp_path / "messy.csv", small_rows(60))
    content = path.read_bytes()
    result = run_command("inspect", path, *[str(path) if a == "SAME" else a for a in arguments])
    assert result.status == 2
    assert "Traceback" not in result.err
    assert path.read_bytes() == content


def test_inspect_says_that_texts_have_several_labels_and_takes_another_word_for_it(run_command: InProcessCommand, tmp_path: Path) -> None:
    rows = [(text, ("0,1", "0", "1", "1,2", "0,2", "2")[n % 6]) for n, (text, _) in enumerate(small_rows(60))]
    path, names = write_rows(tmp_path / "several.csv", rows), tmp_path / "labels.txt"
    names.write_text("joy\nlove\nfear\n")
    result = run_command("inspect", path, "--label-names", names)
    assert "  several labels a text: 30 rows of 60 have several labels in “mood”, with “,” between them (choose with --task" in result.out
    assert "  classes: joy 30, love 30, fear 30\n" in result.out
    single = run_command("inspect", path, "--task", "single", "--json")
    assert len(json.loads(single.out)["labels"]) == 6
    clean = tmp_path / "clean.csv"
    run_command("inspect", path, "--repair", "all", "--out", clean)
    assert json.loads(run_command("inspect", clean, "--json").out)["labels"] == {"0": 30, "1": 30, "2": 30}


def test_inspect_says_from_which_score_on_a_text_has_a_label_and_takes_another(run_command: InProcessCommand, tmp_path: Path) -> None:
    path = write_scores(tmp_path / "scores.csv")
    for arguments, cut in (((), 0.5), (("--cut", "0.3"), 0.3)):
        values = run_command("inspect", path, *arguments, "--json").last
        counts = Counter(name for labels in labels_from(cut) for name in labels)
        assert (values["task"]["cut"], values["labels"]) == (cut, counts)
        said = run_command("inspect", path, *arguments).out
        assert f"a text has the labels from {cut} on; " in said
        assert "(choose with --task single or several, another score with --cut)" in said
    for cut, words in (("many", "not “many”"), ("1.5", "No label reaches a cut of 1.5")):
        result = run_command("inspect", path, "--cut", cut)
        assert (result.status, words in result.out + result.err) == (2, True)
