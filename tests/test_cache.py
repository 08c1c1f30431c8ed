import threading

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
