"""What a column's name says about its content, in a few dozen languages.

Sees no cell; text_column.py and label_column.py weigh names against content.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

_TEXT_WORDS = frozenset(
    # English
    "text texts tweet tweets message messages msg sms comment comments review reviews utterance utterances sentence sentences content body "
    "contents description post posts question questions query document statement feedback reply answer response transcript lyrics article passage situation "
    "phrase premise hypothesis quote paragraph abstract news story email command plot synopsis dialogue prompt instruction essay complaint "
    "narrative excerpt claim request note notes verbatim remark chat resume input "
    # German, Dutch, Scandinavian
    "satz kommentar nachricht beitrag inhalt aussage antwort bewertungstext äußerung zin bericht opinie reactie "
    "mening kommentarer sætning innhold setning melding "
    # Romance
    "texte phrases commentaire avis contenu contenus énoncé texto frase frases comentario comentarios mensaje reseña contenido opinión "
    "testo commento messaggio recensione contenuto mensagem comentário comentários avaliação conteúdo textul comentariu recenzie "
    # Slavic, Baltic, Finno-Ugric, Greek
    "tekst treść opinia komentarz wiadomość wypowiedź zdanie komentář věta zpráva recenze komentár veta komentar rečenica "
    "текст тексты сообщение комментарий отзыв предложение коментар відгук повідомлення речення изречение "
    "teksti lause viesti kommentti arvostelu szöveg mondat vélemény κείμενο σχόλιο πρόταση κριτική tekstas sakinys teksts tekstai "
    # Turkish, Semitic, Iranian, Indic
    "metin yorum yorumlar mesaj cümle görüş mətn نص النص تعليق تغريدة جملة رسالة متن نظر دیدگاه کامنت جمله توییت جملہ تبصرہ ٹویٹ "
    "טקסט תגובה משפט ציוץ ביקורת पाठ वाक्य टिप्पणी समीक्षा ट्वीट संदेश মন্তব্য বাক্য লেখা পাঠ্য உரை கருத்து వాక్యం "
    # Asia and Africa
    "文本 内容 评论 評論 句子 正文 本文 微博 问题 問題 留言 テキスト 文章 文 発話 コメント 投稿 レビュー 텍스트 문장 내용 리뷰 댓글 발화 "
    "ข้อความ ความคิดเห็น ประโยค รีวิว văn nội_dung bình_luận câu ulasan komentar kalimat teks isi kicauan maandishi ujumbe ጽሑፍ rubutu".split()
)
_WEAK_TEXT_WORDS = frozenset(
    "title headline headlines subject summary titel betreff titre sujet título titolo tytuł заголовок "
    "标题 標題 タイトル 제목 عنوان başlık judul".split()
)
# A second text beside the text, such as its context or an explanation of it.
_SECONDARY_TEXT_WORDS = frozenset(
    "parent previous context reply answer response replied quoted selected explanation rationale reason evidence bot agent".split()
)

_LABEL_WORDS = {
    **dict.fromkeys(
        "label labels class classes category categories intent intents intention emotion emotions tag gold stance "
        "étiquette étiquettes label classe catégorie émotion klasse kategorie etikett gefühl emotie klass kategori känsla luokka tunne "
        "etiqueta clase categoría emoción etichetta categoria emozione rótulo emoção etichetă categorie emoție "
        "klasa kategoria etykieta emocja štítek třída kategória címke érzelem sınıf etiket kategori duygu durum duygular "
        "метка метки класс категория эмоция эмоции мітка клас категорія емоція етикет ετικέτα κατηγορία συναίσθημα κλάση "
        "标签 標籤 类别 類別 分类 分類 情绪 情緒 情感 类型 ラベル カテゴリ カテゴリー 感情 라벨 레이블 감정 카테고리 분류 의도 "
        "تصنيف التصنيف فئة الفئة برچسب احساس احساسات دسته جذبات תווית קטגוריה רגש लेबल वर्ग भावना श्रेणी লেবেল শ্রেণী আবেগ வகை உணர்வு "
        "ป้ายกำกับ อารมณ์ หมวดหมู่ nhãn cảm_xúc chủ_đề emosi kelas hisia".split(),
        3.0,
    ),
    **dict.fromkeys(
        "target sentiment sentiments sentimen polarity tonality stimmung polarité sentimiento sentimento wydźwięk тональность сентимент "
        "настроение polarita sentyment polarität tendenz المشاعر 情感倾向 感情極性 감성 극성".split(),
        2.75,
    ),
    **dict.fromkeys("topic topics mood feeling valence thema sujet tema тема 主题 主題 トピック 주제 konu topik".split(), 2.25),
    **dict.fromkeys(
        "hate hateful offensive offense abuse abusive toxic toxicity sarcasm sarcastic irony ironic spam ham fake clickbait bias veracity "
        "verdict misogyny aggression bullying humor humour subtask task outcome".split(),
        1.5,
    ),
    **dict.fromkeys(
        "type genre kind y rating ratings stars star score grade note bewertung puan bereich département domain priority severity "
        "urgency level queue department recommended recommend".split(),
        1.0,
    ),
    # What annotation tools call it (Prodigy, spaCy, Label Studio).
    **dict.fromkeys("accept cats choice choices".split(), 2.25),
    # As often the status of a record or of an answer sheet.
    **dict.fromkeys("status progress".split(), 0.25),
}
_RATING_WORDS = frozenset(
    "rating ratings stars star score note bewertung puan sterne notation nota ocena рейтинг оценка 评分 星级 評価 평점 별점".split()
)

# How many, when, how certain: never a label, even next to a label word ("sentiment_confidence").
_MEASURE_WORDS = frozenset(
    "confidence probability prob agreement count counts length len size words chars punct date datetime time timestamp created "
    "updated url link links href lat lon latitude longitude retweets retweet likes favorites favorite favourites upvotes downvotes ups downs "
    "votes avg mean std sd helpful helpfulness thumbs num price amount weight version start end duration year month day hour "
    "datum jahr monat anzahl länge zeit fecha tarih data_hora дата время 日時 日付 时间 時間 日期 长度 点赞 날짜 길이 시간 تاريخ".split()
)
# Who, where, which one: a label only if a label word is next to it ("label_id").
_IDENTITY_WORDS = frozenset(
    "id ids uid uuid guid key index idx no nr number row rownum rowid season episode author user username userid users speaker name "
    "surname firstname lastname screen_name person annotator annotators annotation rater worker coder sex gender age city country state "
    "region location place religion language lang locale source website site publisher journal email mail phone split splits set subset "
    "usage fold folds kfold partition ip zip company brand artist album singer song dataset corpus platform channel reviewer timezone coord birth "
    "alter geschlecht stadt land sprache autor auteur âge ville pays langue edad sexo ciudad país idioma imię wiek płeć "
    "автор имя возраст пол город номер пользователь 编号 序号 用户 用户名 昵称 作者 性别 年龄 地区 城市 번호 작성자 성별 나이 رقم المستخدم kullanıcı".split()
)
_TOPIC_WORDS = frozenset(
    "category categories class classes type genre kind department domain tag topic klasse classe clase klasa kategorie catégorie categoría categoria".split()
)
# The label of something else, or of one annotator: "product_category", "annotator_label".
_FOREIGN_LABEL_WORDS = frozenset(
    "annotator annotators annotation rater worker coder predicted prediction pred old original product item site brand".split()
)
_SPLIT_WORDS = frozenset("split splits set subset fold partition usage phase".split())
_REVIEW_WORDS = frozenset("review reviews comment comments avis reseña recensione 评论 отзыв レビュー 리뷰 yorum ulasan".split())
# Columns that survey tools (Qualtrics, SurveyMonkey) put before the answers; in other files some of these names mean something else.
_SURVEY_NAMES = frozenset(
    "startdate enddate status ipaddress progress durationinseconds finished recordeddate responseid recipientlastname recipientfirstname "
    "recipientemail externalreference externaldatareference locationlatitude locationlongitude distributionchannel userlanguage "
    "respondentid collectorid datecreated datemodified emailaddress firstname lastname customdata1".split()
)
_KNOWN_WORDS = _TEXT_WORDS | _WEAK_TEXT_WORDS | _LABEL_WORDS.keys() | _RATING_WORDS | _MEASURE_WORDS | _IDENTITY_WORDS


@dataclass(frozen=True)
class ColumnNameScores:
    """``text`` and ``label``: how much the name suggests each, negative if it suggests something else, 0 if it says nothing.

    ``role``: "measure" (how many, when, how certain) or "identity" (who, where, which one), which are neither texts nor labels.
    ``is_secondary_text``: a text that belongs to the text, such as the answer to it. ``is_topic``: a class of what the text is about
    rather than of what it says.
    """

    text: float = 0.0
    label: float = 0.0
    role: Literal["measure", "identity"] | None = None
    is_rating: bool = False
    is_split: bool = False
    is_secondary_text: bool = False
    is_topic: bool = False
    is_review: bool = False


def score_column_names(names: Sequence[str]) -> list[ColumnNameScores]:
    """The scores of a table's column names; next to four names of a survey tool, "Status" and "Progress" are such names too."""
    simplified = ["".join(c for c in name[:60].casefold() if c.isalnum()) for name in names]
    is_survey = len(_SURVEY_NAMES.intersection(simplified)) >= 4
    return [
        ColumnNameScores(label=-3.5, role="measure") if is_survey and short in _SURVEY_NAMES else score_column_name(name)
        for name, short in zip(names, simplified, strict=True)
    ]


def score_column_name(name: str) -> ColumnNameScores:
    """The scores of one column name; "StartTime", "start_time" and "Start time" have the same."""
    words = name_words(name)
    known = set(words)
    if len(words) == 2 and "_".join(words) in _KNOWN_WORDS:
        known.add("_".join(words))
    label = max((_LABEL_WORDS[word] for word in known if word in _LABEL_WORDS), default=0.0)
    role = "measure" if known & _MEASURE_WORDS else "identity" if known & _IDENTITY_WORDS else None
    if label:
        if role == "measure":
            label = -3.5
        elif known & _FOREIGN_LABEL_WORDS:
            label -= 2.0 if role else 1.5
        elif "name" in known:
            label -= 0.75
        elif len(words) == 1:
            label += 0.25
    elif role:
        label = -3.5
    elif known & _TEXT_WORDS:
        label = -1.0
    text = 1.5 if known & _TEXT_WORDS else 0.3 if known & _WEAK_TEXT_WORDS else 0.0
    if text and len(words) == 1:
        text += 0.25
    return ColumnNameScores(
        text=text,
        label=label,
        role=role,
        is_rating=bool(known & _RATING_WORDS) and label > -1,
        is_split=bool(known & _SPLIT_WORDS),
        is_secondary_text=bool(known & _SECONDARY_TEXT_WORDS),
        is_topic=bool(known & _TOPIC_WORDS),
        is_review=bool(known & _REVIEW_WORDS),
    )


def name_words(name: str) -> tuple[str, ...]:
    """The words of a column name in lower case, without digits at their ends: "StartTime2" gives ("start", "time")."""
    name = unicodedata.normalize("NFKC", name[:200])
    with_spaces = "".join(f" {c}" if c.isupper() and previous.islower() else c for previous, c in zip(f" {name}", name, strict=False))
    letters = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in with_spaces.casefold())
    words: list[str] = []
    for word in letters.split():
        words.extend(_split_compound(word.rstrip("0123456789") or word))
    return tuple(words)


@cache
def _unspaced_words() -> tuple[str, ...]:
    """Known words of scripts without blanks between words, the longest first."""
    return tuple(sorted((word for word in _KNOWN_WORDS if len(word) > 1 and "\u2e80" <= word[0] <= "\uffff"), key=len, reverse=True))


def _split_compound(word: str) -> list[str]:
    """The known words that a word consists of ("tweetid", "投稿本文"), or the word itself."""
    if word in _KNOWN_WORDS or len(word) > 40:
        return [word]
    if not word.isascii() and any(c >= "\u2e80" for c in word):
        return [known for known in _unspaced_words() if known in word] or [word]
    for cut in range(3, len(word) - 1):
        if word[:cut] in _KNOWN_WORDS and word[cut:] in _KNOWN_WORDS:
            return [word[:cut], word[cut:]]
    return [word]
