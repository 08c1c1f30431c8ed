"""Memory that is free goes back to the system, holes in the heap included."""

import subprocess
import sys

import pytest

from trainer.training import memory

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
    if memory._trim() is None or not sys.platform.startswith("linux"):
        pytest.skip("needs glibc")
    answer = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True)
    kept, left = map(int, answer.stdout.split())
    assert kept > 250  # megabytes; else this test shows nothing
    assert left < 50


def test_without_such_a_function_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: None) -> object:
        return object()

    memory._trim.cache_clear()
    monkeypatch.setattr(memory.ctypes, "CDLL", absent)
    try:
        assert memory._trim() is None
        memory.trim_heap()
    finally:
        memory._trim.cache_clear()
