"""Friendly names: no two runs of one owner get the same name."""

from trainer.runs.names import _ADJECTIVES, _ANIMALS, friendly_name

ALL = len(_ADJECTIVES) * len(_ANIMALS)


def test_a_name_is_drawn_again_while_it_is_taken() -> None:
    used: set[str] = set()
    for _ in range(300):
        name = friendly_name(used)
        assert name not in used
        assert len(name.split()) == 2
        used.add(name)


def test_the_last_free_name_is_found_and_then_names_have_a_number() -> None:
    every = {f"{adjective} {animal}" for adjective in _ADJECTIVES for animal in _ANIMALS}
    assert len(every) == ALL
    assert friendly_name(every - {"brisk otter"}) == "brisk otter"
    numbered = friendly_name(every)
    assert numbered.endswith(" 2")
    assert numbered.removesuffix(" 2") in every
    twice = every | {f"{name} 2" for name in every}
    assert friendly_name(twice - {"calm fox 2"} | {"something that somebody typed"}) == "calm fox 2"
    assert friendly_name(twice).endswith(" 3")
