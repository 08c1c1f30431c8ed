"""Added tokens: signs of the training rows that an encoder cannot read, such as emoji, become tokens of its own.

Chooses them, adds them to a tokenizer, and starts their embeddings. Which characters are signs is decided in data/signs.py.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trainer.data.signs import SKIN_TONES, count_signs, parts_of, takes_a_skin_tone, words_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MIN_TEXTS = 3
"""Training texts that must hold a sign: what one or two say of it is mostly chance."""
_SELECTORS = ("\ufe0f", "\ufe0e")
"""Variation selectors: they ask for a sign to be drawn in colour, or not. Tokenizers that fold accents drop them."""
MAX_TOKENS = 1_000
"""The most frequent signs become tokens; Unicode has about 3,800 emoji."""


def unknown_token_id(tokenizer: "Tokenizer") -> int | None:
    """The id of what a tokenizer does not know; None if it reads everything, for example byte by byte."""
    model = json.loads(tokenizer.to_str())["model"]
    # WordPiece names its unknown token, SentencePiece's models give its id.
    name = model.get("unk_token")
    return tokenizer.token_to_id(name) if name else model.get("unk_id")


def find_unknown(tokenizer: "Tokenizer", signs: Sequence[str], unknown: int | None) -> list[str]:
    """Those of some signs or characters that become the token ``unknown``, alone or right behind a letter."""
    if unknown is None or not signs:
        return []
    knows_letters = unknown not in tokenizer.encode("a", add_special_tokens=False).ids
    lost = {
        position
        for before in ("", *("a" if knows_letters else ()))
        for position, encoding in enumerate(tokenizer.encode_batch_fast([before + sign for sign in signs], add_special_tokens=False))
        if unknown in encoding.ids
    }
    return [signs[position] for position in sorted(lost)]


def choose_added_tokens(tokenizer: "Tokenizer", texts: Iterable[str], *, unknown_id: int | None) -> tuple[str, ...]:
    """The signs that at least ``MIN_TEXTS`` of the texts hold and this tokenizer does not know, the most frequent first; ``MAX_TOKENS`` at most.

    A sign is what the tokenizer's normalizer makes of it, without a variation selector at its end. A rarer sign counts for each of its parts
    instead, so that a joined emoji is read as those that it joins, and one with a rare skin tone as the plain one. Skin tones and variation
    selectors become tokens of their own where the tokenizer would not know them. The same texts in any order give the same tokens.
    """
    if unknown_id is None:
        return ()
    counts = count_signs(texts)
    unknown = find_unknown(tokenizer, sorted(counts), unknown_id)
    whole: Counter[str] = Counter()
    for sign in unknown:
        whole[_normalize(tokenizer, sign)] += counts[sign]
    totals = Counter({sign: texts for sign, texts in whole.items() if texts >= MIN_TEXTS})
    for sign in unknown:
        if whole[_normalize(tokenizer, sign)] < MIN_TEXTS:
            for part in find_unknown(tokenizer, sorted(set(parts_of(sign))), unknown_id):
                totals[_normalize(tokenizer, part)] += counts[sign]
    frequent = [sign for sign, texts in totals.items() if texts >= MIN_TEXTS and _is_stable(tokenizer, sign)]
    chosen = sorted(frequent, key=lambda sign: (-totals[sign], sign))[:MAX_TOKENS]
    # Otherwise a tone or a selector that no training text has would be unknown, together with a word behind it.
    followers = [*(SKIN_TONES if any(map(takes_a_skin_tone, chosen)) else ()), *(_SELECTORS if chosen else ())]
    chosen += [sign for sign in find_unknown(tokenizer, followers, unknown_id) if sign not in chosen]
    return tuple(chosen)


def _normalize(tokenizer: "Tokenizer", sign: str) -> str:
    normal = sign if tokenizer.normalizer is None else tokenizer.normalizer.normalize_str(sign)
    return normal.rstrip("".join(_SELECTORS))


def _is_stable(tokenizer: "Tokenizer", sign: str) -> bool:
    """Whether a normalized sign can be found in normalized texts: some normalizers add a blank to whatever they read, or spell a sign out."""
    return not (sign.isascii() or sign.split() != [sign]) and _normalize(tokenizer, sign) == sign


def add_tokens(tokenizer: "Tokenizer | PreTrainedTokenizerBase", tokens: Sequence[str]) -> None:
    """Add tokens that are found in normalized texts, wherever they stand; the tokenizer splits the words beside them as before."""
    from tokenizers import AddedToken

    if tokens:
        # A tokenizer that reads blanks would make one before such a token a piece of its own.
        lstrip = _reads_blanks(tokenizer)
        tokenizer.add_tokens([AddedToken(token, lstrip=lstrip, normalized=True) for token in tokens])


def _reads_blanks(tokenizer: Any) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    return '"Metaspace"' in json.dumps(json.loads(backend.to_str())["pre_tokenizer"])


def start_embeddings(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", tokens: Sequence[str]) -> None:
    """Add tokens to a model's tokenizer and give them embeddings: the mean of those of the words of their Unicode names, as it splits them.

    What is in its vocabulary already, and only lost inside a word, keeps its embedding. The matrix grows if it has no rows left for the
    new ones, and the config's ``vocab_size`` with it. Draws from torch's generator.
    """
    import torch

    known = tokenizer.get_vocab().keys()
    add_tokens(tokenizer, tokens)
    tokens = [token for token in tokens if token not in known]
    if not tokens:
        return
    ids = tokenizer.convert_tokens_to_ids(list(tokens))
    if max(ids) >= model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(max(ids) + 1, mean_resizing=False)
    embeddings = model.get_input_embeddings().weight
    with torch.no_grad():
        for token_id, token in zip(ids, tokens, strict=True):
            pieces = [
                piece for piece in tokenizer(words_of(token), add_special_tokens=False)["input_ids"] if piece != tokenizer.unk_token_id
            ]
            if pieces:
                embeddings[token_id] = embeddings[pieces].mean(0)
