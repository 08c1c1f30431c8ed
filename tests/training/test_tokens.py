"""How a text is split, as shown on the page."""

from trainer.training.encoders import Encoder, catalogue
from trainer.training.tokens import token_counter, tokenise_text


def test_the_packaged_tokenizer_on_a_known_text() -> None:
    found = tokenise_text(catalogue()[0], "I felt humiliated", max_length=128)
    assert [t.text for t in found.tokens] == ["[CLS]", "i", "felt", "humiliated", "[SEP]"]
    assert [t.id for t in found.tokens] == [101, 1045, 2371, 26608, 102]
    assert [t.special for t in found.tokens] == [True, False, False, False, True]
    assert (found.vocabulary, found.longest, found.max_length) == (30_522, 512, 128)
    assert "[CLS]" in found.special


def test_what_is_cut_is_marked_and_is_what_training_cuts(tiny_encoder: Encoder) -> None:
    from trainer.training.encoders import load_tokenizer

    text = " ".join(["happy"] * 30)
    found = tokenise_text(tiny_encoder, text, max_length=16)
    read = load_tokenizer(tiny_encoder, max_length=16)(text, truncation=True)["input_ids"]
    assert [t.id for t in found.tokens if not t.cut] == read
    assert sum(t.cut for t in found.tokens) == 16


def test_odd_texts(tiny_encoder: Encoder) -> None:
    for text in ("", "\ud800", "🫠" * 50, "a" * 5000):
        assert tokenise_text(tiny_encoder, text, max_length=32).tokens


def test_counting_needs_no_transformers_and_agrees_with_the_tokenizer(tiny_encoder: Encoder) -> None:
    texts = ["I felt humiliated", "", "\ud800", "a longer text, with Käse and 🫠", "happy " * 300]
    for encoder in (catalogue()[0], tiny_encoder):
        counted = token_counter(encoder)(texts)
        assert counted == [len(tokenise_text(encoder, text, max_length=512).tokens) for text in texts]


def test_an_encoder_that_was_never_fetched_cannot_count() -> None:
    assert token_counter(next(e for e in catalogue() if not e.local)) is None
