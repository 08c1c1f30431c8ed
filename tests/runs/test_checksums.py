"""JSON with a checksum: any changed or missing byte is noticed."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.runs.checksums import dump, has_checksum, load, read_json_with_checksum, write_json_with_checksum

VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=6).filter(lambda name: name != "crc"), VALUES, max_size=4)


def readable(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


@settings(deadline=None)
@given(OBJECTS, st.sampled_from([None, 1]))
def test_what_is_written_is_read_back(value: dict, indent: int | None) -> None:
    content = dump(value, indent=indent)
    if readable(json.dumps(value, ensure_ascii=False)):
        assert load(content) == value
    assert has_checksum(content)


@pytest.mark.parametrize("indent", [None, 1])
def test_no_byte_can_be_another_one_or_missing(indent: int | None) -> None:
    content = dump({"type": "log", "step": 3, "word": 'größer "crc": "00000000"}'}, indent=indent)
    cases = 0
    for at in range(len(content)):
        for other in range(1, 256):
            with pytest.raises(ValueError, match="checksum"):
                load(content[:at] + bytes([content[at] ^ other]) + content[at + 1 :])
            cases += 1
        with pytest.raises(ValueError, match="checksum"):
            load(content[:at])
        if content[at:] != b"\n}":  # the line break before the last brace may be there or not
            with pytest.raises(ValueError, match="checksum"):
                load(content[:at] + content[at + 1 :])
    assert cases == 255 * len(content)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"7", b'{"crc": ""}', b'"crc": "', b"[" * 200_000, b'{"a": 1}'])
def test_what_has_no_checksum_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="checksum"):
        load(content)


def test_what_is_nested_too_deeply_is_refused_in_words() -> None:
    import zlib

    for body in (b'{"a": ' + b"[" * 200_000 + b'"crc": "', b"[" * 200_000 + b'"crc": "', b'["crc": "'):
        with pytest.raises(ValueError, match=r"nested|delimiter"):
            load(body + b"%08x" % zlib.crc32(body) + b'"}')


def test_a_lone_surrogate_becomes_a_question_mark_and_a_nan_is_refused(tmp_path: Path) -> None:
    write_json_with_checksum(tmp_path / "a.json", {"name": "torn \ud800", "\udfff": 1})
    assert read_json_with_checksum(tmp_path / "a.json") == {"name": "torn ?", "?": 1}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_with_checksum(tmp_path / "a.json", {"a": float("nan")})
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
