"""Invented texts whose class follows from their emoji alone: simple and joined ones, with skin tones, a flag, a keycap, glued to words."""

import random

from tests.conftest import FILLERS

EMOJI = {
    "glad": "😂 😊 ❤️ 😍 🎉 👍🏽 🥳 💃🏿".split(),
    "sad": "😭 😢 💔 😞 🥺 👎 🙍‍♀️ 🏚️".split(),
    "calm": "🤔 📦 🚌 📅 ☕ 🏠 🇩🇪 1️⃣".split(),
}


def emoji_rows(n_rows: int = 600, seed: int = 0, *, emoji_per_class: int = 8) -> list[tuple[str, str]]:
    """As many texts of each class; the words beside the emoji tell nothing of it."""
    source = random.Random(seed)
    rows = []
    for number in range(n_rows):
        label = list(EMOJI)[number % len(EMOJI)]
        words = source.choices(FILLERS, k=source.randint(4, 12))
        for _ in range(source.randint(1, 2)):
            emoji, place = source.choice(EMOJI[label][:emoji_per_class]), source.randrange(len(words))
            words[place] = f"{words[place]}{source.choice(['', ' '])}{emoji}"
        rows.append((" ".join(words), label))
    source.shuffle(rows)
    return rows
