"""What a safetensors file says that it holds, against what it is: its header is read and proved before a library maps the file.

Reads no weight, so it cannot tell whether they are any good.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.training.untrusted_files import parse_object, printable, refusal, regular_file_size

_MOST_HEADER_BYTES = 2_000_000
_MOST_TENSORS = 20_000
_MOST_BYTES = 16_000_000_000
"""Of one file. The largest of the BERT family that people train have a third of it."""

_FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_COUNTERS = {"I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
"""Only for what is no weight, such as the positions that old models saved."""

_GET_IT_ANEW = "Save the model anew, or fetch it again"


@dataclass(frozen=True)
class Tensor:
    """One tensor as the header describes it."""

    shape: tuple[int, ...]
    is_float: bool

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def read_header(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by their names.

    Raises UserError ``model_folder_refused`` where the file is none, is cut, has bytes that no tensor owns or that two do, or holds
    weights that are no floating-point numbers.
    """
    size = weights_file_size(file)
    try:
        header, left = _header(file, size)
        tensors = {name: _tensor(name, facts) for name, facts in header.items() if name != "__metadata__"}
        if not tensors:
            raise ValueError("it holds no weights")
        _prove_places([header[name]["data_offsets"] for name in tensors], left)
    except OSError as error:
        raise refusal(file, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise refusal(file, f"is damaged: {error}", _GET_IT_ANEW) from error
    return tensors


def weights_file_size(file: Path) -> int:
    """The bytes of a file of weights. Raises UserError where they are more than are loaded."""
    size = regular_file_size(file)
    if size > _MOST_BYTES:
        raise refusal(file, f"has {size / 1e9:,.1f} GB; at most {_MOST_BYTES / 1e9:,.0f} GB are loaded", "Choose a smaller encoder")
    return size


def count_floats(tensors: dict[str, Tensor]) -> int:
    """How many floating-point numbers they hold."""
    return sum(tensor.count for tensor in tensors.values() if tensor.is_float)


def _header(file: Path, size: int) -> tuple[dict[str, Any], int]:
    """The header, and how many bytes follow it."""
    with open(file, "rb") as content:
        first = content.read(8)
        if len(first) < 8:
            raise ValueError("it is cut short")
        length = struct.unpack("<Q", first)[0]
        if length > _MOST_HEADER_BYTES:
            raise ValueError("it is in no safetensors format" if length > size else f"its header of {length:,} bytes is too long")
        if length > size - 8:
            raise ValueError("it is cut short")
        header = parse_object(content.read(length))
    if len(header) > _MOST_TENSORS:
        raise ValueError(f"it claims {len(header):,} tensors")
    return header, size - 8 - length


def _tensor(name: str, facts: Any) -> Tensor:
    """Of one entry of the header, whose bytes are as many as its shape needs."""
    if not isinstance(facts, dict) or facts.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"its header does not describe the tensor {_short(name)}")
    dtype, shape, place = facts["dtype"], facts["shape"], facts["data_offsets"]
    if not (_whole(shape) and len(shape) <= 8 and _whole(place) and len(place) == 2):
        raise ValueError(f"its header gives the tensor {_short(name)} no shape or place")
    is_float = dtype in _FLOATS if isinstance(dtype, str) else False
    if not is_float and not (dtype in _COUNTERS if isinstance(dtype, str) else False):
        raise ValueError(f"the tensor {_short(name)} is of the kind {_short(str(dtype))}, which is not read here")
    if not is_float and not name.endswith(("_ids", "num_batches_tracked")):
        raise ValueError(f"the weights {_short(name)} are of the kind {dtype}, and weights are floating-point numbers")
    if place[1] - place[0] != math.prod(shape) * (_FLOATS | _COUNTERS)[dtype]:
        raise ValueError(f"the tensor {_short(name)} has another size than its shape needs")
    return Tensor(tuple(shape), is_float)


def _whole(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and 0 <= n < 2**48 for n in numbers)


def _prove_places(places: list[list[int]], left: int) -> None:
    """Each byte after the header belongs to one tensor."""
    end = 0
    for begin, after in sorted(places):
        if begin != end:
            raise ValueError("two of its tensors share bytes" if begin < end else "it has bytes that belong to no tensor")
        end = after
    if end != left:
        raise ValueError(f"its header describes {end:,} bytes of weights, and it has {left:,}")


def _short(name: str) -> str:
    return f"“{printable(name)}”"
