"""Added tokens: emoji that an encoder cannot read become tokens of its own, in the model and its folder, after a kill too, and in a child run."""

import csv
import io
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, BertTokenizer, pipeline

from tests.training.conftest import fit, run_with
from tests.training.emoji_rows import emoji_rows
from tests.training.test_resume import Killed, end_at, view_of, weights  # noqa: F401
from tests.training.tiny_encoders import TINY, tiny
from trainer.data.corpus import Corpus, build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.splits import Splits, split
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.event_types import Started
from trainer.runs.run import Run
from trainer.training.added_tokens import MAX_TOKENS, add_tokens, choose_added_tokens, unknown_token_id
from trainer.training.encoder_loading import load_classifier, load_encoder, load_tokenizer
from trainer.training.encoders import Encoder, local_encoder, packaged_encoder
from trainer.training.folder_check import check_folder
from trainer.training.predictor import Predictor
from trainer.training.tokens import token_counter, tokenize_text

SETTINGS = {"encoder": "tiny-bert", "epochs": 5, "batch_size": 8, "learning_rate": 5e-3, "max_length": 32, "seed": 3}
Material = tuple[Corpus, Splits]


def material_of(rows: list[tuple[str, str]]) -> Material:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("text", "label"), *rows])
    corpus = build_corpus(read_table(buffer.getvalue().encode()), text=0, label=1)
    return corpus, split(corpus, validation_share=0.1, test_share=0.2, seed=42)


@pytest.fixture(scope="module")
def emoji() -> Material:
    return material_of(emoji_rows(150, emoji_per_class=3))


@pytest.fixture(scope="module")
def trained(emoji: Material, tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = run_with(tmp_path_factory.mktemp("runs"), emoji, Recipe(**SETTINGS))
    fit(run, tiny_encoder, *emoji)
    return run


@pytest.fixture(scope="module")
def packaged() -> Tokenizer:
    return plain(Tokenizer.from_file(f"{packaged_encoder().source}/tokenizer.json"))


def plain(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.id_to_token(token_id) for token_id in tokenizer.encode(text, add_special_tokens=False).ids]


def accuracy(run: Run, material: Material) -> float:
    corpus, splits = material
    predicted = Predictor(run.model).probabilities([corpus.texts[i] for i in splits.test]).argmax(1)
    return float((predicted == corpus.label_ids[splits.test]).mean())


def chosen(tokenizer: Tokenizer, texts: list[str]) -> tuple[str, ...]:
    return choose_added_tokens(tokenizer, texts, unknown_id=unknown_token_id(tokenizer))


def with_tokens(tokenizer: Tokenizer, texts: list[str]) -> Tokenizer:
    extended = Tokenizer.from_str(tokenizer.to_str())
    add_tokens(extended, chosen(tokenizer, texts))
    return extended


def test_emoji_tell_texts_apart_only_if_they_are_added(trained: Run, emoji: Material, tiny_encoder: Encoder, tmp_path: Path) -> None:
    without = run_with(tmp_path, emoji, Recipe(**{**SETTINGS, "epochs": 1}, added_tokens="off"))
    fit(without, tiny_encoder, *emoji)
    assert accuracy(trained, emoji) > 0.5  # guessing gives a third
    texts = ["so 😂", "so 😭", "so 🤔"]
    assert np.ptp(Predictor(without.model).probabilities(texts), axis=0).max() == 0
    assert np.ptp(Predictor(trained.model).probabilities(texts), axis=0).max() > 0.1
    assert view_of(without).added_tokens == ()
    assert not view_of(without).training_notes


def test_the_run_says_what_was_added(trained: Run) -> None:
    view = view_of(trained)
    assert {"😂", "😊", "❤", "😭", "💔", "🤔"} <= set(view.added_tokens)
    assert view.training_notes == (view.added_tokens_sentence,)
    assert view.added_tokens_sentence.startswith(f"The encoder could not read {len(view.added_tokens)} signs, namely ")


def test_the_folder_loads_in_a_plain_pipeline_with_the_same_probabilities(trained: Run, emoji: Material) -> None:
    texts = [*emoji[0].texts[:20], "so👍🏽good ❤️ and 👨‍👩‍👧", "😂" * 100]
    predictor = Predictor(trained.model)
    ours = predictor.probabilities(texts)
    classify = pipeline("text-classification", model=str(trained.model), top_k=None)
    theirs = [{a["label"]: a["score"] for a in answers} for answers in classify(texts, truncation=True)]
    assert np.allclose(ours, [[answers[name] for name in predictor.label_names] for answers in theirs], atol=1e-6)
    assert check_folder(trained.model)
    assert [prediction.cut for prediction in predictor.predict(texts[-2:])] == [False, True]
    assert predictor.predict(["😂"])[0].probabilities is not None


def test_test_and_validation_rows_choose_no_token(tiny_encoder: Encoder, tmp_path: Path, emoji: Material) -> None:
    corpus, splits = emoji
    texts = list(corpus.texts)
    for row in (*splits.validation, *splits.test):
        texts[row] += " 🦄"
    run = run_with(tmp_path, (corpus.with_texts(texts), splits), Recipe(**{**SETTINGS, "epochs": 1}))
    fit(run, tiny_encoder, corpus.with_texts(texts), splits)
    assert "🦄" not in view_of(run).added_tokens
    assert view_of(run).added_tokens


@pytest.mark.parametrize("settings", [{}, {"head": "mlp", "pooling": "mean"}], ids=["plain", "own head"])
def test_a_killed_training_goes_on_bit_by_bit(
    emoji: Material,
    tiny_encoder: Encoder,
    tmp_path: Path,
    end_at: Callable[[str, int], None],  # noqa: F811
    settings: dict[str, object],
) -> None:
    recipe = Recipe(**{**SETTINGS, **settings, "epochs": 1})
    whole, broken = (run_with(tmp_path, emoji, recipe) for _ in range(2))
    fit(whole, tiny_encoder, *emoji)
    end_at("saved", 4)
    with pytest.raises(Killed):
        fit(broken, tiny_encoder, *emoji, save_seconds=0)
    end_at.never()  # type: ignore[attr-defined]
    fit(broken, tiny_encoder, *emoji, save_seconds=0)
    assert [e.step for e in broken.log.read() if e.type == "resumed"] == [4]
    assert weights(broken) == weights(whole)
    assert view_of(broken).added_tokens == view_of(whole).added_tokens != ()
    tokenizers = {(run.model / "tokenizer.json").read_bytes() for run in (whole, broken)}
    assert len(tokenizers) == 1


def test_a_resumed_training_keeps_the_tokens_that_it_began_with(
    emoji: Material,
    tiny_encoder: Encoder,
    tmp_path: Path,
    end_at: Callable[[str, int], None],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = run_with(tmp_path, emoji, Recipe(**{**SETTINGS, "epochs": 1}))
    end_at("saved", 4)
    with pytest.raises(Killed):
        fit(run, tiny_encoder, *emoji, save_seconds=0)
    end_at.never()  # type: ignore[attr-defined]
    # A later release of Emotune may choose others.
    monkeypatch.setattr("trainer.training.fit.choose_added_tokens", lambda tokenizer, texts, unknown_id: ("🦄",))
    fit(run, tiny_encoder, *emoji)
    first, second = (e.added_tokens for e in run.log.read() if isinstance(e, Started))
    assert first == second != ("🦄",)


def test_a_sign_is_added_once_three_texts_hold_it_the_most_frequent_first(packaged: Tokenizer) -> None:
    assert chosen(packaged, ["😂 a", "😂", "a😂", "❤", "❤️!", "❤", "❤", "🎉", "🎉 🎉"]) == ("❤", "😂")
    texts = [f"text {chr(0x1F300 + n)}" for n in range(60)] * 3
    random.Random(1).shuffle(texts)
    assert chosen(packaged, texts) == chosen(packaged, sorted(texts))


def test_a_rare_joined_sign_is_read_as_its_parts(packaged: Tokenizer) -> None:
    texts = ["👩‍🍳 cooks", "👩‍🚀 flies", "👩 sits", "🙏🏽", "🙏🏿", "🙏", "🧑‍🎤", "🧑‍🎤", "🧑‍🎤"]
    tokenizer = with_tokens(packaged, texts)
    assert pieces(tokenizer, "so👩‍🍳 good") == ["so", "👩", "[UNK]", "good"]
    assert pieces(tokenizer, "so🙏🏾good🧑‍🎤") == ["so", "🙏", "🏾", "good", "🧑🎤"]


def test_words_beside_a_sign_are_split_as_if_it_stood_apart(packaged: Tokenizer) -> None:
    tokenizer = with_tokens(packaged, ["❤️ x"] * 3)
    before, behind = pieces(packaged, "unbelievably"), pieces(packaged, "unbelievably!")
    assert pieces(tokenizer, "Unbelievably❤️Unbelievably!") == [*before, "❤", *behind]
    text = "Plain text, naïve Łódź café … “so” it’s 中文"
    assert pieces(tokenizer, text) == pieces(packaged, text)


def test_variation_selectors_are_read_where_the_tokenizer_keeps_them(tmp_path: Path) -> None:
    cased = BertTokenizer(
        vocab={t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "so", "good"])}, do_lower_case=False
    )
    tokenizer = with_tokens(plain(cased.backend_tokenizer), ["so ❤️ good", "❤", "❤️", "1️⃣"])
    assert pieces(tokenizer, "so❤good ❤️good") == ["so", "❤", "good", "❤", "\ufe0f", "good"]


def test_what_is_in_the_vocabulary_and_lost_inside_words_keeps_its_embedding(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vocabulary = {t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "so", "good", "★", "star"])}
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(vocabulary), **shape)).save_pretrained(tmp_path)
    BertTokenizer(vocab=vocabulary).save_pretrained(tmp_path)
    encoder = local_encoder(tmp_path)
    backend = load_tokenizer(encoder, max_length=32).backend_tokenizer
    assert chosen(backend, ["so★", "good★ ⭐", "★ ⭐", "⭐"]) == ("★", "⭐")
    before = load_encoder(encoder, ("a", "b")).get_input_embeddings().weight
    after = load_encoder(replace(encoder, added_tokens=("★", "⭐")), ("a", "b")).get_input_embeddings().weight
    assert torch.equal(after[:-1], before)
    assert load_tokenizer(replace(encoder, added_tokens=("★", "⭐")), max_length=32)("so★good").input_ids == [2, 6, 8, 7, 3]


def test_a_foreign_script_adds_no_tokens(packaged: Tokenizer) -> None:
    assert chosen(packaged, ["ይህ ጽሑፍ ነው", "ጽሑፍ ነው 鬱鰯", "𐎀𐎁"] * 50) == ()


def test_no_more_tokens_than_the_limit(packaged: Tokenizer) -> None:
    signs = [chr(code) for code in range(0x1F300, 0x1F3FB)]
    texts = [f"{a}\u200d{b}" for a in signs[:40] for b in signs[:40]] * 3
    assert len(chosen(packaged, texts)) <= MAX_TOKENS + 5


def test_tokenizers_that_read_every_byte_get_none(tmp_path: Path) -> None:
    encoder = tiny("roberta", tmp_path)
    assert chosen(load_tokenizer(encoder, max_length=32).backend_tokenizer, [text for text, _ in emoji_rows(90)]) == ()


def unigram(*, prepend_scheme: str, normalizer: object = None) -> Tokenizer:
    vocabulary = [("<unk>", 0.0), ("▁", -3.0), ("▁so", -2.0), ("▁good", -2.0), ("good", -4.0), ("so", -4.0)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, 0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend_scheme)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    return tokenizer


@pytest.mark.parametrize("prepend_scheme", ["always", "first"])
def test_blanks_beside_a_sign_are_no_pieces_where_blanks_are_read(prepend_scheme: str) -> None:
    tokenizer = with_tokens(unigram(prepend_scheme=prepend_scheme), ["😂 so"] * 3)
    assert pieces(tokenizer, "so 😂 good") == ["▁so", "😂", "▁good"]
    assert pieces(tokenizer, "so😂") == ["▁so", "😂"]


def test_a_sign_that_the_normalizer_changes_again_and_again_is_not_added() -> None:
    tokenizer = unigram(prepend_scheme="never", normalizer=normalizers.Prepend("▁"))
    assert chosen(tokenizer, ["😂"] * 5) == ()
    spelled_out = unigram(prepend_scheme="always", normalizer=normalizers.NFKC())
    assert chosen(spelled_out, ["™ ①"] * 5) == ()


@pytest.mark.parametrize("family", [family for family in TINY if family != "roberta"])
def test_every_family_grows_by_the_added_tokens(family: str, tmp_path: Path) -> None:
    encoder = tiny(family, tmp_path)
    extended = replace(encoder, added_tokens=("😂", "❤"))
    torch.manual_seed(0)
    before = load_classifier(encoder, ("a", "b"))
    torch.manual_seed(0)
    after = load_classifier(extended, ("a", "b"))
    n = before.get_input_embeddings().num_embeddings
    assert (after.get_input_embeddings().num_embeddings, after.config.vocab_size) == (n + 2, n + 2)
    assert after.get_input_embeddings().padding_idx == before.get_input_embeddings().padding_idx
    assert torch.equal(after.get_input_embeddings().weight[:n], before.get_input_embeddings().weight)
    others = {name: tensor for name, tensor in after.state_dict().items() if "word_embeddings" not in name}
    assert all(torch.equal(tensor, before.state_dict()[name]) for name, tensor in others.items())
    tokenizer = load_tokenizer(extended, max_length=32)
    after.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    assert AutoTokenizer.from_pretrained(tmp_path / "saved")("so😂").input_ids == tokenizer("so😂").input_ids
    check_folder(tmp_path / "saved")
    assert AutoModel.from_pretrained(tmp_path / "saved").get_input_embeddings().num_embeddings == n + 2


def test_an_embedding_starts_from_the_words_of_the_name() -> None:
    encoder = packaged_encoder()
    extended = replace(encoder, added_tokens=("😂", "🇩🇪"))
    tokenizer, weight = load_tokenizer(extended, max_length=32), load_encoder(extended, ("a", "b")).get_input_embeddings().weight
    words = weight[tokenizer.convert_tokens_to_ids(["face", "tears", "joy"])]
    assert torch.allclose(weight[tokenizer.convert_tokens_to_ids("😂")], words.mean(0))


def test_what_is_shown_and_counted_knows_the_tokens(tiny_encoder: Encoder) -> None:
    extended = replace(tiny_encoder, added_tokens=("😂",))
    assert [t.text for t in tokenize_text(extended, "so😂", max_length=32).tokens] == ["[CLS]", "so", "😂", "[SEP]"]
    assert token_counter(extended)(["so😂😂"]) == [5]
    assert token_counter(tiny_encoder)(["so😂😂"]) == [3]


def test_a_damaged_embedding_matrix_of_a_folder_is_refused(trained: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": config["vocab_size"] - 5}))
    with pytest.raises(UserError, match=r"does not fit the weights|more tokens than its model knows"):
        Predictor(folder)


@pytest.mark.slow
def test_emoji_alone_decide_three_classes_with_the_packaged_encoder_and_the_default_settings(tmp_path: Path) -> None:
    material = material_of(emoji_rows(600))
    encoder = packaged_encoder()
    run = run_with(tmp_path, material, Recipe().resolved(train_rows=len(material[1].train), learning_rate=encoder.learning_rate))
    fit(run, encoder, *material)
    assert accuracy(run, material) >= 0.95
