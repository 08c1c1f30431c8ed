"""Hostile model folders: copies of a valid classifier folder, each with one malicious or invalid part. ``model_folders.py`` opens them."""

import base64
import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

Corruption = Callable[[Path, Path], None]
"""Corrupts a copy of a valid classifier folder; code in the folder would write the marker file, the second argument."""

GIGABYTE = 2**30
DEPTH = 100_000


class Canary:
    """Writes the file ``marker`` when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return (Path.write_text, (self.marker, "unpickled"))


def corruptions() -> dict[str, Corruption]:
    """Every corruption by its name."""
    return {**_programs(), **_invalid_configs(), **_pickles(), **_links(), **_weights(), **_sizes(), **_tokenizers()}


def _programs() -> dict[str, Corruption]:
    auto = {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil", "AutoModelForSequenceClassification": "evil.Evil"}
    return {
        "auto_map in the config": _combined(_module, _config(auto_map=auto)),
        "auto_map in the config without its program": _config(auto_map=auto),
        "auto_map in the config that names a repository": _config(auto_map={"AutoModel": "somebody/evil--evil.Evil"}),
        "auto_map deep within the config": _config(task_specific_params={"a": {"auto_map": auto}}),
        "auto_map in the tokenizer": _combined(_module, _tokenizer_config(auto_map={"AutoTokenizer": ["evil.Evil", "evil.Evil"]})),
        "a tokenizer with trust_remote_code": _tokenizer_config(trust_remote_code=True),
        "a custom tokenizer class": _combined(_module, _tokenizer_config(tokenizer_class="EvilTokenizer")),
        "a custom tokenizer class in the config": _config(tokenizer_class="EvilTokenizer"),
        "a tokenizer class that is not a string": _tokenizer_config(tokenizer_class=["os.system"]),
        "an attention implementation from a repository": _config(_attn_implementation="somebody/evil-attention"),
        "an internal attention setting": _config(_attn_implementation_internal="flash_attention_2"),
        "an attention implementation per submodel": _config(attn_implementation={"": "somebody/evil-attention"}),
        "an experts implementation from a repository": _config(_experts_implementation="somebody/evil"),
        "a URL as the name": _config(_name_or_path="http://127.0.0.1:9/evil"),
        "a URL as the tokenizer's name": _tokenizer_config(name_or_path="file:///etc/passwd"),
        "a network share as the name": _config(_name_or_path="\\\\evil\\share"),
        "weights with another file name": _config(transformers_weights="../../evil.safetensors"),
        "quantized weights": _config(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
        "an adapter of another model": lambda folder, _: _write(
            folder / "adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "http://127.0.0.1:9/evil"}
        ),
        "an extra Python module": _module,
        "a program whose name is no text": lambda folder, _: (folder / "evil\x1b[31m\n.py").touch(),
        "an extra shared library": lambda folder, _: (folder / "evil.so").write_bytes(b"\x7fELF"),
        "other tokenizer files": _tokenizer_config(fast_tokenizer_files=["tokenizer.9.0.json"]),
    }


def _invalid_configs() -> dict[str, Corruption]:
    def write(content: bytes) -> Corruption:
        return lambda folder, _: (folder / "config.json").write_bytes(content) and None

    deep = b'{"model_type": "bert", "x": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    return {
        "a model of another type": _config(model_type="llama"),
        "a model with a pretrained backbone": _config(model_type="timm_backbone", backbone="evil", use_pretrained_backbone=True),
        "an encoder-decoder model": _config(model_type="encoder-decoder"),
        "a model without a type": _config(model_type=None),
        "a config that is a list": write(b"[]"),
        "a config that is not JSON": write(b"model_type: bert"),
        "an empty config": write(b""),
        "a deeply nested config": write(deep),
        "a moderately nested config": write(deep.replace(b"[" * DEPTH, b"[" * 500).replace(b"]" * DEPTH, b"]" * 500)),
        "a config with a duplicate key": write(b'{"model_type": "bert", "model_type": "evil"}'),
        "a config with NaN": _config(layer_norm_eps=float("nan")),
        "a config of 50 MB": lambda folder, marker: _config(padding="x" * 50_000_000)(folder, marker),
        "a config that is not UTF-8": write(b'{"model_type": "\xff\xfe"}'),
        "a setting that overwrites a method": _config(__class__="evil"),
        "outputs as tuples": _config(return_dict=False),
        "batches cut into pieces of seven": _config(chunk_size_feed_forward=7),
        "a dtype that is a function": _config(dtype="load"),
        "a last layer that pools, without layers below": _config(pools_in_last_layer=True, num_hidden_layers=1),
        "a last layer that pools in another model": _config(pools_in_last_layer=True, model_type="distilbert"),
        "a last layer that pools, as a text": _config(pools_in_last_layer="yes"),
    }


def _pickles() -> dict[str, Corruption]:
    def add_pickle(name: str) -> Corruption:
        return lambda folder, marker: (folder / name).write_bytes(pickle.dumps(Canary(marker))) and None

    def only_pickle(folder: Path, marker: Path) -> None:
        (folder / "model.safetensors").unlink()
        add_pickle("pytorch_model.bin")(folder, marker)

    def sharded(folder: Path, marker: Path) -> None:
        only_pickle(folder, marker)
        _write(folder / "pytorch_model.bin.index.json", {"metadata": {}, "weight_map": {"a": "../pytorch_model.bin"}})

    return {
        "a pickle instead of weights": only_pickle,
        "sharded pickles": sharded,
        **{
            f"{name} beside the weights": add_pickle(name)
            for name in ("pytorch_model.bin", "training_args.bin", "rng_state.pth", "optimizer.pt")
        },
        **{f"{name} beside the weights": add_pickle(name) for name in ("vocab.pkl", "tf_model.h5", "PYTORCH_MODEL.BIN")},
        "a pickle named like the weights": add_pickle("model.safetensors"),
        "weight shards outside the folder": _combined(
            lambda folder, _: (folder / "model.safetensors").unlink(),
            lambda folder, _: _write(
                folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": {"a": "../../evil.safetensors"}}
            ),
        ),
    }


def _links() -> dict[str, Corruption]:
    def link(name: str, target: str) -> Corruption:
        def corrupt(folder: Path, _: Path) -> None:
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(target)

        return corrupt

    def pipe(folder: Path, _: Path) -> None:
        os.mkfifo(folder / "vocab.txt")

    def no_file(folder: Path, _: Path) -> None:
        (folder / "config.json").unlink()
        (folder / "config.json").mkdir()

    return {
        "weights that link out of the folder": link("model.safetensors", "/etc/passwd"),
        "a config that links out of the folder": link("config.json", "/etc/passwd"),
        "a tokenizer that links out of the folder": link("tokenizer.json", "/proc/self/environ"),
        "a vocabulary that links to a device": link("vocab.txt", "/dev/zero"),
        "a link to itself": link("tokenizer.json", "tokenizer.json"),
        "a subfolder that links out of the folder": link("encoder", "/etc"),
        "a subfolder of chat templates": lambda folder, _: (folder / "additional_chat_templates").mkdir(),
        "a pipe": pipe,
        "a config that is a folder": no_file,
    }


def _weights() -> dict[str, Corruption]:
    def header_length(length: int) -> Corruption:
        def corrupt(folder: Path, _: Path) -> None:
            content = (folder / "model.safetensors").read_bytes()
            (folder / "model.safetensors").write_bytes(struct.pack("<Q", length) + content[8:])

        return corrupt

    def cut(size: int) -> Corruption:
        return lambda folder, _: os.truncate(folder / "model.safetensors", size)

    def first_weight(value: float) -> Corruption:
        def corrupt(folder: Path, _: Path) -> None:
            header, data = _parts(folder)
            begin, _end = header[_largest(header)]["data_offsets"]
            _join(folder, header, data[:begin] + struct.pack("<f", value) + data[begin + 4 :])

        return corrupt

    return {
        "a header longer than the file": header_length(10_000_000),
        "a header of gigabytes": header_length(8 * GIGABYTE),
        "a header length of 2^63": header_length(2**63),
        "no header": header_length(0),
        "an empty file of weights": cut(0),
        "weights cut within the header": cut(100),
        "weights cut in the middle": cut(20_000),
        "extra bytes after the weights": _header(lambda header, data: data + b"x" * 1000),
        "overlapping tensors": _tensor(data_offsets=[0, None]),
        "a tensor that ends before it begins": _tensor(data_offsets=[100, 0]),
        "a tensor beyond the file": _tensor(data_offsets=[10**12, None]),
        "offsets that are not numbers": _tensor(data_offsets=["0", "1"]),
        "a negative shape": _tensor(shape=[-1, -1]),
        "a fractional shape": _tensor(shape=[1.5]),
        "a shape that overflows": _tensor(shape=[2**40, 2**40]),
        "a shape larger than its bytes": _tensor(shape=[1000, 1000]),
        "integer weights": _tensor(dtype="I32"),
        "weights of an unknown dtype": _tensor(dtype="EVIL"),
        "complex weights": _tensor(dtype="C64"),
        "a dtype that is a list": _tensor(dtype=["F32"]),
        "a tensor without offsets": _header(lambda header, data: header[_largest(header)].pop("data_offsets") and None),
        "a header of 200,000 tensors": _header(_many),
        "a deeply nested header": lambda folder, _: _raw(folder, b'{"a": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"),
        "a header with a duplicate tensor": lambda folder, _: _raw(folder, b'{"a": 1, "a": 2}'),
        "a header that is a list": lambda folder, _: _raw(folder, b"[]      "),
        "20 GB of zeros": lambda folder, _: os.truncate(folder / "model.safetensors", 20 * GIGABYTE),
        "weights with NaN": first_weight(float("nan")),
        "weights with infinity": first_weight(float("inf")),
        "a tensor of another shape": _largest_tensor_narrower,
        "no weights at all": lambda folder, _: _raw(folder, b"{}"),
    }


def _sizes() -> dict[str, Corruption]:
    huge: dict[str, Any] = {
        "vocab_size": 10**12, "hidden_size": 10**6, "num_hidden_layers": 10**9, "max_position_embeddings": 10**9, "type_vocab_size": 10**9,
        "num_labels": 10**9, "intermediate_size": 10**7, "num_attention_heads": 10**9, "some_other_table": 10**10,
    }  # fmt: skip
    invalid: dict[str, Any] = {
        "vocab_size": -1,
        "hidden_size": "32",
        "num_hidden_layers": 2.0,
        "intermediate_size": True,
        "hidden_act": "evil",
    }
    return {
        **{f"{name} {value:,}": _config(**{name: value}) for name, value in huge.items()},
        **{f"{name} that is {value!r}": _config(**{name: value}) for name, value in invalid.items()},
        "200 layers that are not in the weights": _config(num_hidden_layers=200),
        "a vocabulary larger than the weights": _config(vocab_size=1_900_000),
        "layers wider than the weights": _config(hidden_size=16_384, intermediate_size=131_072, num_attention_heads=1),
        "embedding tables larger than the weights": _config(type_vocab_size=90_000, max_position_embeddings=1_000_000),
        "many tables that are not in the weights": _config(**{f"table_{i}": 1_000_000 for i in range(500)}),
        "one layer fewer than the weights have": _config(num_hidden_layers=1),
        "a hidden size other than the weights'": _config(hidden_size=64),
        "100,000 classes": _config(id2label={str(i): f"c{i}" for i in range(100_000)}),
        "100,000 ids of classes": _config(label2id={f"c{i}": i for i in range(100_000)}),
        "a config without sizes": lambda folder, _: _write(folder / "config.json", {"model_type": "bert"}),
    }


def _tokenizers() -> dict[str, Corruption]:
    bomb = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}
    longer = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 16}
    charsmap = base64.b64encode(struct.pack("<I", 8) + bytes(8) + b"x" * 100_000 + b"\0").decode()
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}] * 100_000,
        "pair": [],
        "special_tokens": {},
    }
    split = {"type": "Split", "behavior": "Isolated", "invert": False}
    added = [{"id": 5, "content": f"word {i}", "special": False} for i in range(200_000)]
    return {
        "a catastrophic regex": _tokenizer(normalizer=bomb),
        "a catastrophic regex to split at": _tokenizer(pre_tokenizer={**split, "pattern": {"Regex": "(.*)*x"}}),
        "a regex in a list beside an empty one": _tokenizer(
            pre_tokenizer={"type": "Sequence", "normalizers": [], "pretokenizers": [{**split, "pattern": {"Regex": "(.*)*x"}}]}
        ),
        "a character map that makes the library panic": _tokenizer(
            normalizer={
                "type": "Precompiled",
                "precompiled_charsmap": base64.b64encode(struct.pack("<I", 8) + bytes(8) + b"\xf7\0" * 9).decode(),
            }
        ),
        "no token for what is not known": _tokenizer(model={"type": "BPE", "vocab": {"a": 0}, "merges": []}),
        "a negative maximum length": _tokenizer_config(model_max_length=-5),
        "a maximum length that is a text": _tokenizer_config(model_max_length="evil"),
        "a special token of 1 MB": _tokenizer_config(pad_token="x" * 1_000_000),
        "100,000 tokens in the settings": _tokenizer_config(extra_special_tokens=[f"word {i}" for i in range(100_000)]),
        "100,000 special tokens": lambda folder, _: _write(
            folder / "special_tokens_map.json", {"additional_special_tokens": [f"word {i}" for i in range(100_000)]}
        ),
        "more tokens in the settings than the model has": _tokenizer_config(extra_special_tokens=[f"word {i}" for i in range(1_000)]),
        "100,000 tokens in a file of their own": lambda folder, _: _write(
            folder / "added_tokens.json", {f"word {i}": i for i in range(100_000)}
        ),
        "a regex within a sequence": _tokenizer(normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, bomb]}),
        "a normalizer that lengthens texts": _tokenizer(normalizer=longer),
        "normalizers that lengthen texts exponentially": _tokenizer(normalizer={"type": "Sequence", "normalizers": [longer] * 16}),
        "a character map that lengthens texts": _tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": charsmap}),
        "an invalid character map": _tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAAA="}),
        "a prefix of 1 MB": _tokenizer(normalizer={"type": "Prepend", "prepend": "x" * 1_000_000}),
        "16 byte-level steps": _tokenizer(normalizer={"type": "Sequence", "normalizers": [byte_level] * 16}),
        "an unknown step": _tokenizer(normalizer={"type": "Evil"}),
        "50,000 steps": _tokenizer(normalizer={"type": "Sequence", "normalizers": [{"type": "NFKD"}] * 50_000}),
        "deeply nested steps": _tokenizer(normalizer=_nested(90)),
        "unlimited word length": _tokenizer_model(max_input_chars_per_word=10**9),
        "a template of 100,000 tokens": _tokenizer(post_processor=template),
        "a padding of 10^9 tokens": _tokenizer(
            padding={
                "strategy": {"Fixed": 10**9},
                "direction": "Right",
                "pad_to_multiple_of": None,
                "pad_id": 0,
                "pad_type_id": 0,
                "pad_token": "[PAD]",
            }
        ),
        "a truncation after 10^9 tokens": _tokenizer(
            truncation={"direction": "Right", "max_length": 10**9, "strategy": "LongestFirst", "stride": 0}
        ),
        "more tokens than the model has": _tokenizer_model(vocab={"[UNK]": 0, "happy": 1_000}),
        "a negative token id": _tokenizer_model(vocab={"[UNK]": -1}),
        "a token id that overflows": _tokenizer_model(vocab={"[UNK]": 10**30}),
        "200,000 added tokens": _tokenizer(added_tokens=added),
        "a token of 1 MB": _tokenizer_model(vocab={"[UNK]": 0, "x" * 1_000_000: 1}),
        "2,100,000 merges": lambda folder, marker: _tokenizer_model(
            type="BPE", unk_token="[UNK]", merges=["a b"] * 2_100_000, vocab={"[UNK]": 0}
        )(folder, marker),
        "39 MB of empty objects": _tokenizer_bytes(lambda: b'{"a": [' + b"{}," * 13_000_000 + b"{}]}"),
        "39 MB of numbers": _tokenizer_bytes(lambda: b'{"a": [' + b"0," * 19_500_000 + b"0]}"),
        "39 MB of one text": _tokenizer_bytes(lambda: b'{"a": "' + b"x" * 39_000_000 + b'"}'),
        "a vocabulary that is a number": _tokenizer_model(vocab=7),
        "a tokenizer of 70 MB": lambda folder, _: os.truncate(folder / "tokenizer.json", 70_000_000),
        "a vocabulary of 70 MB": lambda folder, _: _sparse(folder / "vocab.txt", 70_000_000),
        "a chat template of 20 GB": lambda folder, _: _sparse(folder / "chat_template.jinja", 20 * GIGABYTE),
        "a vocabulary of a kind that is not checked otherwise, of 20 GB": lambda folder, _: _sparse(folder / "spm.model", 20 * GIGABYTE),
        "a vocabulary of millions of lines": lambda folder, _: (folder / "vocab.txt").write_bytes(b"a\n" * 10_000_000 + b"b") and None,
        "merges of millions of lines": lambda folder, _: (folder / "merges.txt").write_bytes(b"a b\n" * 5_000_000) and None,
        "a vocabulary with more tokens than the model": lambda folder, _: (
            (folder / "vocab.txt").write_text("\n".join(map(str, range(100_000)))) and None
        ),
        "a vocabulary with an id that overflows": lambda folder, _: _write(folder / "vocab.json", {"a": 10**12}),
        "a vocabulary with more ids than the model": lambda folder, _: _write(folder / "vocab.json", {"a": 100_000}),
        "a vocabulary without ids": lambda folder, _: _write(folder / "vocab.json", {"a": [1]}),
        "a deeply nested tokenizer": lambda folder, _: (folder / "tokenizer.json").write_bytes(b'{"a":' * DEPTH) and None,
        "a tokenizer that is not JSON": lambda folder, _: (folder / "tokenizer.json").write_bytes(b"evil") and None,
        "a deeply nested tokenizer config": lambda folder, _: (folder / "tokenizer_config.json").write_bytes(b'{"a":' * DEPTH) and None,
        "no tokenizer": lambda folder, _: [(folder / name).unlink() for name in ("tokenizer.json", "tokenizer_config.json")] and None,
    }


def _combined(*corruptions: Corruption) -> Corruption:
    def corrupt(folder: Path, marker: Path) -> None:
        for corruption in corruptions:
            corruption(folder, marker)

    return corrupt


def _module(folder: Path, marker: Path) -> None:
    """A Python module that writes the marker when it is imported."""
    (folder / "evil.py").write_text(f"import pathlib\npathlib.Path({str(marker)!r}).write_text('imported')\nclass Evil: pass\n")


def _config(**change: Any) -> Corruption:
    return lambda folder, _: _write(folder / "config.json", {**_read(folder / "config.json"), **change})


def _tokenizer_config(**change: Any) -> Corruption:
    return lambda folder, _: _write(folder / "tokenizer_config.json", {**_read(folder / "tokenizer_config.json"), **change})


def _tokenizer(**change: Any) -> Corruption:
    return lambda folder, _: _write(folder / "tokenizer.json", {**_read(folder / "tokenizer.json"), **change})


def _tokenizer_model(**change: Any) -> Corruption:
    def corrupt(folder: Path, _: Path) -> None:
        tokenizer = _read(folder / "tokenizer.json")
        _write(folder / "tokenizer.json", {**tokenizer, "model": {**tokenizer["model"], **change}})

    return corrupt


def _tokenizer_bytes(content: Callable[[], bytes]) -> Corruption:
    return lambda folder, _: (folder / "tokenizer.json").write_bytes(content()) and None


def _nested(levels: int) -> dict[str, Any]:
    step: dict[str, Any] = {"type": "NFC"}
    for _ in range(levels // 2):
        step = {"type": "Sequence", "normalizers": [step]}
    return step


def _header(change: Callable[[dict, bytes], bytes | None]) -> Corruption:
    def corrupt(folder: Path, _: Path) -> None:
        header, data = _parts(folder)
        changed = change(header, data)
        _join(folder, header, changed if isinstance(changed, bytes) else data)

    return corrupt


def _tensor(**change: Any) -> Corruption:
    """Change the header of the largest tensor; in ``data_offsets`` None means the matching end."""

    def corrupt(header: dict, data: bytes) -> None:
        tensor = header[_largest(header)]
        offsets = tensor["data_offsets"]
        if None in change.get("data_offsets", ()):
            begin = change["data_offsets"][0]
            tensor["data_offsets"] = [begin, begin + offsets[1] - offsets[0]]
        else:
            tensor.update(change)

    return _header(corrupt)


def _largest_tensor_narrower(folder: Path, marker: Path) -> None:
    def corrupt(header: dict, data: bytes) -> None:
        tensor = header[_largest(header)]
        rows, columns = tensor["shape"]
        tensor["shape"] = [rows * 2, columns // 2]

    _header(corrupt)(folder, marker)


def _many(header: dict, data: bytes) -> None:
    end = len(data)
    header.update({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [end, end]} for i in range(200_000)})


def _largest(header: dict) -> str:
    names = [name for name, tensor in header.items() if name != "__metadata__" and len(tensor["shape"]) == 2]
    return max(names, key=lambda name: header[name]["data_offsets"][1] - header[name]["data_offsets"][0])


def _parts(folder: Path) -> tuple[dict, bytes]:
    content = (folder / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _join(folder: Path, header: dict, data: bytes) -> None:
    _raw(folder, json.dumps(header).encode(), data)


def _raw(folder: Path, header: bytes, data: bytes = b"") -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)


def _sparse(file: Path, size: int) -> None:
    file.touch()
    os.truncate(file, size)


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def _write(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value), encoding="utf-8")


def make_hostile_folder(valid: Path, folder: Path, corrupt: Corruption, marker: Path) -> Path:
    """Copy a valid folder and corrupt the copy."""
    shutil.copytree(valid, folder)
    corrupt(folder, marker)
    return folder
