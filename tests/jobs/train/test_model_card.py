"""The model card: what it says about a model, in the Hub's format, and that user texts do not become markup in it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.attack.markup_places import card_html
from tests.attack.payloads import payloads
from tests.evaluation.test_diagnostics import run, still
from trainer.check import CheckCounts, CheckResult
from trainer.data.checks.repairs import REPAIRS, repair_text
from trainer.evaluation.report import build_report
from trainer.jobs.train.model_card import write_model_card
from trainer.recipe import Recipe
from trainer.runs.checksums import write_json_with_checksum
from trainer.runs.run import Run
from trainer.runs.view import BaselineScores, Metrics, RunView
from trainer.terminal import terminal_line

NAMES = ("joy", "fear")
REPORT = build_report(np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 1]), NAMES)


def card_of(
    folder: Path, *, repairs: tuple[str, ...] = (), own_head: bool = False, method: str = "full", **facts: object
) -> tuple[dict, str]:
    """The card's metadata and its text."""
    run = Run(folder)
    run.model.mkdir(parents=True)
    recipe = Recipe(repairs=repairs, method=method, pooling="auto" if method == "full" else "mean").to_dict()
    write_json_with_checksum(folder / "recipe.json", {"format": 1, "asked": recipe, "resolved": recipe, "run": run.id})
    if own_head:
        (run.model / "head.json").write_text(json.dumps({"head": "mlp", "pooling": "mean"}))
    known = {"name": "brisk otter", "encoder": "all-MiniLM-L6-v2", "source_name": "moods.csv", "learning_rate": 1e-4}
    write_model_card(run, RunView("0" * 32, **(known | facts)), REPORT)
    _, metadata, text = (run.model / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(metadata), text


def test_the_base_model_is_the_repository_of_the_encoder(tmp_path: Path) -> None:
    metadata, _ = card_of(tmp_path, base_model="sentence-transformers/all-MiniLM-L6-v2")
    assert metadata["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_a_folder_of_ones_own_is_no_base_model(tmp_path: Path) -> None:
    assert "base_model" not in card_of(tmp_path, encoder="my-folder", encoder_folder="/somewhere/my-folder")[0]


def test_the_card_says_which_signs_were_added(tmp_path: Path) -> None:
    _, text = card_of(tmp_path, added_tokens=("😂", "|", "❤"))
    assert "The encoder could not read 3 signs, namely 😂 \\| ❤, which are now tokens of its vocabulary." in text
    assert "could not read" not in card_of(tmp_path / "other")[1]


def test_a_linear_model_that_was_only_tried_is_not_where_the_training_started(tmp_path: Path) -> None:
    linear = BaselineScores(100, Metrics(0.8, 0.8), Metrics(0.8, 0.8))
    _, text = card_of(tmp_path, linear=linear, best_step=9)
    assert "A linear model on the unchanged encoder reaches accuracy 0.80" in text
    _, text = card_of(tmp_path / "names", linear=linear, best_step=9, linear_learned_names=True)
    assert "A linear model on the unchanged encoder, having learned from the names of the classes too, reaches accuracy 0.80" in text
    _, text = card_of(tmp_path / "kept", method="frozen", linear=linear, best_step=0, linear_learned_names=True)
    assert "the head is a logistic regression on 100 training rows and the names of the classes, computed on" in text
    assert "fine-tuned" not in text.split("## What was measured")[0]


def test_a_contrastive_training_is_described(tmp_path: Path) -> None:
    linear = BaselineScores(100, Metrics(0.8, 0.8), Metrics(0.8, 0.8))
    _, text = card_of(tmp_path / "kept", method="contrastive", linear=linear, best_step=9)
    assert "The encoder learned to bring texts of the same class together" in text
    assert "from which the fine-tuning started" not in text
    _, text = card_of(tmp_path / "linear", method="contrastive", linear=linear, best_step=0)
    assert "The encoder is unchanged" in text
    assert "bring texts" not in text


def test_macro_f1_is_filed_as_macro_f1(tmp_path: Path) -> None:
    metadata, _ = card_of(tmp_path)
    metrics = {m["name"]: m for m in metadata["model-index"][0]["results"][0]["metrics"]}
    assert metrics["Macro F1"] == {
        "type": "f1",
        "value": round(REPORT.macro_f1.value, 4),
        "name": "Macro F1",
        "args": {"average": "macro"},
    }
    assert metrics["Accuracy"]["value"] == round(REPORT.accuracy.value, 4)


def test_a_head_of_ours_is_not_filed_for_a_pipeline_that_cannot_load_it(tmp_path: Path) -> None:
    assert card_of(tmp_path / "standard")[0]["pipeline_tag"] == "text-classification"
    metadata, _ = card_of(tmp_path / "ours", own_head=True)
    assert "pipeline_tag" not in metadata
    assert "library_name" not in metadata


def test_nobody_s_words_become_markup(tmp_path: Path) -> None:
    payload = "<img src=x onerror=alert(1)> **n** [a](b) | &lt;script&gt;"
    finding = CheckResult("label_variants", "error", 1, f"1 label differs: {payload}")
    _, text = card_of(tmp_path, name=payload, encoder=payload, source_name=payload, findings=(finding,))
    assert "<img" not in text
    assert "**n**" not in text
    assert "[a](b)" not in text
    assert text.count("&lt;img src=x onerror=alert\\(1\\)&gt; \\*\\*n\\*\\* \\[a\\]\\(b\\) \\| &amp;lt;script&amp;gt;") == 4


def test_what_was_odd_in_the_file_is_in_the_card(tmp_path: Path) -> None:
    findings = (
        CheckResult("label_variants", "error", 1, "1 label differs from another only in case."),
        CheckResult("duplicate_texts", "warning", 2, "2 texts occur more than once."),
    )
    _, text = card_of(tmp_path / "odd", findings=findings)
    assert "## Findings in the file\n\n- 1 label differs from another only in case.\n- 2 texts occur more than once.\n" in text
    _, counted = card_of(tmp_path / "counted", findings=findings, checks=CheckCounts(20, 2, 3))
    assert "## Findings in the file\n\n25 checks: 20 passed, 2 to look at, 3 not applicable here.\n\n- 1 label differs" in counted
    assert (
        "## Findings in the file\n\n23 checks: 20 passed, 3 not applicable here.\n\n## "
        in card_of(tmp_path / "all", checks=CheckCounts(20, 0, 3))[1]
    )
    assert "odd" not in card_of(tmp_path / "fine")[1]


TEXTS = [
    "salt &amp; pepper",
    "one<br>two<br/><br />three",
    "<b>so</b> good &lt;3 &quot;yes&quot; &#39;no&#39;",
    "see https://example.org/a?b=c&d=e. Or www.example.org!",
    "RT @anna: hi @bob_1, look (http://t.co/xyz)",
    "nothing to do here, 3 < 4 and i am <sad> now, AT&amp;amp;T",
    "HTTPS://X.IO/a and <https://x.io> and “https://x.io” and ftp://x.y",
    "email <a.smith@x.org> now",
    "yes_comma_ it was -LRB- great -rrb- <Period> NEWLINE_TOKEN a <comma_ or a -lrb_ and half_comma",
]


ALL_TEXT_REPAIRS = tuple(code for code, repair in REPAIRS.items() if repair.repair_text is not None)


@pytest.mark.parametrize("codes", [*((code,) for code in ALL_TEXT_REPAIRS), ALL_TEXT_REPAIRS])
def test_the_lines_of_python_repair_texts_as_the_training_did(tmp_path: Path, codes: tuple[str, ...]) -> None:
    _, text = card_of(tmp_path, repairs=("label_variants", *codes))
    (code,) = re.findall(r"for most texts.*?:\n\n```python\n(.*?)```", text, re.DOTALL)
    for raw in TEXTS:
        values = {"text": raw}
        exec(code, values)
        assert values["text"].split() == repair_text(raw, codes).split()


def test_no_word_of_repairs_of_texts_where_there_were_none(tmp_path: Path) -> None:
    assert "for most texts" not in card_of(tmp_path, repairs=("label_variants", "duplicate_texts"))[1]


def test_a_child_run_names_its_parent(tmp_path: Path) -> None:
    child = {"parent": "1" * 32, "parent_name": "calm <b>fox</b>", "parent_step": 1_200, "total_steps": 2_400}
    _, text = card_of(tmp_path, **child)
    assert "Up to step 1,200 of 2,400 it was trained as the run calm" in text
    assert "<b>" not in text
    assert "which it continues" not in card_of(tmp_path / "other")[1]


WORDS = payloads()


@pytest.mark.parametrize("at", range(0, len(WORDS), 120))
def test_no_class_name_run_name_or_file_name_is_markup_in_the_card_wherever_it_is_shown(tmp_path: Path, at: int) -> None:
    """With a renderer that lets HTML through, too: only what the card itself says is more than text."""
    for html, _ in card_html(tmp_path / "card", WORDS[at : at + 120], 120):
        seen = _Tags()
        seen.feed(html)
        assert seen.kinds <= {"h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "pre", "code"}
        assert seen.attributes <= {"class", "style"}
        assert "\u202e" not in html


class _Tags(HTMLParser):
    """The kinds of elements in some HTML, and the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.kinds.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize(
    "word", ["--- a", "a: b", "!!python/object:os.system", "'\"", "{a}", "&x *y", "a\n---\nb", "%TAG", "@x", "`x`", "null", "\u202ex"]
)
def test_a_name_is_a_text_in_the_card_s_metadata_whatever_it_is(tmp_path: Path, word: str) -> None:
    metadata, _ = card_of(tmp_path, name=word, source_name=word)
    assert metadata["model-index"][0]["name"] == terminal_line(word)
    assert metadata["model-index"][0]["results"][0]["dataset"]["name"] == terminal_line(word)


def test_what_looks_wrong_with_the_training_is_in_the_card(tmp_path: Path) -> None:
    collapsed = vars(run(still(classes=1)))
    facts = {
        name: collapsed[name] for name in ("status", "rows", "points", "evaluations", "total_steps", "epoch_steps", "last_logged_step")
    }
    _, text = card_of(tmp_path, **facts)
    assert "6 checks: 1 passed, 2 to look at, 3 not applicable here.\n\n- After 300 of 300 steps the model predicts the same class" in text
    assert "5 checks" not in card_of(tmp_path / "unknown")[1]


def test_it_says_what_the_labels_mean_and_what_was_changed_by_hand(tmp_path: Path) -> None:
    text = card_of(
        tmp_path,
        definitions={"joy": "the writer is *glad*"},
        decisions={"changed": 34, "dropped": 1, "test_changed": 0, "test_dropped": 0},
        class_names={"love": "joy"},
        labels_cut=0.3,
    )[1]
    assert "- joy: the writer is \\*glad\\*\n" in text
    assert "34 labels changed and 1 row dropped by hand in the rows it learned from" in text
    assert "love is called joy here." in text
    assert "a text has the labels from 0.3 on." in text
    assert "## The labels" not in card_of(tmp_path / "other")[1]
