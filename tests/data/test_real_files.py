"""Real and hostile files that nobody of this project wrote; they lie beside the repository and are not part of it."""

import json
import resource
from pathlib import Path

import pytest

from tests.cpu_time import cpu_time
from tests.readers import InProcessReader
from trainer.check import run_checks
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.registry import FILE_CHECKS
from trainer.data.columns.guess import guess_columns
from trainer.data.corpus import build_corpus, join_corpora
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.data.files.read_table import read_table
from trainer.data.splits import split
from trainer.drafts.inspection import inspect_file
from trainer.errors import UserError

SHARED = Path(__file__).parents[3] / "shared"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the real files of ../shared are not on this machine")

# file, rows, encoding, delimiter, header, text, label, classes
FILES = [
    ("emotion/twitter_multi_class_sentiment.csv", 16_000, "utf-8", ",", True, "text", "label_name", 6),
    ("emotion/dair_train.txt", 16_000, "utf-8", ";", False, "0", "1", 6),
    ("emotion/dair_val.txt", 2_000, "utf-8", ";", False, "0", "1", 6),
    ("emotion/dair_test.txt", 2_000, "utf-8", ";", False, "0", "1", 6),
    ("quirks/isear.csv", 7_666, "utf-8", "|", True, "SIT", "Field1", 7),
    ("quirks/ag_news_noheader.csv", 7_600, "utf-8", ",", False, "2", "0", 4),
    ("quirks/sms_spam_latin1.csv", 5_572, "utf-8", ",", True, "v2", "v1", 2),
    ("quirks/sms_spam.tsv", 5_572, "utf-8", "\t", True, "message", "label", 2),
    ("quirks/meld_test.csv", 2_610, "utf-8", ",", True, "Utterance", "Emotion", 7),
    ("quirks/financial_phrasebank.csv", 4_846, "cp1252", ",", True, "text", "sentiment", 3),
    ("quirks/banking77_train.csv", 10_003, "utf-8", ",", True, "text", "category", 77),
    ("quirks/banking77_test.csv", 3_080, "utf-8", ",", True, "text", "category", 77),
    ("quirks/crowdflower_text_emotion.csv", 40_000, "utf-8", ",", True, "content", "sentiment", 13),
    ("quirks/tweeteval_emotion_train.csv", 3_257, "utf-8", ",", True, "text", "label", 4),
    ("quirks/tweeteval_emotion_test.csv", 1_421, "utf-8", ",", True, "text", "label", 4),
]


@pytest.mark.parametrize(
    ("name", "rows", "encoding", "delimiter", "header", "text", "label", "classes"), FILES, ids=[file[0] for file in FILES]
)
def test_real_file(name, rows, encoding, delimiter, header, text, label, classes):
    table = read_table((SHARED / "data" / name).read_bytes())
    assert (table.rows_seen, table.encoding, table.delimiter, table.header) == (rows, encoding, delimiter, header)
    if "isear" not in name:
        assert table.dropped == ()
    columns = guess_columns(table)
    assert (table.columns[columns.text], table.columns[columns.label]) == (text, label)
    corpus = build_corpus(table, text=columns.text, label=columns.label)
    assert len(corpus.label_names) == classes
    splits = split(corpus, validation_share=0.1, test_share=0.2, seed=42)
    assert abs(len(splits.test) - 0.2 * len(corpus)) <= 3
    assert abs(len(splits.validation) - 0.1 * len(corpus)) <= 3
    run_checks(FILE_CHECKS, CheckedFile(table, columns, corpus, find_near_duplicates(corpus.texts)))


def test_ragged_rows_of_isear_are_accounted_for():
    table = read_table((SHARED / "data/quirks/isear.csv").read_bytes())
    assert len(table.dropped) >= 156
    assert all("too many cells" in row.reason for row in table.dropped)
    assert (table.dropped[0].line, len(table.columns)) == (199, 43)


def test_customers_are_no_texts():
    with pytest.raises(UserError) as refusal:
        guess_columns(read_table((SHARED / "data/quirks/no_text_restaurant_customers.csv").read_bytes()))
    assert refusal.value.code == "no_text_column"


def test_findings_of_the_tutorials_file():
    values = inspect_file(SHARED / "data/emotion/twitter_multi_class_sentiment.csv", InProcessReader()).to_dict()
    counts = {finding["code"]: finding["count"] for finding in values["findings"]}
    assert (counts["duplicate_texts"], counts["conflicting_labels"]) == (31, 30)
    assert (values["labels"]["joy"], values["labels"]["surprise"]) == (5_362, 572)


def test_the_published_split_of_dair_emotion():
    parts = {}
    for part in ("train", "val", "test"):
        parts[part] = build_corpus(read_table((SHARED / f"data/emotion/dair_{part}.txt").read_bytes()), text=0, label=1)
    corpus = join_corpora(parts["train"], validation=parts["val"], test=parts["test"])
    splits = split(corpus, validation_share=0.1, test_share=0.2, seed=42)
    assert splits.test.tolist() == list(range(18_000, 20_000))
    assert splits.split_notes[0] == "11 rows left training because the same text is in the test rows."
    assert len(splits.train) + len(splits.validation) + len(splits.excluded) == 18_000


CORPORA = sorted(path for path in (SHARED / "corpora").rglob("*") if path.is_file()) if SHARED.is_dir() else []


def _peak() -> int:
    """Megabytes of memory that this process and its largest child have used at most; a forked child begins with its parent's memory."""
    parent, child = (resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return parent + max(parent, child)


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: str(path.relative_to(SHARED)))
def test_odd_file(path):
    peak = _peak()
    with cpu_time() as spent:
        values = inspect_file(path, InProcessReader()).to_dict()
    assert spent.seconds < 3
    assert _peak() - peak < 300
    json.dumps(values)
    if not values["ok"]:
        assert values["code"]
        assert values["message"].endswith(".")
        assert "\n" not in values["message"]
    if "rows_seen" in values:
        assert values["rows_seen"] == values["rows_kept"] + values["rows_dropped_count"]
        assert len(values["rows_dropped"]) == min(1_000, values["rows_dropped_count"])


SPECTRUM = sorted((SHARED / "corpora/csv-spectrum/csvs").glob("*.csv"))


@pytest.mark.parametrize("path", SPECTRUM, ids=lambda path: path.stem)
def test_csv_spectrum_equals_its_oracle(path):
    table = read_table(path.read_bytes())
    # One oracle names another phone number than its file, upstream too.
    wanted = json.loads((path.parents[1] / "json" / f"{path.stem}.json").read_text(encoding="utf-8").replace("1234567890", "2095257564"))
    wanted = wanted if isinstance(wanted, list) else [wanted]
    assert [dict(zip(table.columns, row, strict=True)) for row in table.rows] == [
        {name: value.replace("\r\n", "\n") for name, value in row.items()} for row in wanted
    ]


def test_csv_spectrum_is_whole():
    assert len(SPECTRUM) in (0, 12)
