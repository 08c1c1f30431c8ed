"""The catalogue, and how encoders are loaded or kindly refused."""

import dataclasses
import shutil
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import httpx
import huggingface_hub.constants
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

from trainer.errors import UserError
from trainer.training import encoder_loading
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_classifier, load_encoder, load_tokenizer
from trainer.training.encoders import PACKAGED, Encoder, local_encoder, max_tokens_of
from trainer.training.weights_check import count_parameters, read_header


class Hub:
    """A Hub with one model, whose files are those of a folder, and the cache of what was fetched from it."""

    def __init__(self, model: Path, cache: Path) -> None:
        self.sizes = {file.name: file.stat().st_size for file in model.iterdir()} | {"onnx/huge.json": 9 * 10**9, "pytorch_model.bin": 9}
        self.answers = True
        self.gated: str | bool = False
        self.failure: Exception | None = None
        self.fetched: list[list[str]] = []
        self._model, self._cache = model, cache

    def info(self, repository: str, *, files_metadata: bool, token: bool) -> SimpleNamespace:
        assert (repository, files_metadata, token) == (NAMED, True, False)
        if self.failure is not None:
            raise self.failure
        return SimpleNamespace(gated=self.gated, siblings=[SimpleNamespace(rfilename=n, size=size) for n, size in self.sizes.items()])

    def download(self, repository: str, *, allow_patterns: list[str], local_files_only: bool = False, token: bool | None = None) -> str:
        assert repository == NAMED
        if not local_files_only:
            assert token is False
            wanted = [name for name in self.sizes if any(fnmatch(name, pattern) for pattern in allow_patterns)]
            self.fetched.append(wanted)
            self._cache.mkdir(exist_ok=True)
            for name in wanted:
                shutil.copy(self._model / name, self._cache)
        if not self._cache.is_dir():
            raise LocalEntryNotFoundError("nothing was fetched")
        return str(self._cache)


def _not_found() -> Exception:
    return RepositoryNotFoundError("401", response=httpx.Response(401, request=httpx.Request("GET", "http://localhost")))


def test_the_packaged_encoder_is_the_published_one() -> None:
    packaged = EncoderCatalogue().default
    assert packaged.name == PACKAGED
    assert packaged.is_local
    assert count_parameters(read_header(Path(packaged.source) / "model.safetensors")) == packaged.parameters
    tokenizer = load_tokenizer(packaged, max_length=128)
    assert tokenizer.model_max_length == 128
    assert len(tokenizer) == 30_522


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    packaged = EncoderCatalogue().default
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


HUB = EncoderCatalogue().get("bert-base-uncased")


def test_an_encoder_that_cannot_be_fetched_is_a_kind_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(encoder_loading, "hub_is_reachable", lambda: False)
    for load in (lambda: load_tokenizer(HUB, max_length=64), lambda: load_classifier(HUB, ("a", "b"))):
        with pytest.raises(UserError, match="could not be fetched from the Hugging Face Hub") as refused:
            load()
        assert refused.value.code == "encoder_unreachable"
        assert PACKAGED in refused.value.message


def test_a_failing_download_is_the_same_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError("429 too many requests")

    monkeypatch.setattr(encoder_loading, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UserError, match="could not be fetched"):
        load_tokenizer(HUB, max_length=64)


def test_what_was_fetched_once_needs_no_network(monkeypatch: pytest.MonkeyPatch, tiny_encoder: Encoder) -> None:
    def cached(repo: str, *, allow_patterns: list[str], local_files_only: bool = False) -> str:
        assert (repo, local_files_only) == (HUB.source, True)
        return tiny_encoder.source

    def never() -> bool:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(encoder_loading, "hub_is_reachable", never)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    assert load_classifier(HUB, ("a", "b")).config.num_labels == 2


def test_a_name_that_is_none_lists_the_names() -> None:
    with pytest.raises(UserError, match="bert-base-uncased"):
        EncoderCatalogue().get("../../etc/passwd")


NAMED = "somebody/their-bert"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tiny_encoder: Encoder, tmp_path: Path) -> Hub:
    """The Hub with one model, and an empty cache."""
    made = Hub(Path(tiny_encoder.source), tmp_path / "cache")
    monkeypatch.setattr(encoder_loading, "hub_is_reachable", lambda: made.answers)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", made.download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda self, *named, **how: made.info(*named, **how))
    return made


@pytest.mark.parametrize(
    "name", [NAMED, f" https://huggingface.co/{NAMED} ", f"https://huggingface.co/{NAMED}/tree/main?not-for-all", f"https://hf.co/{NAMED}/"]
)
def test_a_public_encoder_of_the_hub_is_found_by_name_or_address_and_nothing_is_said_to_be_known(hub: Hub, name: str) -> None:
    encoder = EncoderCatalogue().get(name)
    assert (encoder.name, encoder.source, encoder.repository, encoder.is_local, encoder.catalogued) == (NAMED, NAMED, NAMED, False, False)
    assert (encoder.parameters, encoder.megabytes, encoder.languages) == (0, 0, "")
    assert hub.fetched == []


def test_once_fetched_its_facts_are_known(hub: Hub, tiny_encoder: Encoder) -> None:
    torch.manual_seed(0)
    encoder = EncoderCatalogue().get(NAMED)
    assert load_tokenizer(encoder, max_length=512).model_max_length == 64
    assert load_classifier(encoder, ("a", "b")).config.num_labels == 2
    again = EncoderCatalogue().get(NAMED)
    assert (again.parameters, again.layers, again.hidden_size, again.max_tokens) == (tiny_encoder.parameters, 2, 32, 64)
    # Only the files that are read are downloaded, without a token.
    assert {file for call in hub.fetched for file in call} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    hub.answers = False
    assert load_classifier(again, ("a", "b")).config.num_labels == 2


def test_without_internet_it_is_the_kind_sentence_without_a_size_that_nobody_knows(hub: Hub) -> None:
    hub.answers = False
    with pytest.raises(UserError, match=r"could not be fetched from the Hugging Face Hub \(somebody/their-bert\)") as refused:
        load_tokenizer(EncoderCatalogue().get(NAMED), max_length=64)
    assert refused.value.code == "encoder_unreachable"


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda hub: setattr(hub, "failure", _not_found()), "unknown_encoder"),
        (lambda hub: setattr(hub, "failure", httpx.ConnectTimeout("late")), "encoder_unreachable"),
        (lambda hub: setattr(hub, "gated", "auto"), "encoder_unreachable"),
        (lambda hub: hub.sizes.pop("model.safetensors"), "encoder_damaged"),
        (lambda hub: hub.sizes.pop("config.json"), "encoder_damaged"),
        (lambda hub: hub.sizes.update({"model.safetensors": 4 * 10**9}), "encoder_too_large"),
        (lambda hub: hub.sizes.update({"huge.json": 4 * 10**9}), "encoder_too_large"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_fetched(hub: Hub, harm: Callable[[Hub], object], code: str) -> None:
    harm(hub)
    for load in (lambda e: load_tokenizer(e, max_length=64), lambda e: load_classifier(e, ("a", "b"))):
        with pytest.raises(UserError) as refused:
            load(EncoderCatalogue().get(NAMED))
        assert refused.value.code == code
    assert hub.fetched == []


def test_an_encoder_of_the_catalogue_is_found_by_its_repository_too() -> None:
    assert EncoderCatalogue().get("google-bert/bert-base-uncased") == HUB
    assert EncoderCatalogue().get("https://huggingface.co/google-bert/bert-base-uncased") == HUB
    assert EncoderCatalogue().get(f"sentence-transformers/{PACKAGED}").is_local


@pytest.mark.parametrize(
    "name",
    ["", "nonsense", "/etc/passwd", "../models", "C:\\models", "https://huggingface.co/datasets/dair-ai/emotion", "a/b/c", "file:///a/b"],
)
def test_no_folder_of_the_server_and_no_data_set_is_an_encoder(name: str) -> None:
    with pytest.raises(UserError, match="owner/name") as refused:
        EncoderCatalogue().get(name)
    assert refused.value.code == "unknown_encoder"


def test_a_folder_of_the_name_of_a_repository_is_not_read(
    tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    shutil.copytree(tiny_encoder.source, tmp_path / NAMED)
    monkeypatch.chdir(tmp_path)
    hub.answers = False
    with pytest.raises(UserError, match="could not be fetched"):
        load_classifier(EncoderCatalogue().get(NAMED), ("a", "b"))


def test_a_folder_without_an_encoder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no encoder"):
        local_encoder(tmp_path)


def test_the_cut_never_passes_what_the_encoder_can_read(tiny_encoder: Encoder) -> None:
    assert load_tokenizer(tiny_encoder, max_length=512).model_max_length == 64
    assert load_tokenizer(tiny_encoder, max_length=16).model_max_length == 16


def test_robertas_positions_begin_after_the_padding() -> None:
    from transformers import RobertaConfig

    assert max_tokens_of(RobertaConfig(max_position_embeddings=514, pad_token_id=1)) == 512


def test_an_encoder_that_lacks_weights_does_not_begin_at_random(tiny_encoder: Encoder, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_encoder.source, tmp_path / "half")
    weights = tmp_path / "half" / "model.safetensors"
    left = {name: tensor for name, tensor in load_file(weights).items() if "layer.0" not in name}
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
    assert EncoderCatalogue().default.repository == "sentence-transformers/all-MiniLM-L6-v2"
    assert [e.repository for e in [*EncoderCatalogue()][1:]] == [e.source for e in [*EncoderCatalogue()][1:]]


def test_a_folder_of_ones_own_has_no_repository(tiny_encoder: Encoder) -> None:
    assert tiny_encoder.repository == ""


def test_an_encoder_without_a_tokenizer_is_refused(tiny_encoder: Encoder, tmp_path: Path) -> None:
    shutil.copytree(tiny_encoder.source, tmp_path / "mute")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (tmp_path / "mute" / name).unlink(missing_ok=True)
    with pytest.raises(UserError, match="no tokenizer") as refused:
        load_tokenizer(local_encoder(tmp_path / "mute"), max_length=20)
    assert refused.value.code == "encoder_damaged"
