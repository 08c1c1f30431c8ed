"""Small pieces of HTML. A person's words become HTML through ``text`` only, and so are always escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from trainer.text_format import percent, pluralize


def text(words_of_somebody: str, *, most: int = 200) -> str:
    """Escaped, and cut where it is longer than anybody reads."""
    cut = words_of_somebody if len(words_of_somebody) <= most else words_of_somebody[: most - 1] + "…"
    return escape(cut, quote=True)


def isolated(words_of_somebody: str, *, most: int = 200) -> str:
    """Somebody's words within a sentence of ours: whichever way they are written, the sentence around them keeps its order."""
    return f'<bdi dir="auto">{text(words_of_somebody, most=most)}</bdi>'


def dot(colour: str) -> str:
    """The mark of a class before its name."""
    return f'<i class="em-dot" style="background:{text(colour)}" aria-hidden="true"></i>'


def notice(message: str, kind: Literal["ok", "warning", "error", "info"] = "info") -> str:
    """One sentence that a person should read; nothing for no message."""
    if not message:
        return ""
    sign = {"ok": "✓", "warning": "!", "error": "✕", "info": "i"}[kind]
    # Only what went wrong is read out at once; the rest is replaced each second while a run trains.
    role = ' role="alert"' if kind == "error" else ""
    return f'<div class="em-notice em-{kind}"{role}><span class="em-sign" aria-hidden="true">{sign}</span><span dir="auto">{text(message, most=1200)}</span></div>'


def empty(title: str, what: str) -> str:
    """What will stand here, and how to make it happen."""
    return f'<div class="em-empty"><strong dir="auto">{text(title)}</strong><span dir="auto">{text(what, most=400)}</span></div>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Named values in one wrapping line."""
    items = "".join(
        f'<div><dt dir="auto">{text(name)}</dt><dd dir="auto">{text(value, most=300)}</dd></div>' for name, value in pairs if value
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
    """A table; ``numbers`` are the columns that hold numbers, ``worst`` the row to point out. Of a pair the second is written small."""

    def content(cell: str | tuple[str, str]) -> str:
        return text(cell) if isinstance(cell, str) else f"{text(cell[0])}<small>{text(cell[1])}</small>"

    def cells(row: Sequence[str | tuple[str, str]], tag: str) -> str:
        return "".join(f"<{tag} {'class=em-number' if i in numbers else 'dir=auto'}>{content(cell)}</{tag}>" for i, cell in enumerate(row))

    body = "".join(f"<tr{' class=em-worst' if i == worst else ''}>{cells(row, 'td')}</tr>" for i, row in enumerate(rows))
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table"><caption class="em-hidden">{text(caption)}</caption>'
        f"<thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def probabilities(names: Sequence[str], shares: Sequence[float], colours: Sequence[str], *, most: int = 12, most_on_phone: int = 6) -> str:
    """Bars, the likeliest class first; beyond ``most`` classes, or ``most_on_phone`` on a narrow screen, the rest is one line."""
    order = sorted(range(len(names)), key=lambda i: -shares[i])
    bars = "".join(
        f'<li{" class=em-wide" if place >= most_on_phone else ""}><span class="em-name" dir="auto">{dot(colours[i])}{text(names[i], most=60)}</span>'
        f'<span class="em-track"><span class="em-fill" style="width:{100 * shares[i]:.2f}%;background:{text(colours[i])}"></span></span>'
        f'<span class="em-share">{percent(float(shares[i]))}</span></li>'
        for place, i in enumerate(order[:most])
    )
    rests = ((most_on_phone, "em-narrow"), (most, "em-wide"))
    tails = "".join(_rest([float(shares[i]) for i in order[shown:]], kind) for shown, kind in rests)
    return f'<ol class="em-bars" aria-label="Probability of each class">{bars}</ol>{tails}'


def class_bar(name: str, colour: str, share: float, end: str, *, title: str = "") -> str:
    """One class as a bar of ``share`` (0..1) of the width with ``end`` behind it; ``name`` and ``end`` are HTML, ``title`` is the whole name."""
    whole = f' title="{text(title)}"' if title else ""
    return (
        f'<li><i class="em-dot" style="background:{text(colour)}"></i><span class="em-bar-name"{whole}>{name}</span>'
        f'<span class="em-bar"><span style="width:{100 * share:.1f}%;background:{text(colour)}"></span></span>'
        f'<span class="em-bar-end">{end}</span></li>'
    )


def _rest(shares: Sequence[float], kind: str) -> str:
    """One line for classes without a bar; nothing where there are none."""
    if not shares:
        return ""
    together = percent(min(sum(shares), 1.0))
    return f'<p class="em-rest {kind}">{pluralize(len(shares), "other class", "other classes")}: {together} together</p>'
