"""Which column is the text and which the label, judged by content first and by name second, with the reason in words.

Changes no cell; a guess that is not clear says so (``sure``), and a person can always name the columns instead.
"""

import math
from collections import Counter
from dataclasses import dataclass

from trainer.data.dialect import is_numeric
from trainer.data.reading import Table
from trainer.errors import UserError

_SAMPLE_ROWS = 20_000
_SAMPLE_CELLS = 400_000

# Words of column names, several languages. What a column holds counts more; a name settles what the content leaves open.
_TEXT_WORDS = frozenset(
    "text texts tweet tweets message messages msg sms comment comments review reviews utterance sentence content body description post "
    "question query document statement feedback answer response transcript lyrics article passage situation "
    "texte phrase commentaire avis contenu contenus satz kommentar nachricht beitrag inhalt aussage antwort bewertungstext "
    "texto frase comentario comentarios mensaje reseña contenido testo commento messaggio recensione contenuto mensagem comentário "
    "tekst zin bericht opinie treść opinia komentarz wiadomość metin yorum mesaj текст сообщение комментарий отзыв "
    "文本 内容 评论 句子 正文 テキスト 文章 文 本文 コメント 텍스트 문장 내용 리뷰 نص تعليق".split()
)
_WEAK_TEXT_WORDS = frozenset("title headline subject summary headlines titel betreff titre sujet título titolo 标题 タイトル 제목".split())
_LABEL_WORDS = {
    **dict.fromkeys(
        "label labels class classes category categories target intent emotion emotions tag gold étiquette étiquettes classe catégorie "
        "émotion klasse kategorie etikett gefühl emotie etiqueta clase categoría emoción etichetta categoria emozione rótulo emoção "
        "klasa kategoria etykieta emocja sınıf etiket kategori duygu метка класс категория эмоция "
        "标签 类别 分类 情绪 情感 ラベル カテゴリ 感情 分類 라벨 감정 카테고리 분류 تصنيف فئة".split(),
        3.0,
    ),
    **dict.fromkeys(
        "sentiment polarity topic topics stance mood feeling stimmung thema sujet tema polarité sentimiento sentimento".split(), 2.5
    ),
    **dict.fromkeys("type genre kind spam toxic y rating stars score grade note bewertung bereich département".split(), 1.0),
}
# These words say what a column is even where a label word stands beside them ("label_id" is still a label, "tweet_id" is not a text).
_OTHER_WORDS = frozenset(
    "id ids uid uuid guid key index idx no nr num number row rownum count counts length len size punct words chars date datetime time "
    "timestamp year month day hour start end season episode author user username speaker name surname firstname lastname person sex gender "
    "age city country state region location religion language lang source url link email mail phone split fold partition lat lon "
    "latitude longitude ip zip price amount weight confidence retweets likes favorites company "
    "datum jahr monat alter geschlecht stadt land sprache anzahl länge zeit autor auteur âge ville pays langue fecha año edad sexo ciudad "
    "país idioma дата автор имя возраст пол город".split()
)
_SPLIT_WORDS = frozenset("split splits set subset fold partition".split())


@dataclass(frozen=True)
class Columns:
    """Positions of the text and the label column, each with the reason in words; ``sure`` is False where a person should look."""

    text: int
    label: int
    text_reason: str
    label_reason: str
    sure: bool


@dataclass(frozen=True)
class _Profile:
    """What one column holds, from a sample of rows. Shares are of the filled cells, ``words`` and ``chars`` are means."""

    position: int
    filled: float
    count: int
    words: float
    chars: float
    distinct: int
    numeric: float
    fractions: float
    name_words: tuple[str, ...]


def guess_columns(table: Table, *, text: int | None = None, label: int | None = None) -> Columns:
    """The text and the label column; one that is given is kept.

    Raises UserError ``one_column``, ``no_rows``, ``no_text_column``, ``no_label_column`` or ``same_column``.
    """
    if len(table.columns) < 2:
        raise UserError(
            f"I found only one column: {_listed(table.columns)}. Training needs a column of texts and a column of labels, "
            "separated by a comma, a semicolon, a tab or a vertical bar. Add the missing column, or check how the file was exported.",
            code="one_column",
        )
    if not table.rows:
        raise UserError(
            f"The file has columns ({_listed(table.columns)}) but no rows that can be used. Choose a file with one row per text.",
            code="no_rows",
        )
    if text is not None and label is not None:
        if text == label:
            raise UserError(
                f"The column {_quoted(table, text)} cannot be both the text and the label. Choose two columns.", code="same_column"
            )
        return Columns(text, label, "chosen by you", "chosen by you", sure=True)
    profiles = _profiles(table)
    text_reason, text_sure = "chosen by you", True
    if text is None:
        text, text_reason, text_sure = _guess_text(table, [p for p in profiles if p.position != label])
    label_reason, label_sure = "chosen by you", True
    if label is None:
        label, label_reason, label_sure = _guess_label(table, profiles, text)
    return Columns(text, label, text_reason, label_reason, text_sure and label_sure)


def find_column(table: Table, name_or_position: str, what: str) -> int:
    """The position of the column that a person named: its exact name, its name but for case and blanks, or its position from 0.

    ``what`` is "text" or "label", for the sentence. Raises UserError ``unknown_column``.
    """
    wanted = str(name_or_position)
    if wanted in table.columns:
        return table.columns.index(wanted)
    loose = ["".join(name.casefold().split()) for name in table.columns]
    bare = "".join(wanted.casefold().split())
    if bare in loose:
        return loose.index(bare)
    if bare.isascii() and bare.isdigit() and len(bare) < 9 and int(bare) < len(table.columns):
        return int(bare)
    raise UserError(
        f"There is no {what} column “{wanted[:60]}”. Columns: {_listed(table.columns)}. "
        f"Give one of these names, or a position from 0 to {len(table.columns) - 1}.",
        code="unknown_column",
    )


def guess_split_column(table: Table) -> int | None:
    """The column that says which rows are for training, validation and test, by its name and by its values; None without one."""
    from trainer.data.corpus import SPLIT_NAMES

    for position, name in enumerate(table.columns):
        if _SPLIT_WORDS.intersection(_name_words(name)):
            values = {cells[position].strip().casefold() for cells in table.rows}
            if values <= SPLIT_NAMES.keys() and "train" in {SPLIT_NAMES[value] for value in values} and len(values) > 1:
                return position
    return None


# --- the text ---------------------------------------------------------------------------------------------------------


def _guess_text(table: Table, profiles: list[_Profile]) -> tuple[int, str, bool]:
    # Of two columns one is the text, so short ones are believed too.
    least = 1.3 if len(table.columns) == 2 else 3.0
    ranked = sorted(((score, p) for p in profiles if (score := _text_score(p, least)) > 0), key=lambda pair: (-pair[0], pair[1].position))
    if not ranked:
        raise UserError(
            f"I could not find a text column. Columns: {_listed(table.columns)}. "
            "A text column holds sentences, mostly different from row to row; pick it by hand, or choose another file.",
            code="no_text_column",
        )
    score, best = ranked[0]
    rival = ranked[1] if len(ranked) > 1 else None
    named = _text_hint(best)
    sure = rival is None or rival[0] <= 0.75 * score or named > _text_hint(rival[1])
    about = f"about {best.words:,.0f} words in each" if best.words >= 1.5 else f"about {best.chars:,.0f} characters in each"
    reason = f"{'longest texts' if len(profiles) > 2 else 'texts'}, mostly different from row to row ({about})"
    if best.distinct < 0.5 * best.count:
        reason = f"longest texts ({about})"
    if rival and not sure:
        reason += f"; {_quoted(table, rival[1].position)} could be it too"
    return best.position, reason, sure


def _text_score(p: _Profile, least_words: float) -> float:
    """How much a column looks like texts; 0 rules it out. Length counts by its logarithm, values that repeat count less."""
    hint = _text_hint(p)
    if not p.count or p.filled < 0.2 or p.numeric > 0.5 or hint < 0:
        return 0.0
    different = p.distinct / p.count
    if p.words < (1.3 if hint >= 1 else least_words) or (different < 0.1 and p.count >= 50):
        return 0.0
    return math.log2(1 + p.words) * (0.3 + 0.7 * different) * (0.5 + 0.5 * p.filled) + hint


def _text_hint(p: _Profile) -> float:
    words = p.name_words
    if _OTHER_WORDS.intersection(words):
        return -1.0 if p.words < (2.0 if _TEXT_WORDS.intersection(words) else 4.0) else 0.0
    return 1.5 if _TEXT_WORDS.intersection(words) else 0.3 if _WEAK_TEXT_WORDS.intersection(words) else 0.0


# --- the label --------------------------------------------------------------------------------------------------------


def _guess_label(table: Table, profiles: list[_Profile], text: int) -> tuple[int, str, bool]:
    candidates = [p for p in profiles if p.position != text]
    scores = {p.position: score for p in candidates if (score := _label_score(p)) is not None}
    twins: dict[int, int] = {}  # id column -> name column of the same label
    for p in candidates:
        for q in candidates:
            if p.position in scores and q.position in scores and _are_twins(table, p, q):
                scores[q.position] = max(scores[p.position], scores[q.position]) + 0.5
                twins[p.position] = q.position
    ranked = sorted(
        (p for p in candidates if p.position in scores and p.position not in twins), key=lambda p: (-scores[p.position], p.position)
    )
    if not ranked or scores[ranked[0].position] <= 0:
        raise UserError(
            f"I could not find a label column. Columns: {_listed(table.columns)}. "
            "A label column has a few repeated values; pick it by hand, or add one.",
            code="no_label_column",
        )
    best = ranked[0]
    rivals = [p for p in ranked[1:] if scores[p.position] > max(0.0, scores[best.position] - 1.0)]
    times = len(table.rows) * best.filled / best.distinct
    reason = f"{best.distinct:,} different values, each about {times:,.0f} times on average"
    ids = [position for position, name in twins.items() if name == best.position]
    if ids:
        reason += f"; {_quoted(table, ids[0])} says the same in numbers"
    if rivals:
        reason += f"; {_quoted(table, rivals[0].position)} could be it too"
    return best.position, reason, not rivals


def _label_score(p: _Profile) -> float | None:
    """How much a column looks like labels; None rules it out, 0 and less is too little to go by."""
    if not p.count or p.filled < 0.3 or p.fractions > 0.2 or p.chars > 80:
        return None
    hint = score = _label_hint(p)
    repeats = p.count / p.distinct
    if p.distinct < 2 or repeats < 1.5 or (p.distinct > 30 and repeats < 3) or p.distinct > 1_000:
        if hint < 2.5:
            return None
        # Its name says label: whoever looks at its values then can say more exactly what is wrong with them.
        score -= 2.0
    score += -0.5 * (p.distinct > 20) if p.numeric > 0.9 else 1.0
    score += 1.0 if p.distinct <= 30 else 0.5 if p.distinct <= 200 else 0.0
    score += 0.5 if repeats >= 10 else 0.0
    score -= 1.0 if p.words > 4 else 0.0
    return score - (1.0 if p.filled < 0.9 else 0.0)


def _label_hint(p: _Profile) -> float:
    known = [_LABEL_WORDS[word] for word in p.name_words if word in _LABEL_WORDS]
    if known:
        return max(known)
    return -3.5 if _OTHER_WORDS.intersection(p.name_words) else 0.0


def _are_twins(table: Table, p: _Profile, q: _Profile) -> bool:
    """Whether q names in words what p says in numbers: each value of one goes with one value of the other."""
    if p.numeric < 0.9 or q.numeric > 0.1 or p.distinct != q.distinct or p.distinct > 200:
        return False
    pairs = Counter((cells[p.position], cells[q.position]) for cells in table.rows[:_SAMPLE_ROWS])
    # A few slips of the pen do not make two labels of one.
    common = {a: b for (a, b), _ in reversed(pairs.most_common())}
    agreeing = sum(count for (a, b), count in pairs.items() if common[a] == b)
    return len(set(common.values())) == len(common) and agreeing >= 0.98 * pairs.total()


# --- profiles -----------------------------------------------------------------------------------------------------------


def _profiles(table: Table) -> list[_Profile]:
    most = max(200, min(_SAMPLE_ROWS, _SAMPLE_CELLS // len(table.columns)))
    rows = table.rows[:: -(-len(table.rows) // most)]
    return [
        _profile(position, name, [cells[position].strip() for cells in rows], table.header) for position, name in enumerate(table.columns)
    ]


def _profile(position: int, name: str, column: list[str], header: bool) -> _Profile:
    cells = [cell for cell in column if cell]
    count = len(cells)
    scale = 1 / max(1, count)
    numeric = [cell for cell in cells if is_numeric(cell)]
    return _Profile(
        position=position,
        filled=count / max(1, len(column)),
        count=count,
        words=scale * sum(map(_count_words, cells)),
        chars=scale * sum(map(len, cells)),
        distinct=len(set(cells)),
        numeric=scale * len(numeric),
        fractions=scale * sum(_is_fraction(cell) for cell in numeric),
        name_words=_name_words(name) if header else (),
    )


def _count_words(cell: str) -> float:
    """Words with a letter in them; two characters of a script without blanks (Chinese, Japanese, Thai) count as one."""
    words = sum(any(c.isalpha() for c in word[:20]) for word in cell.split())
    if cell.isascii():
        return words
    return max(words, sum("\u0e00" <= c <= "\u0eff" or "\u3040" <= c <= "\u30ff" or "\u3400" <= c <= "\u9fff" for c in cell[:2_000]) / 2)


def _is_fraction(cell: str) -> bool:
    """A number with decimals that are not all zero, or a date or time: no label."""
    _, dot, tail = cell.replace(",", ".").partition(".")
    return bool(dot and tail.strip("0 ")) or ":" in cell or "/" in cell or "-" in cell[1:]


def _name_words(name: str) -> tuple[str, ...]:
    """The words of a column name, small: "StartTime", "start_time" and "Start time" all give ("start", "time")."""
    spaced = "".join(f" {c}" if c.isupper() and before.islower() else c for before, c in zip(f" {name}", name, strict=False))
    return tuple("".join(c if c.isalnum() else " " for c in spaced[:200].casefold()).split())


def _quoted(table: Table, position: int) -> str:
    return f"“{table.columns[position][:40]}”" if table.header else f"column {table.columns[position]}"


def _listed(columns: tuple[str, ...]) -> str:
    shown = ", ".join(name if len(name) <= 40 else f"{name[:39]}…" for name in columns[:20])
    return shown if len(columns) <= 20 else f"{shown} and {len(columns) - 20:,} more"
