"""The model that tells languages apart, py3langid's, limited to some of them: unpacked once, and kept so in the user's cache folder.

Unpacking it takes longer than all else about a small file. Classifies nothing itself.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_dir

from trainer.atomic import make_folder, open_atomic

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_NAME = "languages.arrow"
_DIGEST_BYTES = hashlib.sha256().digest_size


def load_language_model(codes: Iterable[str], folder: Path | None = None) -> "LanguageIdentifier":
    """The packaged model, limited to the languages ``codes``; its probabilities add up to 1.

    ``folder``: where it is kept unpacked (12 MB). A file there counts only if it was made from the same package for the same languages, and is
    whole; otherwise the model is unpacked again. Without a folder that can be written, that happens each time.
    """
    from py3langid.langid import MODEL_DIR, MODEL_FILE

    packed, languages = MODEL_DIR / MODEL_FILE, sorted(codes)
    origin = hashlib.sha256(packed.read_bytes() + " ".join(languages).encode()).digest()
    path = (Path(user_cache_dir("emotune", appauthor=False)) if folder is None else folder) / _NAME
    content = memoryview(b"")
    with suppress(OSError):
        content = memoryview(path.read_bytes())
    if content[:_DIGEST_BYTES] == _digest(origin, content[_DIGEST_BYTES:]):
        return _unserialize(content[_DIGEST_BYTES:])
    model = _unpack(packed, languages)
    with suppress(OSError):
        make_folder(path.parent)
        with open_atomic(path) as file:
            unpacked = _serialize(model)
            file.write(_digest(origin, unpacked))
            file.write(unpacked)
    return model


def _digest(origin: bytes, unpacked: memoryview) -> bytes:
    digest = hashlib.sha256(origin)
    digest.update(unpacked)
    return digest.digest()


def _unpack(packed: Path, languages: list[str]) -> "LanguageIdentifier":
    from py3langid.langid import LanguageIdentifier

    model = LanguageIdentifier.from_model_file(packed, norm_probs=True)
    model.set_languages(languages)
    return model


def _serialize(model: "LanguageIdentifier") -> memoryview:
    """The arrays of a model as an Arrow stream of one row, each a list; compressed, as reading 10 MB and checking them takes less than 60.

    Arrow's own conversions from and to numpy import pandas, which takes as long as unpacking the model.
    """
    import pyarrow as pa

    arrays = (
        np.asarray(model.nb_pc, np.float32),
        np.ascontiguousarray(model.nb_ptc, np.float16).ravel(),  # feature by feature, of which a text has a few
        np.asarray(model.tk_nextmove, np.uint32),
        np.asarray(model.tk_row, np.uint16),
        np.asarray(model.tk_output, np.int32),
    )
    columns = []
    for array in arrays:
        values = pa.Array.from_buffers(pa.from_numpy_dtype(array.dtype), len(array), [None, pa.py_buffer(array)])
        ends = pa.py_buffer(np.array([0, len(array)], np.int32))
        columns.append(pa.ListArray.from_buffers(pa.list_(values.type), 1, [None, ends], children=[values]))
    batch = pa.record_batch(columns, ["class_weights", "weights", "next_states", "rows", "outputs"])
    batch, sink = batch.replace_schema_metadata({"classes": " ".join(model.nb_classes)}), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)) as writer:
        writer.write_batch(batch)
    return memoryview(sink.getvalue())


def _unserialize(unpacked: memoryview) -> "LanguageIdentifier":
    import pyarrow as pa
    from py3langid.langid import LanguageIdentifier

    with pa.ipc.open_stream(pa.py_buffer(unpacked), options=pa.ipc.IpcReadOptions(use_threads=False)) as stream:
        batch = stream.read_next_batch()
    class_weights, weights, next_states, rows, outputs = (
        np.frombuffer(column.values.buffers()[1], column.type.value_type.to_pandas_dtype(), len(column.values)) for column in batch.columns
    )
    return LanguageIdentifier(
        weights.reshape(-1, len(class_weights)),
        class_weights,
        batch.schema.metadata[b"classes"].decode().split(),
        memoryview(next_states),  # its items are Python's numbers, and no copies
        outputs.tolist(),
        norm_probs=True,
        tk_row=rows.tolist(),
    )
