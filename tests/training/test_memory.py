"""What surely does not fit is refused, what might is not; and freed memory goes back to the system, holes in the heap included."""

import subprocess
import sys

import pytest

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training import memory
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.hardware import Hardware

CPU = Hardware("cpu", "fp32", 2, "2 CPU cores")
SMALL, BASE = EncoderCatalogue().default, EncoderCatalogue().get("bert-base-uncased")

# Large blocks, each followed by a smaller one that stays, as a step's tensors and the kernels made for them: freed, they leave only holes.
_HOLES = """
import ctypes
from trainer.training.memory import trim_heap

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD: from the heap, where glibc puts such blocks once it has seen a few of them freed


def resident():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


before = resident()
large = []
for _ in range(300):
    large.append(libc.malloc(1 << 20))
    ctypes.memset(large[-1], 1, 1 << 20)
    libc.malloc(20_000)
for block in large:
    libc.free(block)
kept = resident() - before
trim_heap()
print(kept, resident() - before)
"""


def test_holes_between_what_stays_are_given_back() -> None:
    if memory._malloc_trim() is None or not sys.platform.startswith("linux"):
        pytest.skip("needs glibc")
    completed = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True)
    kept, left = map(int, completed.stdout.split())
    assert kept > 250  # megabytes; else this test shows nothing
    assert left < 50


def test_without_such_a_function_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: None) -> object:
        return object()

    memory._malloc_trim.cache_clear()
    monkeypatch.setattr(memory.ctypes, "CDLL", absent)
    try:
        assert memory._malloc_trim() is None
        memory.trim_heap()
    finally:
        memory._malloc_trim.cache_clear()


def refused(monkeypatch: pytest.MonkeyPatch, free: float, encoder: object, lengths: list[int], **settings: object) -> bool:
    monkeypatch.setattr(memory, "free_megabytes", lambda _: free)
    recipe = Recipe(**{"epochs": 3, "batch_size": 512, **settings})
    try:
        memory.check_memory(recipe, encoder, lengths, CPU)
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
    monkeypatch.setattr(memory, "free_megabytes", lambda _: 16_000)
    with pytest.raises(
        UserError, match=r"512 texts of up to 512 tokens .* on this machine \(2 CPU cores\)\. Train it again with 256 texts at a time"
    ) as refusal:
        memory.check_memory(Recipe(epochs=3, batch_size=512), SMALL, [512] * 1000, CPU)
    assert (refusal.value.code, refusal.value.retry_texts_at_a_time) == ("batch_too_large", 256)
    # What it offers is no lower bound that it would refuse itself.
    memory.check_memory(Recipe(epochs=3, batch_size=256), SMALL, [512] * 1000, CPU)
    monkeypatch.setattr(memory, "free_megabytes", lambda _: 100)
    with pytest.raises(UserError, match="Start a new run with a shorter maximum length or a smaller encoder") as refusal:
        memory.check_memory(Recipe(epochs=3, batch_size=32), SMALL, [512] * 1000, CPU)
    assert refusal.value.retry_texts_at_a_time is None


def test_a_batch_is_read_in_equal_parts() -> None:
    assert [memory.largest_divisor(32, limit) for limit in (40, 32, 31, 5, 1)] == [32, 32, 16, 4, 1]
    assert [memory.largest_divisor(7, 6), memory.largest_divisor(12, 5), memory.largest_divisor(1, 0)] == [1, 4, None]
