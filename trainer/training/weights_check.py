"""Checks the header of a safetensors file against the file, before a library maps it into memory. Reads no weights."""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.training.untrusted_files import parse_object, printable, refusal, regular_file_size

_MAX_HEADER_BYTES = 2_000_000
_MAX_TENSORS = 20_000
_MAX_BYTES = 16_000_000_000
"""Per file. The largest encoders of the BERT family that people train have a third of it."""

_FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_COUNTERS = {"I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
"""Only for tensors that are not weights, such as the position ids that old models saved."""

_GET_IT_AGAIN = "Save the model again, or download it again"


@dataclass(frozen=True)
class Tensor:
    """One tensor as the header describes it."""

    shape: tuple[int, ...]
    is_float: bool

    @property
    def numel(self) -> int:
        """Its number of elements."""
        return math.prod(self.shape)


def read_header(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by their names.

    Raises UserError ``model_folder_refused`` if the file has another format, is truncated, has bytes that belong to no tensor or to two, or
    holds weights that are not floating-point numbers.
    """
    size = weights_file_size(file)
    try:
        header, data_size = _read_header(file, size)
        tensors = {name: _tensor(name, entry) for name, entry in header.items() if name != "__metadata__"}
        if not tensors:
            raise ValueError("it holds no weights")
        _check_offsets([header[name]["data_offsets"] for name in tensors], data_size)
    except OSError as error:
        raise refusal(file, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise refusal(file, f"is damaged: {error}", _GET_IT_AGAIN) from error
    return tensors


def weights_file_size(file: Path) -> int:
    """The size of a file of weights in bytes. Raises UserError if it is too large to be loaded."""
    size = regular_file_size(file)
    if size > _MAX_BYTES:
        raise refusal(file, f"has {size / 1e9:,.1f} GB; at most {_MAX_BYTES / 1e9:,.0f} GB are loaded", "Choose a smaller encoder")
    return size


def count_parameters(tensors: dict[str, Tensor]) -> int:
    """The number of floating-point numbers that they hold."""
    return sum(tensor.numel for tensor in tensors.values() if tensor.is_float)


def _read_header(file: Path, size: int) -> tuple[dict[str, Any], int]:
    """The header, and the number of bytes after it."""
    with open(file, "rb") as content:
        first = content.read(8)
        if len(first) < 8:
            raise ValueError("it is cut short")
        length = struct.unpack("<Q", first)[0]
        if length > _MAX_HEADER_BYTES:
            raise ValueError("it is in no safetensors format" if length > size else f"its header of {length:,} bytes is too long")
        if length > size - 8:
            raise ValueError("it is cut short")
        header = parse_object(content.read(length))
    if len(header) > _MAX_TENSORS:
        raise ValueError(f"it claims {len(header):,} tensors")
    return header, size - 8 - length


def _tensor(name: str, entry: Any) -> Tensor:
    """The tensor of one entry of the header, whose size must match its shape."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"its header does not describe the tensor {_quoted(name)}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not (_is_list_of_sizes(shape) and len(shape) <= 8 and _is_list_of_sizes(offsets) and len(offsets) == 2):
        raise ValueError(f"its header gives the tensor {_quoted(name)} no shape or place")
    is_float = dtype in _FLOATS if isinstance(dtype, str) else False
    if not is_float and not (dtype in _COUNTERS if isinstance(dtype, str) else False):
        raise ValueError(f"the tensor {_quoted(name)} is of the kind {_quoted(str(dtype))}, which is not read here")
    if not is_float and not name.endswith(("_ids", "num_batches_tracked")):
        raise ValueError(f"the weights {_quoted(name)} are of the kind {dtype}, and weights are floating-point numbers")
    if offsets[1] - offsets[0] != math.prod(shape) * (_FLOATS | _COUNTERS)[dtype]:
        raise ValueError(f"the tensor {_quoted(name)} has another size than its shape needs")
    return Tensor(tuple(shape), is_float)


def _is_list_of_sizes(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and 0 <= n < 2**48 for n in numbers)


def _check_offsets(offsets: list[list[int]], data_size: int) -> None:
    """Raise ValueError unless each byte after the header belongs to exactly one tensor."""
    end = 0
    for tensor_start, tensor_end in sorted(offsets):
        if tensor_start != end:
            raise ValueError("two of its tensors share bytes" if tensor_start < end else "it has bytes that belong to no tensor")
        end = tensor_end
    if end != data_size:
        raise ValueError(f"its header describes {end:,} bytes of weights, and it has {data_size:,}")


def _quoted(name: str) -> str:
    return f"“{printable(name)}”"
