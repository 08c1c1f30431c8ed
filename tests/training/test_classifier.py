"""Every head ends in a folder that loads: as a standard one, or with its head beside the encoder as the model card says."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny_encoders import TINY, tiny
from trainer.data.task import SINGLE_LABEL
from trainer.errors import UserError
from trainer.jobs.train.card_code import loading_section
from trainer.recipe import Recipe
from trainer.runs.event_types import Finished
from trainer.runs.run import Run
from trainer.training.classifier import build_classifier, count_parameters, encoder_of, in_head, load_saved_classifier, save_classifier
from trainer.training.electra import as_electra
from trainer.training.encoder_loading import load_encoder, load_tokenizer
from trainer.training.encoders import Encoder, local_encoder
from trainer.training.predictor import Predictor
from trainer.training.temperature import config_file, config_with

LABELS = ("joy", "sadness", "anger")
TEXTS = ["happy today", "", "we cry and cry " * 20, "unknown wörds 🫠", "rage"]


def resolved(encoder: Encoder, **settings: object) -> Recipe:
    return Recipe(encoder=encoder.name, epochs=2, batch_size=8, learning_rate=1e-3, **settings)


def saved(folder: Path, encoder: Encoder, **settings: object) -> Path:
    """A model folder as a training would leave it, its weights shaken so that nothing is zero."""
    torch.manual_seed(3)
    model = build_classifier(encoder, LABELS, resolved(encoder, **settings))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn_like(parameter))
    save_classifier(model, folder)
    load_tokenizer(encoder, max_length=20).save_pretrained(folder)
    return folder


def by_hand(encoder: Encoder, texts: list[str]) -> dict[str, torch.Tensor]:
    return dict(load_tokenizer(encoder, max_length=20)(texts, truncation=True, padding=True, return_tensors="pt"))


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "electra"])
def test_an_encoder_says_the_same_as_electra(family: str, tmp_path: Path) -> None:
    encoder = tiny(family, tmp_path)
    body = load_encoder(encoder, LABELS).eval()
    model = as_electra(body).eval()
    batch = by_hand(encoder, TEXTS)
    with torch.no_grad():
        theirs, ours = body(**batch).last_hidden_state, model.electra(**batch).last_hidden_state
    mask = batch["attention_mask"].bool()
    assert torch.allclose(theirs[mask], ours[mask], atol=1e-5)


def test_an_encoder_of_another_shape_is_no_electra(tmp_path: Path) -> None:
    assert as_electra(load_encoder(tiny("albert", tmp_path), LABELS)) is None


STANDARD = [
    ("bert", {}),
    ("bert", {"head": "mlp"}),
    ("bert", {"lora_rank": 2}),
    ("bert", {"head": "mlp", "lora_rank": 2, "dropout": 0.3}),
    ("distilbert", {"head": "mlp"}),
    ("roberta", {}),
    ("roberta", {"head": "mlp"}),
    ("electra", {"head": "mlp"}),
    ("albert", {"dropout": 0.2}),
    ("bert", {"pooling": "mean"}),
    ("bert", {"pooling": "mean", "lora_rank": 2}),
    ("bert", {"pooling": "mean", "head": "mlp"}),
    ("bert", {"pooling": "mean", "head": "mlp", "lora_rank": 2}),
    ("roberta", {"pooling": "mean"}),
    ("distilbert", {"pooling": "mean"}),
    ("electra", {"pooling": "mean", "head": "mlp"}),
]
WITH_OUR_HEAD = [
    ("albert", {"head": "mlp"}),
    ("albert", {"pooling": "mean"}),
    ("electra", {"pooling": "mean"}),
]


@pytest.mark.parametrize(("family", "settings"), STANDARD, ids=str)
def test_the_one_liner_says_what_the_predictor_says(family: str, settings: dict, tmp_path: Path) -> None:
    from transformers import pipeline

    folder = saved(tmp_path / "model", tiny(family, tmp_path), **settings)
    ours = Predictor(folder).probabilities(TEXTS)
    assert ours.std(axis=0).max() > 1e-3
    classify = pipeline("text-classification", model=str(folder), top_k=None)
    for text, row in zip(TEXTS, ours, strict=True):
        scores = {result["label"]: result["score"] for result in classify([text], truncation=True)[0]}
        assert [scores[name] for name in LABELS] == pytest.approx(row.tolist(), abs=1e-5)
    names = {f.name for f in folder.iterdir()}
    assert {"config.json", "model.safetensors"} <= names
    assert not names & {"head.json", "adapter_config.json", "adapter_model.safetensors"}


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_saved_mean_pooling_says_what_was_trained(family: str, head: str, tmp_path: Path) -> None:
    encoder = tiny(family, tmp_path)
    trained = build_classifier(encoder, LABELS, resolved(encoder, pooling="mean", head=head)).eval()
    with torch.no_grad():
        for parameter in trained.head.parameters():
            parameter.copy_(3 * torch.randn_like(parameter))
    save_classifier(trained, tmp_path / "model")
    batch = by_hand(encoder, TEXTS)
    with torch.no_grad():
        expected, loaded = trained(**batch).logits, load_saved_classifier(tmp_path / "model").eval()(**batch).logits
    assert loaded.std() > 0.1
    assert torch.allclose(loaded, expected, atol=1e-5)


def test_a_training_that_starts_from_a_saved_mean_pooling_pools_like_it_without_its_last_layer(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tiny("bert", tmp_path), pooling="mean")
    again = local_encoder(folder)
    assert (again.pooling, again.layers) == ("mean", 2)
    model = build_classifier(again, LABELS, resolved(again, pooling=again.pooling))
    assert len(model.encoder.encoder.layer) == 2
    save_classifier(model, tmp_path / "again")
    layers = json.loads((tmp_path / "again" / "config.json").read_text())["num_hidden_layers"]
    assert layers == 3


def test_a_training_on_the_first_token_of_a_saved_mean_pooling_begins_with_a_new_pooler_and_head(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tiny("bert", tmp_path), pooling="mean")
    before = load_saved_classifier(folder)
    again = local_encoder(folder)
    model = build_classifier(again, LABELS, resolved(again, pooling="cls"))
    # Those of vectors of length 1 are the identity, much smaller, and weights that are much larger.
    assert float(model.bert.pooler.dense.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    assert model.classifier.weight.std() < 0.03 < before.classifier.weight.std()
    assert torch.equal(model.bert.encoder.layer[1].output.dense.weight, before.bert.encoder.layer[1].output.dense.weight)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_what_a_model_promises_is_not_promised_by_one_that_is_trained_from_it(pooling: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tiny("bert", tmp_path), pooling=pooling)
    of_the_model = {
        "abstain_below": 0.97,
        "abstain_target": 0.9,
        "calibration_temperature": 0.7,
        "text_repairs": ["html_in_texts"],
    }
    config_file(folder).write_bytes(config_with(folder, of_the_model))
    assert Predictor(folder).answer_from == 0.97
    again = saved(tmp_path / "again", local_encoder(folder), pooling=pooling)
    assert not of_the_model.keys() & json.loads((again / "config.json").read_text()).keys()
    assert (Predictor(again).answer_from, Predictor(again).repairs) == (None, ())


def test_an_mlp_head_is_saved_as_an_electra(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tiny("bert", tmp_path), head="mlp", dropout=0.3)
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["ElectraForSequenceClassification"]
    assert config["classifier_dropout"] == 0.3
    assert config["id2label"] == {"0": "joy", "1": "sadness", "2": "anger"}
    # The trained head has no dropout before its first layer; what is saved has the same weights.
    assert type(load_saved_classifier(folder).classifier).__name__ == "ElectraClassificationHead"


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_a_folder_saved_as_electra_reads_texts_as_the_encoder_did(family: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    encoder = tiny(family, tmp_path)
    folder = saved(tmp_path / "model", encoder, head="mlp")
    texts = [*TEXTS, "Émile was here, at WORK"]
    assert (
        AutoTokenizer.from_pretrained(folder)(texts, truncation=True).input_ids
        == load_tokenizer(encoder, max_length=20)(texts, truncation=True).input_ids
    )


@pytest.mark.parametrize(("family", "settings"), WITH_OUR_HEAD, ids=str)
def test_a_head_without_an_architecture_is_loaded_as_the_card_says(family: str, settings: dict, tmp_path: Path) -> None:
    from transformers import pipeline

    folder = saved(tmp_path / "model", tiny(family, tmp_path), **settings)
    ours = Predictor(folder).probabilities(TEXTS)
    assert ours.std(axis=0).max() > 1e-3
    # Nothing may take it for a model with a head drawn at random.
    with pytest.raises((OSError, ValueError)):
        pipeline("text-classification", model=str(folder))
    card = loading_section(Run(tmp_path), SINGLE_LABEL)
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    for text, row in zip(TEXTS, ours, strict=True):
        space: dict = {}
        exec(code.replace("path/to/this/folder", str(folder)).replace('"your text"', repr(text)), space)
        assert [space["answer"][name] for name in LABELS] == pytest.approx(row.tolist(), abs=1e-5)
    assert "cannot load it" in card


def test_the_predictor_with_its_own_head_reads_no_padding_and_draws_nothing(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tiny("bert", tmp_path), pooling="mean", head="mlp")
    torch.manual_seed(5)
    random_state = torch.get_rng_state()
    predictor = Predictor(folder)
    together = predictor.probabilities(TEXTS)
    assert torch.equal(random_state, torch.get_rng_state())
    for text, row in zip(TEXTS, together, strict=True):
        assert predictor.probabilities([text])[0] == pytest.approx(row, abs=1e-6)
    assert predictor.label_names == LABELS


def test_a_damaged_head_is_a_kind_sentence(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tiny("bert", tmp_path), pooling="mean")
    (folder / "head.json").write_text("{")
    with pytest.raises(UserError, match=r"head\.json is damaged"):
        Predictor(folder)
    (folder / "head.json").write_text('{"head": "strange", "pooling": "mean"}')
    with pytest.raises(UserError, match="describes no head that is known here"):
        Predictor(folder)


def test_the_export_takes_the_encoder_along(tmp_path: Path) -> None:
    import zipfile

    from trainer.training.export.zip import write_model_zip

    saved(tmp_path / "model", tiny("bert", tmp_path), pooling="mean")
    for name in ("events.jsonl", "predictions.parquet"):
        (tmp_path / name).touch()
    Run(tmp_path).seal_results_and_log(Finished())
    run = Run(tmp_path)
    write_model_zip(run.model_files(), run.model, "brisk otter", tmp_path / "out.zip")
    zipfile.ZipFile(tmp_path / "out.zip").extractall(tmp_path / "unpacked")
    ours, theirs = (Predictor(f).probabilities(TEXTS) for f in (tmp_path / "model", tmp_path / "unpacked" / "brisk-otter"))
    assert np.array_equal(ours, theirs)


def test_the_dropout_is_the_heads(tmp_path: Path) -> None:
    encoder = tiny("bert", tmp_path)
    model = build_classifier(encoder, LABELS, resolved(encoder, dropout=0.35))
    assert model.dropout.p == model.config.classifier_dropout == 0.35
    assert model.bert.encoder.layer[0].output.dropout.p == 0.1
    assert build_classifier(encoder, LABELS, resolved(encoder, head="mlp", dropout=0.35)).classifier.dropout.p == 0.35
    assert build_classifier(encoder, LABELS, resolved(encoder, pooling="mean", dropout=0.0)).head.dropout.p == 0.0
    assert build_classifier(encoder, LABELS, resolved(encoder)).dropout.p == 0.1


@pytest.mark.parametrize("settings", [{}, {"head": "mlp"}, {"pooling": "mean"}], ids=str)
@pytest.mark.parametrize("family", TINY)
def test_what_learns(family: str, settings: dict, tmp_path: Path) -> None:
    encoder = tiny(family, tmp_path)
    frozen = build_classifier(encoder, LABELS, resolved(encoder, frozen_epochs=2, **settings))
    learning = {n for n, p in frozen.named_parameters() if p.requires_grad}
    assert learning
    assert all(in_head(frozen, n) for n in learning)
    lora = build_classifier(encoder, LABELS, resolved(encoder, lora_rank=2, **settings))
    learning = {n for n, p in lora.named_parameters() if p.requires_grad}
    assert any("lora_" in n for n in learning)
    assert any(in_head(lora, n) for n in learning)
    assert not [n for n in learning if not in_head(lora, n) and "lora_" not in n]
    assert count_parameters(lora, trainable=True) < count_parameters(lora)


def test_lora_leaves_the_answers_as_they_are_at_first(tmp_path: Path) -> None:
    encoder = tiny("bert", tmp_path)
    batch, answers = by_hand(encoder, TEXTS), []
    for rank in (0, 4):
        torch.manual_seed(1)
        answers.append(build_classifier(encoder, LABELS, resolved(encoder, lora_rank=rank)).eval()(**batch).logits)
    assert torch.equal(*answers)


def test_without_dropout_in_the_head_there_is_none_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny("bert", tmp_path)
    from trainer.training import classifier

    load: Callable = classifier.load_classifier

    def without_dropout(*args: object) -> object:
        model = load(*args)
        model.dropout = torch.nn.Identity()
        return model

    monkeypatch.setattr(classifier, "load_classifier", without_dropout)
    with pytest.raises(UserError, match="no dropout") as refused:
        build_classifier(encoder, LABELS, resolved(encoder, dropout=0.3))
    assert refused.value.code == "setting_not_possible"
    assert encoder_of(build_classifier(encoder, LABELS, resolved(encoder))) is not None


@pytest.mark.parametrize(("family", "settings"), [*STANDARD, *WITH_OUR_HEAD], ids=str)
def test_what_is_saved_is_what_was_trained(family: str, settings: dict, tmp_path: Path) -> None:
    encoder = tiny(family, tmp_path)
    torch.manual_seed(3)
    model = build_classifier(encoder, LABELS, resolved(encoder, **settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn_like(parameter))
        batch = by_hand(encoder, TEXTS)
        logits = model(**batch).logits
        save_classifier(model, tmp_path / "model")
        assert torch.equal(logits, model(**batch).logits)
        assert torch.allclose(logits, load_saved_classifier(tmp_path / "model").eval()(**batch).logits, atol=1e-5)
