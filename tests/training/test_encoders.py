"""The catalogue, and how encoders are loaded or kindly refused."""

import dataclasses
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch

from trainer.errors import UserError
from trainer.training import encoders
from trainer.training.encoders import (
    PACKAGED,
    Encoder,
    catalogue,
    find_encoder,
    load_classifier,
    load_encoder,
    load_tokenizer,
    local_encoder,
    safetensors_parameters,
)


def test_the_packaged_encoder_is_the_published_one() -> None:
    packaged = catalogue()[0]
    assert packaged.name == PACKAGED
    assert packaged.local
    assert safetensors_parameters(Path(packaged.source) / "model.safetensors") == packaged.parameters
    tokenizer = load_tokenizer(packaged, max_length=128)
    assert tokenizer.model_max_length == 128
    assert len(tokenizer) == 30_522


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    packaged = catalogue()[0]
    copy = tmp_path / "copy"
    shutil.copytree(packaged.source, copy)
    with open(copy / "model.safetensors", "r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)
        file.seek(1_000_000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(UserError, match="checksum differs") as refused:
        load_classifier(dataclasses.replace(packaged, source=str(copy)), ("a", "b"))
    assert refused.value.code == "encoder_damaged"


def test_the_classifier_carries_the_label_names_and_starts_the_same_from_the_same_seed(tiny_encoder: Encoder) -> None:
    weights = []
    for _ in range(2):
        torch.manual_seed(3)
        model = load_classifier(tiny_encoder, ("joy", "fear", "anger"))
        weights.append(model.classifier.weight.detach().clone())
    assert model.config.id2label == {0: "joy", 1: "fear", 2: "anger"}
    assert model.config.label2id == {"joy": 0, "fear": 1, "anger": 2}
    assert model.dtype == torch.float32
    assert torch.equal(*weights)


def test_a_checkpoint_in_bf16_is_trained_in_float32(tiny_encoder: Encoder, tmp_path: Path) -> None:
    from transformers import AutoModel

    half = tmp_path / "half"
    shutil.copytree(tiny_encoder.source, half)
    AutoModel.from_pretrained(tiny_encoder.source).to(torch.bfloat16).save_pretrained(half)
    assert load_classifier(local_encoder(half), ("a", "b")).dtype == torch.float32


HUB = find_encoder("bert-base-uncased", catalogue())


def test_an_encoder_that_cannot_be_fetched_is_a_kind_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(encoders, "hub_answers", lambda: False)
    for load in (lambda: load_tokenizer(HUB, max_length=64), lambda: load_classifier(HUB, ("a", "b"))):
        with pytest.raises(UserError, match="could not be fetched from the Hugging Face Hub") as refused:
            load()
        assert refused.value.code == "encoder_unreachable"
        assert PACKAGED in refused.value.message


def test_a_failing_download_is_the_same_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError("429 too many requests")

    monkeypatch.setattr(encoders, "hub_answers", lambda: True)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UserError, match="could not be fetched"):
        load_tokenizer(HUB, max_length=64)


def test_what_was_fetched_once_needs_no_network(monkeypatch: pytest.MonkeyPatch, tiny_encoder: Encoder) -> None:
    def cached(repo: str, *, allow_patterns: list[str], local_files_only: bool = False) -> str:
        assert (repo, local_files_only) == (HUB.source, True)
        return tiny_encoder.source

    def never() -> bool:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(encoders, "hub_answers", never)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    assert load_classifier(HUB, ("a", "b")).config.num_labels == 2


def test_a_name_that_is_none_lists_the_names() -> None:
    with pytest.raises(UserError, match="bert-base-uncased"):
        find_encoder("../../etc/passwd", catalogue())


def test_a_folder_without_an_encoder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no encoder"):
        local_encoder(tmp_path)


def test_the_cut_never_passes_what_the_encoder_can_read(tiny_encoder: Encoder) -> None:
    assert load_tokenizer(tiny_encoder, max_length=512).model_max_length == 64
    assert load_tokenizer(tiny_encoder, max_length=16).model_max_length == 16


def test_robertas_positions_begin_after_the_padding() -> None:
    from transformers import RobertaConfig

    assert encoders.longest_text(RobertaConfig(max_position_embeddings=514, pad_token_id=1)) == 512


def test_an_encoder_that_lacks_weights_does_not_begin_at_random(tiny_encoder: Encoder, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_encoder.source, tmp_path / "half")
    weights = tmp_path / "half" / "model.safetensors"
    left = {name: tensor for name, tensor in load_file(weights).items() if "layer.1" not in name}
    save_file(left, weights, metadata={"format": "pt"})
    for load in (load_classifier, load_encoder):
        with pytest.raises(UserError, match="of its weights") as refused:
            load(local_encoder(tmp_path / "half"), ("a", "b"))
        assert refused.value.code == "encoder_damaged"


def test_a_classifier_of_other_classes_can_be_trained_further(tiny_encoder: Encoder, tmp_path: Path) -> None:
    load_classifier(tiny_encoder, ("a", "b", "c")).save_pretrained(tmp_path)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(tmp_path)
    again = load_classifier(local_encoder(tmp_path), ("a", "b", "c", "d"))
    assert again.config.num_labels == 4
    kept, first = dict(again.base_model.named_parameters()), dict(load_encoder(tiny_encoder, ("a", "b")).named_parameters())
    assert all((kept[name] == first[name]).all() for name in first if not name.startswith("pooler"))


def test_the_packaged_encoder_names_its_repository() -> None:
    assert catalogue()[0].repository == "sentence-transformers/all-MiniLM-L6-v2"
    assert [e.repository for e in catalogue()[1:]] == [e.source for e in catalogue()[1:]]


def test_a_folder_of_ones_own_has_no_repository(tiny_encoder: Encoder) -> None:
    assert tiny_encoder.repository == ""


def test_an_encoder_without_a_tokenizer_is_refused(tiny_encoder: Encoder, tmp_path: Path) -> None:
    shutil.copytree(tiny_encoder.source, tmp_path / "mute")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (tmp_path / "mute" / name).unlink(missing_ok=True)
    with pytest.raises(UserError, match="no tokenizer") as refused:
        load_tokenizer(local_encoder(tmp_path / "mute"), max_length=20)
    assert refused.value.code == "encoder_damaged"
