import ast
import threading
from pathlib import Path

import pytest

from trainer.cache import SingleFlightCache


def test_many_threads_compute_a_value_once():
    cache, calls, started = SingleFlightCache(4), [], threading.Barrier(8)
    begun, release = threading.Event(), threading.Event()

    def compute() -> int:
        calls.append(threading.get_ident())
        begun.set()
        release.wait()
        return 7

    def ask(values: list) -> None:
        started.wait()
        values.append(cache.get("key", compute))

    values: list[int] = []
    threads = [threading.Thread(target=ask, args=(values,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.wait()
    release.set()
    for thread in threads:
        thread.join()
    assert values == [7] * 8
    assert len(calls) == 1


def test_another_key_does_not_wait():
    cache, release = SingleFlightCache(4), threading.Event()
    slow = threading.Thread(target=cache.get, args=("slow", release.wait))
    slow.start()
    assert cache.get("quick", lambda: 1) == 1
    release.set()
    slow.join()


def test_the_least_recently_used_value_is_dropped_first():
    cache, computed = SingleFlightCache(2), []

    def ask(key: str) -> None:
        cache.get(key, lambda: computed.append(key))

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert computed == ["a", "b", "c", "b"]
    assert len(cache) == 2


def test_an_exception_is_not_cached():
    cache = SingleFlightCache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", lambda: 1 / 0)
    assert cache.get("key", lambda: 1) == 1


def test_discarded_values_are_computed_again():
    cache = SingleFlightCache(4)
    cache.get(("run", 1), lambda: "old")
    cache.get(("other", 1), lambda: "kept")
    cache.discard(lambda key: key[0] == "run")
    assert cache.get(("run", 1), lambda: "new") == "new"
    assert cache.get(("other", 1), lambda: "new") == "kept"


OTHERS = {
    "trainer/cache.py": "the class itself",
    "trainer/data/checks/language.py": "a library's model, loaded once, and a pure function of one letter",
    "trainer/data/columns/names.py": "a constant, computed when it is first needed",
    "trainer/data/files/encoding_guess.py": "a constant, computed when it is first needed",
    "trainer/data/duplicates/normalize.py": "a constant, computed when it is first needed",
    "trainer/data/duplicates/one_letter_pairs.py": "a table that depends on nothing but its size, which is a power of two",
    "trainer/training/encoder_loading.py": "the checksum of a packaged file, which never changes",
    "trainer/training/memory.py": "a function of the C library, looked up once",
    "trainer/security/password.py": "failed attempts that expire, nothing computed",
}


def caches_in(path: Path) -> set[str]:
    """The names of caches of the standard library and of cachetools that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in ("functools", "cachetools"):
            names |= {alias.name for alias in node.names if "cache" in alias.name.lower() and alias.name != "cached_property"}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name == "cachetools"}
    return names


def test_every_other_cache_has_a_reason():
    root = Path(__file__).resolve().parents[1]
    found = {path.relative_to(root).as_posix() for path in (root / "trainer").rglob("*.py") if caches_in(path)}
    assert found == set(OTHERS)
