"""Checks a model's config.json: an encoder of the BERT family, of the size of its weights, without programs.

Knows the names of transformers' settings, but does not import it: the check comes before anything is built.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.training.untrusted_files import SAVE_IT, printable, read_object, refusal
from trainer.training.weights_check import Tensor, count_parameters

_MAX_BYTES = 4_000_000
MODEL_TYPES = frozenset(
    "albert bert big_bird camembert convbert data2vec-text deberta deberta-v2 distilbert electra ernie eurobert flaubert ibert longformer "
    "megatron-bert mobilebert modernbert mpnet mra nystromformer rembert roberta roberta-prelayernorm roc_bert roformer xlm xlm-roberta "
    "xlm-roberta-xl xlnet xmod yoso".split()
)
"""Text encoders whose size follows from the settings below. Others may load further files, or download some."""

POOLS_IN_LAST_LAYER = "pools_in_last_layer"
"""The name in the config of a classifier whose last layer pools (see mean_pooling.py): a training that starts from it removes the layer."""
_MAY_POOL_IN_LAST_LAYER = ("bert", "electra")

_TOKENIZERS = re.compile(
    r"(Albert|Bert|Bertweet|BigBird|Camembert|ConvBert|Deberta|DebertaV2|DistilBert|Electra|Ernie|Flaubert|Funnel|GPT2|Herbert|Longformer|MPNet|"
    r"MobileBert|ModernBert|Nystromformer|Phobert|PreTrained|RemBert|Roberta|RobertaPreLayerNorm|RoCBert|RoFormer|SqueezeBert|XLM|XLMRoberta|XLNet|Yoso)"
    r"Tokenizer(Fast)?|TokenizersBackend|PythonBackend"
)
_PROGRAMS = (
    "auto_map", "custom_pipelines", "custom_generate", "trust_remote_code", "fast_tokenizer_files", "transformers_weights",
    "quantization_config", "compression_config", "base_model_name_or_path", "peft_config",
)  # fmt: skip
_ATTENTION = (None, "eager", "sdpa")
_DTYPES = (None, "float16", "bfloat16", "float32", "float64")

_FORM_OF_OUTPUTS = {"return_dict": True, "chunk_size_feed_forward": 0}
"""Settings that change how a model answers, or into how many pieces it cuts a batch, with the value that every folder has."""

_HIDDEN = ("hidden_size", "dim", "d_model", "emb_dim")
_LAYERS = ("num_hidden_layers", "n_layers", "n_layer")
_INNER = ("intermediate_size", "hidden_dim", "d_inner")
_VOCABULARY = ("vocab_size", "n_words")
_POSITIONS = ("max_position_embeddings",)
_MAX_DIMENSIONS = {_HIDDEN: 16_384, _LAYERS: 200, _INNER: 131_072, _VOCABULARY: 2_000_000, _POSITIONS: 1_000_000}
_MAX_LABELS = 10_000
_MAX_OF_OTHER_SETTINGS = {
    "num_labels": _MAX_LABELS, "embedding_size": 16_384, "input_embedding_size": 16_384, "output_embedding_size": 16_384, "num_hidden_groups": 200, "inner_group_num": 200, "num_attention_heads": 1_024,
    "type_vocab_size": 100_000,
}  # fmt: skip
_MAX_OF_ANY_SETTING = 1_000_000
_SMALL = 512
"""Settings up to this value create only small tensors."""

_WORD_EMBEDDINGS = re.compile(r"(?:^|[._])(?:word_embeddings|word_embedding|tok_embeddings|embed_tokens)\.weight$")
_LAYER = re.compile(r"(?:^|\.)layers?\.(\d{1,9})\.")


def read_model_config(config_path: Path) -> dict[str, Any]:
    """A model's settings. Raises UserError ``model_folder_refused`` if they do not describe an encoder that can be used here."""
    config = read_object(config_path, max_bytes=_MAX_BYTES)
    refuse_programs(config_path, config)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in MODEL_TYPES:
        described = f"of the kind “{printable(model_type)}”" if isinstance(model_type, str) else "of an unknown kind"
        raise refusal(config_path, f"is of a model {described}; only encoders of the BERT family are used here", "Choose another encoder")
    check_tokenizer_class(config_path, config)
    for name in ("dtype", "torch_dtype"):
        if config.get(name) not in _DTYPES:
            raise refusal(config_path, f"asks for weights of a kind that is not known here ({name} {printable(config[name])})")
    for name, value in _FORM_OF_OUTPUTS.items():
        if config.get(name, value) != value:
            raise refusal(config_path, f"asks for outputs in a form that is not used here ({name} {printable(config[name])})")
    _refuse_names(config_path, config)
    _refuse_sizes(config_path, config)
    _refuse_pooling(config_path, config)
    return config


def check_tokenizer_class(file: Path, settings: Mapping[str, Any]) -> None:
    """Raise UserError if settings of a model or a tokenizer name an unknown tokenizer class."""
    tokenizer_class = settings.get("tokenizer_class")
    if tokenizer_class is not None and not (isinstance(tokenizer_class, str) and _TOKENIZERS.fullmatch(tokenizer_class)):
        raise refusal(file, f"asks for a tokenizer that is not known here (tokenizer_class {printable(tokenizer_class)})")


def refuse_programs(file: Path, settings: Mapping[str, Any]) -> None:
    """Raise UserError if settings of a model or a tokenizer name, at any depth, a program to run or something to download."""
    for name, value in _all_settings(settings):
        if name in _PROGRAMS and value not in (None, False):
            problem = "names programs of its own" if name in ("auto_map", "trust_remote_code") else "asks for more than a model's own files"
            raise refusal(file, f"{problem} ({name}), and nothing that comes with a model is run here", SAVE_IT)
        if "attn_implementation" in name or "experts_implementation" in name:
            known = isinstance(value, bool) or ((value is None or isinstance(value, str)) and value in _ATTENTION)
            if not known:
                raise refusal(file, f"names a program to be fetched and run ({name} {printable(value)}), and none is", SAVE_IT)
        if name.endswith("name_or_path") and isinstance(value, str) and ("://" in value or value.startswith("\\\\")):
            raise refusal(
                file, f"names an address instead of a model ({name} {printable(value)}), and nothing is fetched from there", SAVE_IT
            )


def check_shapes(file: Path, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Raise UserError if a config (at ``file``) describes a larger or different model than the weights, before one is built."""
    described, in_weights = _described_parameters(config), count_parameters(dict(weights))
    if described > 2 * in_weights + 2_000_000:
        raise refusal(
            file,
            f"does not fit the weights: it describes a model of {described / 1e6:,.0f} million numbers, and they are {in_weights / 1e6:,.1f}",
            _USE_MATCHING_CONFIG,
        )
    expected = [_first(config, _VOCABULARY), _embedding_size(config)]
    for name, tensor in weights.items():
        if _WORD_EMBEDDINGS.search(name) and list(tensor.shape) != expected:
            raise refusal(
                file,
                f"does not fit the weights: it describes {expected[0]:,} tokens of {expected[1]:,} numbers, and they have {_format_shape(tensor.shape)}",
                _USE_MATCHING_CONFIG,
            )
    layers = {int(match[1]) for name in weights if (match := _LAYER.search(name))}
    if layers and config["model_type"] != "albert" and max(layers) + 1 != _first(config, _LAYERS):
        raise refusal(
            file,
            f"does not fit the weights: it describes {_first(config, _LAYERS):,} layers, and they have {max(layers) + 1:,}",
            _USE_MATCHING_CONFIG,
        )


def vocabulary_of(config: Mapping[str, Any]) -> int:
    """The size of the model's vocabulary."""
    return _first(config, _VOCABULARY)


_USE_MATCHING_CONFIG = "Use the config.json that was saved with the weights"


def _refuse_names(file: Path, config: Mapping[str, Any]) -> None:
    """Refuse odd names of settings: transformers makes each an attribute of an object."""
    for name in config:
        if not re.fullmatch(r"_?[A-Za-z][A-Za-z0-9_]{0,99}", name):
            raise refusal(file, f"has a setting with an invalid name ({printable(name)})")


def _refuse_sizes(file: Path, config: Mapping[str, Any]) -> None:
    for names, maximum in _MAX_DIMENSIONS.items():
        values = [(name, config[name]) for name in names if name in config]
        if not values and names in (_HIDDEN, _LAYERS, _VOCABULARY):
            raise refusal(file, f"does not say how large the model is ({names[0]})")
        for name, value in values:
            if type(value) is not int or not 1 <= value <= maximum:
                raise refusal(file, f"has an impossible size ({name} {printable(value)}; at most {maximum:,})")
    for name, maximum in _MAX_OF_OTHER_SETTINGS.items():
        if config.get(name) is not None and not (type(config[name]) is int and 0 <= config[name] <= maximum):
            raise refusal(file, f"has an impossible size ({name} {printable(config[name])}; at most {maximum:,})")
    for name in ("id2label", "label2id"):
        labels = config.get(name)
        if labels is not None and (not isinstance(labels, dict) or len(labels) > _MAX_LABELS):
            raise refusal(file, f"does not name the classes, or too many ({name})")
    for name, number in _sizes(config):
        if number > (_MAX_DIMENSIONS[_VOCABULARY] if name.endswith(("vocab_size", "_id")) else _MAX_OF_ANY_SETTING):
            raise refusal(file, f"has an impossible size ({printable(name)} {printable(number)})")


def _refuse_pooling(file: Path, config: Mapping[str, Any]) -> None:
    """Refuse a last layer that pools where none can be: it would be removed before a training."""
    pools = config.get(POOLS_IN_LAST_LAYER)
    if pools not in (None, False) and not (
        pools is True and config["model_type"] in _MAY_POOL_IN_LAST_LAYER and _first(config, _LAYERS) > 1
    ):
        raise refusal(file, f"says that its last layer pools, which it cannot ({POOLS_IN_LAST_LAYER} {printable(pools)})")


def _described_parameters(config: Mapping[str, Any]) -> int:
    """The number of parameters of a model of this config, at least half of it: no more memory may be allocated than the weights need.

    A layer has four square matrices of attention and two of the feed-forward part; any other large setting may be a table of the hidden size.
    """
    hidden = _first(config, _HIDDEN)
    inner = next((config[name] for name in _INNER if name in config), 4 * hidden)
    layers = _first(config, _LAYERS)
    if config["model_type"] == "albert":
        layers = (config.get("num_hidden_groups") or 1) * (config.get("inner_group_num") or 1)
    known = {*_HIDDEN, *_INNER, *_LAYERS, *_VOCABULARY}
    tables = sum(number for name, number in _sizes(config) if number > _SMALL and name not in known and not name.endswith("_id"))
    tables += len(config.get("id2label") or ())
    return _first(config, _VOCABULARY) * _embedding_size(config) + layers * (4 * hidden * hidden + 2 * hidden * inner) + tables * hidden


def _embedding_size(config: Mapping[str, Any]) -> int:
    """The size of the vector of a token before the first layer."""
    return config.get("embedding_size") or config.get("input_embedding_size") or _first(config, _HIDDEN)


def _sizes(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Each integer of the settings, except the class ids."""
    for name, value in config.items():
        if name in ("id2label", "label2id", "task_specific_params"):
            continue
        for number in value if isinstance(value, list) else [value]:
            if type(number) is int:
                yield name, abs(number)


def _all_settings(settings: Any) -> Iterator[tuple[str, Any]]:
    """All named values at any depth, except the class names."""
    remaining = [settings]
    while remaining:
        value = remaining.pop()
        if isinstance(value, dict):
            for name, inner in value.items():
                if name not in ("id2label", "label2id"):
                    yield name, inner
                    remaining.append(inner)
        elif isinstance(value, list):
            remaining += [inner for inner in value if isinstance(inner, (dict, list))]


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next(config[name] for name in names if name in config)


def _format_shape(shape: tuple[int, ...]) -> str:
    return " by ".join(f"{size:,}" for size in shape) or "none"
