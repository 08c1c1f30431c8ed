"""Regular model folders of every supported type pass; others are refused with a message before anything is loaded.

All hostile folders are opened in all ways by ``tests/attack``; here is what a sentence says of each class of them.
"""

import shutil
from pathlib import Path

import pytest

from tests.attack.hostile_folders import corruptions, make_hostile_folder
from tests.cpu_time import cpu_time
from tests.training.valid_model_folders import save_valid_folder
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.config_check import MODEL_TYPES
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import Encoder, local_encoder
from trainer.training.folder_check import check_folder
from trainer.training.predictor import Predictor
from trainer.training.tokenizer_check import check_tokenizer
from trainer.training.tokens import token_counter

COMMON = ("albert", "bert", "deberta", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet", "roberta", "xlm-roberta")
OTHERS = sorted(MODEL_TYPES - set(COMMON))
HARMS = corruptions()


@pytest.fixture(scope="module")
def valid_folder(tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valid") / "model"
    load_classifier(tiny_encoder, ("joy", "sadness", "anger")).save_pretrained(folder)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("model_type", [*COMMON, *(pytest.param(model_type, marks=pytest.mark.slow) for model_type in OTHERS)])
def test_an_encoder_of_each_kind_passes_as_transformers_saves_it(model_type: str, tmp_path: Path) -> None:
    save_valid_folder(model_type, tmp_path / model_type)
    assert load_classifier(local_encoder(tmp_path / model_type), ("a", "b")).config.num_labels == 2
    assert check_folder(tmp_path / model_type, weights=False) == 0


def test_the_packaged_encoder_passes() -> None:
    packaged = EncoderCatalogue().default
    assert check_folder(Path(packaged.source)) == packaged.parameters


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_what_a_training_saves_passes(tiny_encoder: Encoder, tmp_path: Path, head: str, pooling: str) -> None:
    from trainer.training.classifier import build_classifier, count_parameters, load_saved_classifier, save_classifier

    recipe = Recipe(head=head, pooling=pooling, repairs=("html_in_texts",)).resolved(train_rows=100, learning_rate=1e-3)
    model = build_classifier(tiny_encoder, ("joy", "sad|ness <b>"), recipe)
    save_classifier(model, tmp_path)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(tmp_path)
    assert check_folder(tmp_path) == count_parameters(load_saved_classifier(tmp_path))


@pytest.mark.parametrize("name", ["RobertaTokenizer", "XLMRobertaTokenizer", "AlbertTokenizer", "DebertaV2Tokenizer", "CamembertTokenizer"])
def test_tokenizers_of_all_styles_pass(name: str, tmp_path: Path) -> None:
    import transformers

    pieces = ["<pad>", "<unk>", "<s>", "</s>", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "<mask>", "▁happy", "▁sad", "a", "b", "ab"]
    if name == "RobertaTokenizer":
        made = transformers.RobertaTokenizer(vocab={token: i for i, token in enumerate(pieces)}, merges=[("a", "b")])
    else:
        made = getattr(transformers, name)(vocab=[(piece, -float(i)) for i, piece in enumerate(pieces)])
    made.save_pretrained(tmp_path)
    check_tokenizer(tmp_path, vocabulary=1_000)


def test_a_snapshot_of_the_hubs_cache_passes_with_its_links_and_what_others_fetched(valid_folder: Path, tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "models--a--b" / "snapshots" / "1234", tmp_path / "models--a--b" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for file in valid_folder.iterdir():
        shutil.copy(file, blobs / f"blob-{file.name}")
        (snapshot / file.name).symlink_to(f"../../blobs/blob-{file.name}")
    (snapshot / "pytorch_model.bin").write_bytes(b"of another program")
    assert check_folder(snapshot) > 0
    (snapshot / "vocab.txt").symlink_to("/etc/passwd")
    with pytest.raises(UserError, match="a link that leads out of it"):
        check_folder(snapshot)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("an extra Python module", r"evil\.py is a program"),
        ("a program whose name is no text", r": evil\?\[31m\?\.py is a program"),
        ("auto_map in the config without its program", r"names programs of its own \(auto_map\)"),
        ("a custom tokenizer class in the config", "asks for a tokenizer that is not known here"),
        ("an attention implementation from a repository", "names a program to be fetched and run"),
        ("a URL as the name", "names an address instead of a model"),
        ("a model of another type", "of the kind “llama”; only encoders of the BERT family"),
        ("outputs as tuples", r"outputs in a form that is not used here \(return_dict False\)"),
        ("pytorch_model.bin beside the weights", r"can run a program when it is opened \(a pickle\)\. Remove it"),
        ("weights that link out of the folder", "a link that leads out of it"),
        ("a header of gigabytes", "is damaged: it is in no safetensors format"),
        ("a header longer than the file", "is damaged: it is in no safetensors format"),
        ("weights cut in the middle", r"describes [\d,]+ bytes of weights, and it has [\d,]+"),
        ("overlapping tensors", "two of its tensors share bytes"),
        ("a shape larger than its bytes", "has another size than its shape needs"),
        ("integer weights", "weights are floating-point numbers"),
        ("a hidden size other than the weights'", r"describes \d+ tokens of 64 numbers, and they have \d+ by 32"),
        ("vocab_size 1,000,000,000,000", r"impossible size \(vocab_size 1000000000000; at most 2,000,000\)"),
        ("200 layers that are not in the weights", r"does not fit the weights"),
        ("layers wider than the weights", "it describes a model of .* million numbers"),
        ("a deeply nested tokenizer", "is nested too deeply"),
        ("a catastrophic regex", "a pattern that is not known here"),
        ("a regex in a list beside an empty one", "a pattern that is not known here"),
        ("100,000 special tokens", r"special_tokens_map\.json adds more than 10,000 tokens"),
        ("a special token of 1 MB", r"tokenizer_config\.json has a token of more than 1,000 letters"),
        ("a maximum length that is a text", r"impossible size \(model_max_length evil\)"),
        ("100,000 ids of classes", r"does not name the classes, or too many \(label2id\)"),
        ("a normalizer that lengthens texts", "would lengthen each text"),
        ("2,100,000 merges", "more values than a model needs"),
        ("more tokens than the model has", "more tokens than its model knows"),
        ("a vocabulary with more tokens than the model", r"vocab\.txt has more tokens than its model knows \(100,000 instead of"),
        ("a vocabulary without ids", r"vocab\.json is not used: the id of a token is not a valid number"),
        ("merges of millions of lines", r"merges\.txt has 5,000,000 lines, more than a model needs"),
        ("a chat template of 20 GB", r"chat_template\.jinja has 21,475 MB, and such files have at most 40"),
        ("a subfolder of chat templates", "is of a model that chats, and classifiers do not"),
        ("a last layer that pools in another model", r"last layer pools, which it cannot \(pools_in_last_layer True\)"),
        ("a config that is not JSON", r"is damaged: it is not JSON \(line 1\)"),
    ],
)
def test_each_hostile_folder_is_refused_in_a_sentence_that_names_what_was_found(
    harm: str, message: str, valid_folder: Path, tmp_path: Path
) -> None:
    folder = make_hostile_folder(valid_folder, tmp_path / "model", HARMS[harm], tmp_path / "told")
    with cpu_time() as spent, pytest.raises(UserError, match=message) as refused:
        check_folder(folder)
    assert refused.value.code == "model_folder_refused"
    assert spent.seconds < 2
    assert not (tmp_path / "told").exists()


def test_what_was_changed_since_it_was_chosen_is_looked_at_again_before_it_is_loaded(valid_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(valid_folder, tmp_path / "model")
    encoder = local_encoder(tmp_path / "model")
    HARMS["training_args.bin beside the weights"](tmp_path / "model", tmp_path / "told")
    for load in (lambda: load_tokenizer(encoder, max_length=20), lambda: load_classifier(encoder, ("a", "b"))):
        with pytest.raises(UserError, match="pickle"):
            load()


@pytest.mark.parametrize(
    "harm",
    ["a character map that makes the library panic", "no token for what is not known", "more tokens in the settings than the model has"],
)
def test_a_tokenizer_that_cannot_read_every_text_is_refused_when_it_is_loaded(harm: str, valid_folder: Path, tmp_path: Path) -> None:
    folder = make_hostile_folder(valid_folder, tmp_path / "model", HARMS[harm], tmp_path / "told")
    with pytest.raises(UserError) as refused:
        load_tokenizer(local_encoder(folder), max_length=20)
    assert refused.value.code == "encoder_damaged"
    # Where tokens are only counted, a file that cannot be read counts as missing.
    assert (token_counter(local_encoder(folder)) is None) == ("panic" in harm)
    with pytest.raises(UserError) as refused:
        Predictor(folder)
    assert refused.value.code == "model_damaged"
