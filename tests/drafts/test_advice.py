"""Advice on a prepared file: the encoder, its lengths, time and memory."""

import dataclasses
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.check import findings
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.hardware import detect_hardware


def csv_bytes(rows: list[tuple[str, str]]) -> bytes:
    return b"text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows).encode()


RECIPE = Recipe(encoder="tiny-bert", max_length=32)


def codes(studio: Studio, draft: str, recipe: Recipe = RECIPE) -> list[str]:
    return [finding.code for finding in findings(studio.for_owner("local").advise(draft, recipe).checks)]


def test_lengths_and_an_estimate_as_soon_as_the_machine_is_known(studio: Studio, small_csv: Path) -> None:
    draft = studio.for_owner("local").drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    assert codes(studio, draft) == ["texts_fit"]
    studio._machine.hardware = detect_hardware()
    assert codes(studio, draft) == ["texts_fit", "estimate"]
    advice = studio.for_owner("local").advise(draft, RECIPE)
    assert len(advice.lengths.tokens) == len(studio.for_owner("local").drafts.get(draft).splits(RECIPE).train)
    assert (advice.max_length, advice.suggested_length) == (32, 32)


def test_the_encoder_s_own_end_is_respected(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner("local")
    rows = [(f"{text} " * 12, label) for text, label in small_rows(60)]
    draft = workspace.drafts.open_files({"main": ("long.csv", write_rows(tmp_path / "long.csv", rows))}).draft.id
    advice = workspace.advise(draft, dataclasses.replace(RECIPE, max_length=512))
    assert (advice.max_length, advice.suggested_length) == (64, 64)
    assert findings(advice.checks)[0].code == "texts_cut"


def test_no_advice_on_what_cannot_be_trained(studio: Studio) -> None:
    workspace = studio.for_owner("local")
    draft = workspace.drafts.open_files({"main": ("one.csv", b"text,label\n" + b"some text,joy\n" * 9)}).draft.id
    with pytest.raises(UserError) as refused:
        workspace.advise(draft, RECIPE)
    assert refused.value.code == "one_class"


def test_advice_looks_at_training_rows_only(studio: Studio, small_csv: Path, tmp_path: Path) -> None:
    workspace = studio.for_owner("local")
    long = [(f"{'happy ' * 40}{n}", label) for n, (_, label) in enumerate(small_rows(30))]
    files = {"main": ("moods.csv", small_csv), "test": ("long.csv", write_rows(tmp_path / "long.csv", long))}
    draft = workspace.drafts.open_files(files).draft.id
    advice = workspace.advise(draft, RECIPE)
    assert [f.code for f in findings(advice.checks)] == ["texts_fit"]
    assert "training texts" in findings(advice.checks)[0].message
    assert (advice.suggested_length, advice.lengths.tokens.max() <= 32) == (32, True)


def test_emoji_that_the_packaged_encoder_cannot_read_are_told(settings: Settings, reader: FileReader) -> None:
    studio = Studio(settings, reader=reader)
    rows = [(f"{text} {'❤😂'[n % 2]}", "love" if n % 2 else "joy") for n, (text, _) in enumerate(small_rows(60))]
    draft = studio.for_owner("local").drafts.open_files({"main": ("emoji.csv", csv_bytes(rows))}).draft.id
    finding = studio.for_owner("local").advise(draft, Recipe()).checks[0]
    assert (finding.code, finding.severity) == ("unknown_signs", "info")
    assert "tokens of their own: 2 in all" in finding.advice
    off = studio.for_owner("local").advise(draft, Recipe(added_tokens="off"))
    assert off.checks[0].severity == "warning"
    assert "“Emoji and symbols” is off" in off.checks[0].advice
    assert finding.count == len(studio.for_owner("local").drafts.get(draft).splits(Recipe()).train)
    assert "❤ 😂" in finding.message or "😂 ❤" in finding.message
    assert len(finding.examples) == 20
    glued = [(f"{text}{'😂' * 30}", label) for text, label in small_rows(60)]
    draft = studio.for_owner("local").drafts.open_files({"main": ("glued.csv", csv_bytes(glued))}).draft.id
    lengths = [studio.for_owner("local").advise(draft, Recipe(added_tokens=choice)).lengths.tokens.min() for choice in ("automatic", "off")]
    # The training reads each of the thirty; without tokens of their own the whole word is unknown.
    assert lengths[0] > 30 > lengths[1]
    studio.close()
