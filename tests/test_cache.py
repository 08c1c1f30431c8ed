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
    cache, begun, release = SingleFlightCache(4), threading.Event(), threading.Event()
    slow = threading.Thread(target=cache.get, args=("slow", lambda: (begun.set(), release.wait())))
    slow.start()
    begun.wait()
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
    "trainer/data/checks/language.py": "a pure function of one letter",
    "trainer/data/files/encoding_guess.py": "two tables, of constants",
    "trainer/data/duplicates/one_letter_pairs.py": "a table that depends on nothing but its size, which is a power of two",
    "trainer/training/export/exported.py": "digests of files, by path, size and time of change",
    "trainer/training/encoder_loading.py": "the checksum of a packaged file, which never changes",
    "trainer/call_rate.py": "calls of the last minutes, nothing computed",
    "trainer/data/reader/file_reader.py": "contents that ended a child, nothing computed",
    "trainer/upload_owners.py": "whose the uploads of a day are, nothing computed",
    "trainer/ui/owned_queue.py": "whose the sessions of gradio's queue are, nothing computed",
    "trainer/security/kept_responses.py": "responses of an asynchronous app, which nobody may wait for in a thread; bounded in bytes",
    "trainer/open_pages.py": "which pages are open, nothing computed",
    "trainer/security/handover.py": "links of a quarter of an hour, nothing computed",
    "trainer/security/password.py": "failed attempts that expire, nothing computed",
}


def has_cache(tree: ast.AST) -> bool:
    """Whether a module imports a library's cache for values that depend on something: a function without parameters is a constant."""
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("functools", "cachetools")
        for alias in node.names
        if "cache" in alias.name.lower()
    } - {"cached_property"}
    cached = [
        function
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and any(ast.unparse(decorator) == "cache" for decorator in function.decorator_list)
    ]
    return bool(names - {"cache"}) or any(ast.unparse(function.args) for function in cached)


def test_every_other_cache_has_a_reason():
    root = Path(__file__).resolve().parents[1]
    modules = {path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in (root / "trainer").rglob("*.py")}
    assert {name for name, tree in modules.items() if has_cache(tree)} == set(OTHERS)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from functools import lru_cache", True),
        ("from cachetools import LRUCache", True),
        ("from functools import cache\n@cache\ndef f(x): ...", True),
        ("from functools import cache\n@cache\ndef f(): ...", False),
        ("from functools import cached_property", False),
    ],
)
def test_the_search_for_caches_sees_them(code: str, found: bool):
    assert has_cache(ast.parse(code)) is found
