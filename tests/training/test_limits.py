"""What surely does not fit is refused; what might is not."""

import pytest

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training import limits
from trainer.training.encoders import catalogue
from trainer.training.hardware import Hardware

HERE = Hardware("cpu", "fp32", 2, "2 CPU cores")
SMALL, BASE = catalogue()[0], catalogue()[2]


def refused(monkeypatch: pytest.MonkeyPatch, free: float, encoder: object, lengths: list[int], **settings: object) -> bool:
    monkeypatch.setattr(limits, "free_megabytes", lambda _: free)
    recipe = Recipe(**{"epochs": 3, "batch_size": 512, **settings})
    try:
        limits.check_memory(recipe, encoder, lengths, HERE)
    except UserError:
        return True
    return False


def test_what_cannot_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [512] * 1000
    assert refused(monkeypatch, 16_000, SMALL, many)
    assert refused(monkeypatch, 80_000, BASE, many)
    assert not refused(monkeypatch, 16_000, SMALL, many, batch_size=32)
    assert not refused(monkeypatch, 16_000, SMALL, [30] * 1000)
    # Ten texts are no batch of 512.
    assert not refused(monkeypatch, 16_000, SMALL, [512] * 10)
    # A frozen encoder keeps nothing for a backward pass; LoRA needs no moments of the weights.
    assert not refused(monkeypatch, 16_000, SMALL, many, frozen_epochs=3)
    assert refused(monkeypatch, 1_000, BASE, [8], batch_size=1)
    assert not refused(monkeypatch, 1_000, BASE, [8], batch_size=1, lora_rank=8)


def test_the_sentence_says_what_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "free_megabytes", lambda _: 16_000)
    with pytest.raises(
        UserError, match=r"512 texts of up to 512 tokens .* on the 2 CPU cores. Train it again with 256 texts at a time"
    ) as refusal:
        limits.check_memory(Recipe(epochs=3, batch_size=512), SMALL, [512] * 1000, HERE)
    assert (refusal.value.code, refusal.value.fewer_texts) == ("batch_too_large", 256)
    # What it offers is no lower bound that it would refuse itself.
    limits.check_memory(Recipe(epochs=3, batch_size=256), SMALL, [512] * 1000, HERE)
    monkeypatch.setattr(limits, "free_megabytes", lambda _: 100)
    with pytest.raises(UserError, match="Start it anew with a shorter maximum length, or with a smaller encoder") as refusal:
        limits.check_memory(Recipe(epochs=3, batch_size=32), SMALL, [512] * 1000, HERE)
    assert refusal.value.fewer_texts is None


def test_a_batch_is_read_in_equal_parts() -> None:
    assert [limits.largest_divisor(32, most) for most in (40, 32, 31, 5, 1)] == [32, 32, 16, 4, 1]
    assert [limits.largest_divisor(7, 6), limits.largest_divisor(12, 5), limits.largest_divisor(1, 0)] == [1, 4, None]
