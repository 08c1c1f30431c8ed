"""The model that tells languages apart is unpacked once; what is kept of it counts only if it is whole and was made from the same package."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.data.checks.test_language import SENTENCES
from trainer.data.checks import language_model
from trainer.data.checks.language_model import load_language_model

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

TEXTS = ["", "12 :)", *(" ".join(sentences) for sentences in SENTENCES.values()), *(text for texts in SENTENCES.values() for text in texts)]
CODES = ["zxx", *SENTENCES]


@pytest.fixture(scope="module")
def packaged() -> "LanguageIdentifier":
    """The model as py3langid itself loads it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(CODES)
    return model


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch, packaged: "LanguageIdentifier") -> list[str]:
    """The languages for which the package was unpacked, which takes half a second here each time, so that it is done once."""
    calls: list[str] = []

    def unpack(packed: Path, languages: list[str]) -> "LanguageIdentifier":
        calls.append(" ".join(languages))
        return packaged

    monkeypatch.setattr(language_model, "_unpack", unpack)
    return calls


def test_what_is_kept_gives_the_same_answers_bit_for_bit(packaged: "LanguageIdentifier", tmp_path: Path, unpacked: list[str]):
    expected = [packaged.classify(text) for text in TEXTS]
    for _ in range(2):
        model = load_language_model(CODES, tmp_path / "cache")
        assert [model.classify(text) for text in TEXTS] == expected
    assert model is not packaged
    assert len(unpacked) == 1
    (kept,) = (tmp_path / "cache").iterdir()
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_package_is_limited_to_the_languages(tmp_path: Path):
    assert load_language_model(["de", "en"], tmp_path).labels == ["de", "en"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "others"])
def test_what_is_damaged_or_foreign_is_never_used(damage: str, tmp_path: Path, unpacked: list[str], packaged: "LanguageIdentifier"):
    load_language_model(CODES, tmp_path)
    (kept,) = tmp_path.iterdir()
    good = kept.read_bytes()
    if damage == "others":
        load_language_model(CODES[:3], tmp_path)
    else:
        middle = len(good) // 2
        flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
        kept.write_bytes({"flipped": flipped, "cut": good[:-1], "empty": b""}[damage])
    n_unpacked = len(unpacked)
    assert load_language_model(CODES, tmp_path) is packaged
    assert len(unpacked) == n_unpacked + 1
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [good]


def test_without_a_folder_that_can_be_written_it_works_too(tmp_path: Path, unpacked: list[str], packaged: "LanguageIdentifier"):
    (tmp_path / "file").write_bytes(b"")
    assert load_language_model(CODES, tmp_path / "file" / "cache") is packaged
    assert (tmp_path / "file").read_bytes() == b""
