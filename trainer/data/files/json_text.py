"""Parses JSON text, and what is nearly JSON: Python's printed objects, comments, a trailing comma, an assignment of JavaScript, documents in a row.

Evaluates nothing: Python's objects are read as literals.
"""

import ast
import json
import re
from typing import Any

_ERRORS = (ValueError, RecursionError)
_MAX_PYTHON_CHARS = 3_000_000  # a syntax tree takes a hundred times the memory of its text
_FENCED = re.compile(r"```(?:json\w*)?[ \t]*\n(?=\s*[\[{])")
_CELLS = re.compile(r'[;\t|]|,\S|^\s*"', re.MULTILINE)  # of a table, in what stands before the code block
_CALL = re.compile(r"\s*[A-Za-z_$][\w$.]*\((?=\s*[\[{])")
_ASSIGNMENT = re.compile(r"(?:\s*//[^\n]*\n)*\s*(?:(?:var|let|const)\s+|export\s+default\s*)?(?:[A-Za-z_$][\w$.\[\]'\"]*\s*=\s*)?(?=[\[{])")
# A text that never ends reaches to the end, so that no part of it is looked at again.
_STRING = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_STRING}|,(?=\s*[\]}}])", re.DOTALL)


class Number(str):
    """A number as written."""

    __slots__ = ()


class JsonError(Exception):
    """The text is not JSON; the message says where, as the end of a sentence, or is empty."""


def parse_json(text: str) -> Any:
    """The value of a text; None if it is not JSON."""
    try:
        return _load(text)
    except _ERRORS:
        return None


def parse_python(text: str) -> Any:
    """The value of a literal as Python prints it, with lists for tuples and sets; None if it is none."""
    if len(text) > _MAX_PYTHON_CHARS:
        return None
    try:
        return _plain(ast.literal_eval(text.strip()))
    except (*_ERRORS, SyntaxError, TypeError, MemoryError):
        return None


def parse_document(text: str) -> Any:
    """The value of a whole text. Raises JsonError."""
    try:
        return _load(text)
    except RecursionError as error:
        raise JsonError("") from error
    except ValueError as error:
        if "Extra data" in str(error) and (documents := _documents(text)):
            return documents
        plain = _COMMENT.sub(lambda match: match[0] if match[0][0] == '"' else "", text) if "//" in text or "/*" in text else text
        plain = _TRAILING_COMMA.sub(lambda match: match[0] if match[0] != "," else "", plain)
        value = parse_json(plain) if len(plain) < len(text) else None
        if value is None:
            value = parse_python(text)
        if value is None:
            where = f" (line {error.lineno:,}, character {error.colno:,})" if isinstance(error, json.JSONDecodeError) else ""
            raise JsonError(where) from error
        return value


def without_assignment(text: str) -> str:
    """The object or list in a code block of a chat, or that JavaScript assigns (``window.tweets = [...];``) or gives to a function; any other text unchanged, with as many lines."""
    block = _code_block(text)
    if block is not None:
        return block
    if (match := _CALL.match(text[:300])) and text[-20:].rstrip(" \n;").endswith(")"):
        return text[match.end() :].rstrip(" \n;").removesuffix(")")
    match = _ASSIGNMENT.match(text[:1_000])
    if match is None or not match[0].strip():
        return text
    return "\n" * match[0].count("\n") + text[match.end() :].rstrip().removesuffix(";")


def _code_block(text: str) -> str | None:
    """The content of a code block after a sentence; None if there is none, or if it stands in a cell of a table."""
    match = _FENCED.search(text[:2_000])
    end = text.rfind("```") if match else -1
    if match is None or end < match.end():
        return None
    content = text[match.end() : end]
    in_prose = not _CELLS.search(text, 0, match.start())
    # A sentence such as "all 1,000 rows, as asked" may look like cells too.
    return content if in_prose or (2 * len(content) > len(text) and parse_json(content) is not None) else None


def _load(text: str) -> Any:
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_no_number)


def _no_number(_: str) -> None:
    """NaN and Infinity stand for a missing value where Python writes them."""


def _documents(text: str) -> list[Any]:
    """Objects, or lists, one after another; [] if they are anything else."""
    decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_number)
    documents, position = [], 0
    try:
        while (start := _skip_blanks(text, position)) < len(text):
            document, position = decoder.raw_decode(text, start)
            documents.append(document)
    except _ERRORS:
        return []
    return (
        documents
        if all(isinstance(document, dict) for document in documents) or all(isinstance(document, list) for document in documents)
        else []
    )


def _skip_blanks(text: str, position: int) -> int:
    match = re.compile(r"[\s,]*").match(text, position)
    return match.end() if match else position


def _plain(value: Any) -> Any:
    """A Python value with JSON's types; numbers as written."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Number(value)
    return value if value is None or isinstance(value, str | bool) else str(value)
