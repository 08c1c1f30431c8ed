"""Scripts and languages; the sentences are our own."""

import pytest

from tests.cpu_time import cpu_time
from trainer.data.checks.language import LANGUAGE_NAMES, guess_language, scripts

SENTENCES = {
    "en": ["I am so pleased with my new job.", "The train was late again this morning.", "We are afraid of losing our home."],
    "de": ["Heute bin ich so glücklich wie schon lange nicht mehr.", "Der Zug kam wieder eine Stunde zu spät an."],
    "fr": ["Je suis très contente de mon nouveau travail.", "Le train est encore en retard ce matin."],
    "es": ["Estoy muy contento con mi nuevo trabajo.", "El tren llegó tarde otra vez esta mañana."],
    "it": ["Sono molto felice del mio nuovo lavoro.", "Il treno è arrivato di nuovo in ritardo."],
    "pt": ["Estou muito feliz com o meu novo trabalho.", "O comboio chegou outra vez atrasado hoje de manhã."],
    "nl": ["Ik ben erg blij met mijn nieuwe baan.", "De trein kwam vanochtend weer te laat."],
    "pl": ["Bardzo się cieszę z nowej pracy.", "Pociąg znowu spóźnił się dziś rano."],
    "tr": ["Yeni işimden çok memnunum.", "Tren bu sabah yine geç geldi.", "Evimizi kaybetmekten korkuyoruz."],
    "ru": ["Я очень рада своей новой работе.", "Поезд сегодня утром снова опоздал."],
    "uk": ["Я дуже рада своїй новій роботі.", "Потяг сьогодні вранці знову запізнився."],
    "el": ["Είμαι πολύ χαρούμενη με τη νέα μου δουλειά.", "Το τρένο άργησε πάλι σήμερα το πρωί."],
    "ar": ["أنا سعيد جدا بعملي الجديد.", "تأخر القطار مرة أخرى هذا الصباح.", "نخاف أن نفقد بيتنا."],
    "he": ["אני שמחה מאוד בעבודה החדשה שלי.", "הרכבת איחרה שוב הבוקר."],
    "hi": ["मैं अपनी नई नौकरी से बहुत खुश हूँ।", "आज सुबह ट्रेन फिर देर से आई।"],
    "bn": ["আমি আমার নতুন চাকরি নিয়ে খুব খুশি।", "আজ সকালে ট্রেন আবার দেরিতে এসেছে।"],
    "ta": ["எனது புதிய வேலையில் நான் மிகவும் மகிழ்ச்சியாக இருக்கிறேன்."],
    "th": ["ฉันมีความสุขมากกับงานใหม่ของฉัน", "รถไฟมาสายอีกแล้วเมื่อเช้านี้"],
    "zh": ["我对新工作非常满意。", "今天早上火车又晚点了。", "我们害怕失去我们的家。"],
    "ja": ["新しい仕事にとても満足しています。", "今朝も電車が遅れました。"],
    "ko": ["새 직장에 아주 만족합니다.", "오늘 아침에 기차가 또 늦었어요."],
    "am": ["በአዲሱ ሥራዬ በጣም ደስተኛ ነኝ።", "ዛሬ ጠዋት ባቡሩ እንደገና ዘግይቷል።"],
    "sw": ["Ninafurahi sana na kazi yangu mpya.", "Treni ilichelewa tena leo asubuhi."],
    "vi": ["Tôi rất hài lòng với công việc mới của mình.", "Sáng nay tàu lại đến muộn."],
}
SCRIPTS = dict(
    pair.split(":")
    for pair in "ru:Cyrillic uk:Cyrillic el:Greek ar:Arabic he:Hebrew hi:Devanagari bn:Bengali ta:Tamil th:Thai zh:Han ja:Japanese "
    "ko:Hangul am:Ethiopic".split()
)


@pytest.mark.parametrize("code", SENTENCES)
def test_language_and_script(code):
    assert guess_language(SENTENCES[code]) == (code, 1.0)
    ratios = scripts(SENTENCES[code])
    assert next(iter(ratios)) == SCRIPTS.get(code, "Latin")
    assert sum(ratios.values()) == pytest.approx(1)
    assert code in LANGUAGE_NAMES


def test_names():
    assert (LANGUAGE_NAMES["de"], LANGUAGE_NAMES["zh"]) == ("German", "Chinese")
    assert all(len(code) == 2 and name for code, name in LANGUAGE_NAMES.items())


@pytest.mark.parametrize(
    "texts",
    [[], [""], ["ok"], ["ok", "no", "lol"], ["12345 :)"] * 50, ["http://example.com/a"] * 50, ["SKU-1234-AB", "SKU-99-XZ"] * 20],
    ids=["none", "empty", "short", "a few short", "no letters", "links", "codes"],
)
def test_too_little_to_say(texts):
    assert guess_language(texts) is None


def test_the_ratio_of_a_mixed_file():
    code, ratio = guess_language((SENTENCES["hi"] * 3 + SENTENCES["en"][:2]) * 30)
    assert code == "hi"
    assert ratio == pytest.approx(0.75, abs=0.03)
    ratios = scripts(["привет abcdef"])
    assert ratios == {"Cyrillic": 0.5, "Latin": 0.5}


def test_japanese_and_rare_scripts():
    assert scripts(["カタカナ ひらがな"]) == {"Japanese": 1.0}
    assert scripts(["ᚠᚢᚦ"]) == {"other": 1.0}
    assert scripts(["123 😀 !"]) == {}


def test_a_sample_is_enough():
    texts = SENTENCES["fr"] * 250_000 + ["x" * 1_000_000]
    guess_language(SENTENCES["fr"])  # loads the model
    with cpu_time() as spent:
        assert guess_language(texts)[0] == "fr"
        assert scripts(texts) == {"Latin": 1.0}
    assert spent.seconds < 1
