"""Small pieces of HTML. Text from users becomes HTML only through ``text``, and so is always escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal


def text(value: str, *, max_length: int = 200) -> str:
    """Escaped, and shortened to ``max_length`` characters."""
    shortened = value if len(value) <= max_length else value[: max_length - 1] + "…"
    return escape(shortened, quote=True)


def isolated(value: str, *, max_length: int = 200) -> str:
    """A user's text inside one of our sentences: a right-to-left text leaves the order of the sentence as it is."""
    return f'<bdi dir="auto">{text(value, max_length=max_length)}</bdi>'


def dot(colour: str) -> str:
    """The mark of a class before its name."""
    return f'<i class="em-dot" style="background:{text(colour)}" aria-hidden="true"></i>'


def notice(message: str, severity: Literal["ok", "warning", "error", "info"] = "info") -> str:
    """One sentence for the user to read; an empty string for no message."""
    if not message:
        return ""
    icon = {"ok": "✓", "warning": "!", "error": "✕", "info": "i"}[severity]
    # A screen reader announces only errors at once; other notices are replaced each second while a run trains.
    role = ' role="alert"' if severity == "error" else ""
    return f'<div class="em-notice em-{severity}"{role}><span class="em-sign" aria-hidden="true">{icon}</span><span dir="auto">{text(message, max_length=1200)}</span></div>'


def empty_state(title: str, description: str) -> str:
    """What will be here, and how to get it."""
    return (
        f'<div class="em-empty"><strong dir="auto">{text(title)}</strong><span dir="auto">{text(description, max_length=400)}</span></div>'
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names with their values, in a definition list."""
    items = "".join(
        f'<div><dt dir="auto">{text(name)}</dt><dd dir="auto">{text(value, max_length=300)}</dd></div>' for name, value in pairs if value
    )
    return f'<dl class="em-facts">{items}</dl>'


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str | tuple[str, str]]],
    *,
    numbers: Sequence[int] = (),
    worst: int | None = None,
    caption: str,
) -> str:
    """A table; ``numbers`` are the columns that hold numbers, ``worst`` the highlighted row. The second part of a pair is written small."""

    def content(cell: str | tuple[str, str]) -> str:
        return text(cell) if isinstance(cell, str) else f"{text(cell[0])}<small>{text(cell[1])}</small>"

    def cells(row: Sequence[str | tuple[str, str]], tag: str) -> str:
        # A heading without text would be a heading of nothing to a screen reader.
        tags = ["td" if cell == "" else tag for cell in row]
        return "".join(
            f"<{tags[i]} {'class=em-number' if i in numbers else 'dir=auto'}>{content(cell)}</{tags[i]}>" for i, cell in enumerate(row)
        )

    body = "".join(f"<tr{' class=em-worst' if i == worst else ''}>{cells(row, 'td')}</tr>" for i, row in enumerate(rows))
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table"><caption class="em-hidden">{text(caption)}</caption>'
        f"<thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def class_bar(name: str, colour: str, fraction: float, label: str, *, title: str = "") -> str:
    """One class as a bar of ``fraction`` (0..1) of the width with ``label`` after it; ``name`` and ``label`` are HTML, ``title`` is the full name."""
    attribute = f' title="{text(title)}"' if title else ""
    return (
        f'<li><i class="em-dot" style="background:{text(colour)}"></i><span class="em-bar-name"{attribute}>{name}</span>'
        f'<span class="em-bar"><span style="width:{100 * fraction:.1f}%;background:{text(colour)}"></span></span>'
        f'<span class="em-bar-end">{label}</span></li>'
    )
