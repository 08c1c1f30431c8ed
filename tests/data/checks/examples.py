"""Small files for the checks, and for each check one in which it finds something and one in which it does not."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tests.data.examples import corpus_of
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.encoder import EncoderInfo, Estimate, TextsAndEncoder, measure_lengths
from trainer.data.columns.guess import Columns, guess_split_column
from trainer.data.columns.label_form import LabelForm
from trainer.data.corpus import build_corpus
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Table

SURE = Columns(0, 1, "chosen by you", "chosen by you", confident=True)
WORDS = "river stone cloud paper window garden silver copper lemon winter harbour engine mirror candle forest pocket ribbon thunder velvet whisper".split()
GOOD = [(f"this is text number {n} of {word}", "joy" if n % 2 else "fear") for n, word in enumerate(WORDS * 2)]


def file_of(*rows: tuple[str, str]) -> CheckedFile:
    """A file whose rows are these texts and labels."""
    table = Table(("text", "label"), list(rows), list(range(2, len(rows) + 2)), "utf-8", False, ",", True, ())
    corpus = corpus_of(*rows)
    return CheckedFile(table, SURE, corpus, find_near_duplicates(corpus.texts))


def read(*lines: str, encoding: str = "utf-8") -> CheckedFile:
    """A file of good rows and these lines."""
    return read_bytes("\n".join(["text,label", *map(",".join, GOOD), *lines]).encode(encoding))


def read_bytes(content: bytes) -> CheckedFile:
    table = read_table(content)
    corpus = build_corpus(table, text=0, label=1, split_column=guess_split_column(table))
    return CheckedFile(table, SURE, corpus, find_near_duplicates(corpus.texts))


def split_file(*, overlapping: str = "") -> CheckedFile:
    """Rows for training, validation and test; all those of the part ``overlapping`` are training rows too."""
    parts = {"train": GOOD[:30], "validation": GOOD[30:35], "test": GOOD[35:]}
    if overlapping:
        parts[overlapping] = GOOD[:5]
    corpus = corpus_of(*((text, label, part) for part, rows in parts.items() for text, label in rows))
    return replace(file_of(*GOOD), corpus=corpus)


def _own_split(*parts: str) -> CheckedFile:
    lines = [f"{text},{label},{('train', 'test')[n % 5 == 0]}" for n, (text, label) in enumerate(GOOD)]
    return read_bytes("\n".join(["text,label,split", *lines, *(f"one more {part},joy,{part}" for part in parts)]).encode())


def _near(**masks: bool) -> CheckedFile:
    """Good rows of which the search for near-duplicates says this."""
    file = file_of(*GOOD)
    none, rows = np.zeros(len(GOOD), dtype=bool), np.arange(len(GOOD), dtype=np.int64)
    told = {name: np.full(len(GOOD), value) for name, value in masks.items()}
    return replace(file, near=NearDuplicates(rows, rows, told.get("separated", none), told.get("unchecked", none)))


def _many_labels() -> CheckedFile:
    return file_of(*((f"{random.Random(n).random()} {word}", f"label {n % 40}") for n, word in enumerate(WORDS * 10)))


def _two_label_columns() -> CheckedFile:
    lines = [f"{text},{label},{GOOD[n - 1][1]}" for n, (text, label) in enumerate(GOOD)]
    return read_bytes("\n".join(["text,label,label 2", *lines]).encode())


def _label_blocks() -> CheckedFile:
    lines = [f"{text},{GOOD[n // 20][1] if n % 20 == 0 else ''}" for n, (text, _) in enumerate(GOOD)]
    return read_bytes("\n".join(["text,label", *lines]).encode())


def several_file(*label_sets: Sequence[str]) -> CheckedFile:
    """A file of good texts that have these labels, in turns."""
    table = read_table(
        "\n".join(["text,labels", *(f'{text},"{label_sets[n % len(label_sets)]}"' for n, (text, _) in enumerate(GOOD))]).encode()
    )
    columns = Columns(0, 1, "", "", confident=True, label_form=LabelForm("cells", (1,), "cells have several", is_clear=True), several=True)
    corpus = build_corpus(table, text=0, label=1, label_sets=[label_sets[n % len(label_sets)] for n in range(len(table.rows))])
    return CheckedFile(table, columns, corpus, find_near_duplicates(corpus.texts))


Examples = dict[str, tuple[Callable[[], CheckedFile], Callable[[], CheckedFile]]]


def good() -> CheckedFile:
    return file_of(*GOOD)


FILE_EXAMPLES: Examples = {
    "rows_dropped": (lambda: read("a cell alone"), good),
    "encoding_guessed": (lambda: read("le café est très bon,joy", encoding="cp1252"), good),
    "reader_warnings": (lambda: read("one\x00 more,joy"), good),
    "empty_texts": (lambda: read(",joy"), good),
    "empty_labels": (lambda: read("no label here,"), good),
    "labels_filled_down": (_label_blocks, good),
    "unknown_split": (lambda: _own_split("holdout"), _own_split),
    "columns_unsure": (lambda: replace(good(), columns=replace(SURE, confident=False)), good),
    "other_texts": (lambda: replace(good(), columns=replace(SURE, text_candidates=(1,))), good),
    "other_labels": (_two_label_columns, good),
    "missing_labels": (lambda: file_of(*GOOD, ("one more", "unlabeled")), good),
    "date_labels": (lambda: file_of(*GOOD, ("one more", "2025-01-03")), good),
    "label_variants": (lambda: file_of(*GOOD, ("one more", "JOY")), good),
    "several_labels": (
        lambda: file_of(*GOOD, *GOOD, *((f"more {n}", pair) for n, pair in enumerate(["joy, fear", "fear, awe", "joy, awe"] * 8))),
        good,
    ),
    "texts_without_labels": (lambda: several_file(["joy", "love"], [], ["fear"]), lambda: several_file(["joy"], ["joy", "fear"])),
    "labels_together": (lambda: several_file(["joy", "love"], ["fear"]), lambda: several_file(["joy", "love"], ["joy"], ["love"])),
    "rare_classes": (lambda: file_of(*GOOD, ("one more", "awe")), good),
    "many_classes": (_many_labels, good),
    "imbalance": (lambda: file_of(*GOOD, ("one more", "awe")), good),
    "few_rows": (lambda: file_of(*GOOD[:10]), good),
    "duplicate_texts": (lambda: file_of(*GOOD, GOOD[0]), good),
    "conflicting_labels": (lambda: file_of(*GOOD, (GOOD[0][0], "joy")), lambda: file_of(*GOOD, GOOD[0])),
    "near_duplicates": (lambda: file_of(*GOOD, (f"{GOOD[0][0]}!!!", "fear")), good),
    "near_duplicates_parted": (lambda: _near(separated=True), good),
    "near_duplicates_unchecked": (lambda: _near(unchecked=True), good),
    "placeholder_texts": (lambda: file_of(*GOOD, ("[removed]", "joy")), good),
    "html_in_texts": (lambda: file_of(*GOOD, ("salt &amp; pepper", "joy")), good),
    "stand_ins_in_texts": (lambda: file_of(*GOOD, ("well_comma_ fine", "joy")), good),
    "personal_data_in_texts": (lambda: file_of(*GOOD, ("write to anna@example.org", "joy")), good),
    "links_in_texts": (lambda: file_of(*GOOD, ("see https://a.b", "joy")), good),
    "label_leak": (lambda: file_of(*((f"[{label}] {text}", label) for text, label in GOOD)), good),
    "test_in_training": (lambda: split_file(overlapping="test"), split_file),
    "validation_in_training": (lambda: split_file(overlapping="validation"), split_file),
}
"""By the code of a check: a file in which it finds something, and one to which it applies and that passes."""


ENGLISH = EncoderInfo(
    "small", frozenset({"en"}), 512, lambda texts: [len(text.split()) + 2 for text in texts], lambda characters: [*characters]
)


def with_encoder(*texts: str, free_megabytes: float = 8_000) -> TextsAndEncoder:
    """Texts with a small English encoder that reads 128 tokens."""
    corpus = corpus_of(*((text, "joy") for text in texts))
    return TextsAndEncoder(corpus, ENGLISH, measure_lengths(corpus, ENGLISH), 128, estimate=Estimate(60, 1_500, free_megabytes, "x"))


ENGLISH_TEXTS = ("We were talking at the window and the evening was long.", "The children are looking forward to what they will do.") * 5
GERMAN_TEXTS = (
    "Der Zug nach Hamburg fährt heute leider eine halbe Stunde später ab.",
    "Die Kinder freuen sich auf die Ferien am Meer.",
) * 5

ENCODER_EXAMPLES: dict[str, tuple[Callable[[], TextsAndEncoder], Callable[[], TextsAndEncoder]]] = {
    "unknown_signs": (lambda: with_encoder("so good 😂"), lambda: with_encoder("so good")),
    "texts_cut": (lambda: with_encoder("word " * 200), lambda: with_encoder("a short text")),
    "language_unknown": (lambda: with_encoder(*GERMAN_TEXTS), lambda: with_encoder(*ENGLISH_TEXTS)),
    "estimate": (lambda: with_encoder("a text", free_megabytes=1_000), lambda: with_encoder("a text")),
}
