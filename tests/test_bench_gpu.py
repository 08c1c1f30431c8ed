"""The GPU benchmark: with a tiny model it runs on any device, and without a GPU it says so."""

import json
from pathlib import Path

import pytest

from tests.bench import gpu
from trainer.training.hardware import Hardware


def test_it_measures_a_tiny_training_from_start_to_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "_TWEETS", tmp_path / "absent.txt")
    gpu.main(["--tiny"])
    *table, last = capsys.readouterr().out.splitlines()
    measured = json.loads(last)
    assert measured["train_rows"] == pytest.approx(0.7 * gpu.TINY.rows, abs=2)
    assert 0 < measured["seconds_start_to_report"] < 300
    assert measured["ratio_vs_bare_loop"] == pytest.approx(
        measured["samples_per_second"] / measured["bare_loop_samples_per_second"], abs=0.01
    )
    assert measured["peak_megabytes"] > 0
    assert any("relative to the bare loop" in line for line in table)


def test_the_generated_texts_are_as_long_as_tweets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_TWEETS", tmp_path / "absent.txt")
    corpus = gpu._corpus(tmp_path / "texts.csv", 2_000)
    lengths = sorted(len(text.split()) for text in corpus.texts)
    assert len(corpus) > 1_950
    assert lengths[len(lengths) // 2] == pytest.approx(17, abs=1.5)  # the emotion tweets' median
    assert sum(lengths) / len(lengths) == pytest.approx(19.2, abs=1.5)  # and mean
    assert lengths[-1] <= 66
    assert set(corpus.label_names) == set(gpu._LABELS)


def test_without_a_gpu_it_says_so_and_succeeds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu, "detect_hardware", lambda: Hardware("cpu", "fp32", 2, "2 CPU cores"))
    gpu.main([])
    sentence, last = capsys.readouterr().out.splitlines()
    assert "2 CPU cores" in sentence
    assert "skipped" in json.loads(last)
