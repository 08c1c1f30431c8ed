"""Finds and masks what names or reaches a person in a text, by rules: mail addresses, phone numbers, IBANs, card numbers, links, user names.

Finds no names of people, no addresses of houses, no dates of birth, and no numbers of other kinds (passports, insurances): rules cannot.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trainer.data.html_and_links import mask_links

KINDS = {
    "mail": ("mail address", "mail addresses"),
    "phone": ("phone number", "phone numbers"),
    "iban": ("IBAN", "IBANs"),
    "card": ("card number", "card numbers"),
}
"""What is found besides links and user names, in the singular and the plural."""
NOT_COVERED = (
    "Names of people, addresses of houses, dates of birth and other numbers, such as those of passports or customers, are not found"
)

_MAIL = re.compile(
    r"(?<![\w.%+@-])(?:mailto:)?[\w%+-](?:[\w.%+'-]{0,62}[\w%+-])?(?:@|[ ]?\[at\][ ]?|[ ]?\(at\)[ ]?)(?:\w[\w-]{0,62}\.)+[^\W\d_]{2,24}(?![\w@-])",
    re.IGNORECASE,
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.,+/=])(?<![0-9][ -])(?:[2-6][0-9]{3}|1800)(?:[ -]?[0-9]){8,15}(?![0-9]|[.,][0-9])")
_PHONE = re.compile(
    r"(?<![\w.,:/+#€$£%-])(?<![0-9] )"
    r"(?:(?:\+[ ]?)[1-9][0-9]{0,17}(?![0-9])|\(\+?[0-9]{2,5}\)|[0-9]{2,18}(?![0-9]))"
    r"(?:(?:[ ]?[-./‑–][ ]?|[ ]{0,3})(?:\([0-9]{1,5}\)|(?<![0-9])[0-9]{1,12}(?![0-9]))){0,7}(?:[ ]?(?:x|ext\.?)[ ]?[0-9]{1,5})?(?![\w€$£%°]|[.,:/-][0-9])"
)
"""Digits are taken as they stand together: a pattern that may divide them takes minutes for sixty of them, in which the page stands still."""
_WORD_BEFORE = re.compile(
    r"(?:\b(?:tel|phone|call|fon|telefon|telefono|teléfono|téléphone|tél|mobile?|cell|handy|whatsapp|sms|fax|móvil|cellulare|number|nummer|numéro|número|numero)\b"
    r"[^0-9+]{0,14})$",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ](?:[0-9]{4}|[0-9]{2})|[0-9]{4}[-./ ][0-9]{1,2}[-./ ][0-9]{1,2})(?:[ T][0-9]{1,2})?")
_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 "
    "HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 "
    "RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_LENGTH_OF = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
_NETWORKS = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}|3(?:0[0-59]|[68][0-9])[0-9]{11}"
    r"|35[2-8][0-9]{13}|(?:1800|2131)[0-9]{11}|(?:50|5[6-9]|6[0-9])[0-9]{10,17}"
)
"""Visa, Mastercard, American Express, Discover, Diners, JCB, Maestro."""
_MIN_PHONE, _MAX_PHONE = 7, 15
"""Digits of a phone number (ITU-T E.164)."""
_NO_SIGNS = bytes(set(range(256)) - set(b"@([0123456789"))
"""Bytes of UTF-8 without which something personal is still written: it needs a sign for "at", or digits."""


@dataclass(frozen=True)
class Found:
    """Something personal in a text: its kind, one of ``KINDS``, and where it stands."""

    kind: str
    start: int
    end: int


def find_personal(text: str) -> list[Found]:
    """What is found, in the order of the text; nothing overlaps. Links and user names are found by ``html_and_links``."""
    if not _may_hold_any(text):
        return []
    taken: list[Found] = []
    for found in _candidates(text):
        if all(found.end <= other.start or found.start >= other.end for other in taken):
            taken.append(found)
    return sorted(taken, key=lambda found: found.start)


def mask_personal(text: str) -> str:
    """The text with "email", "phone", "iban", "card", "http" and "@user" in place of what is found. Idempotent."""
    pieces, last = [], 0
    for found in find_personal(text):
        pieces += [text[last : found.start], "email" if found.kind == "mail" else found.kind]
        last = found.end
    return mask_links("".join([*pieces, text[last:]]))


def _may_hold_any(text: str) -> bool:
    """A quick look that leaves most texts at once."""
    signs = text.encode("utf-8", "surrogatepass").translate(None, _NO_SIGNS)
    if not signs:
        return False
    if b"@" in signs or len(signs) - signs.count(b"(") - signs.count(b"[") >= _MIN_PHONE:
        return True
    folded = text.casefold()
    return "(at)" in folded or "[at]" in folded


def _candidates(text: str) -> Iterator[Found]:
    for match in _MAIL.finditer(text):
        yield Found("mail", match.start(), match.end())
    for match in _IBAN.finditer(text):
        end = _iban_end(match[0])
        if end:
            yield Found("iban", match.start(), match.start() + end)
    for match in _CARD.finditer(text):
        if _is_card(match[0]):
            yield Found("card", match.start(), match.end())
    for match in _PHONE.finditer(text):
        if _is_phone(match[0], text[: match.start()]):
            yield Found("phone", match.start(), match.start() + len(match[0].rstrip()))


def _iban_end(written: str) -> int:
    """The length of the IBAN that the candidate begins with, by the length of its country and its checksum (ISO 13616, ISO 7064 mod 97-10); 0 if it is none."""
    length, characters = _LENGTH_OF.get(written[:2].upper(), 0), 0
    for position, character in enumerate(written):
        characters += character.isalnum()
        if characters == length:
            compact = re.sub(r"[ -]", "", written[: position + 1]).upper()
            follows = written[position + 1 : position + 2]
            valid = int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
            return position + 1 if valid and not follows.isalnum() else 0
    return 0


def _is_card(written: str) -> bool:
    """Whether the digits begin and are as many as on a card of one of the networks, and hold Luhn's checksum (ISO/IEC 7812), in up to five groups."""
    digits = [int(character) for character in written if character.isdigit()]
    if not _NETWORKS.fullmatch("".join(map(str, digits))) or len(set(digits)) < 2 or len(re.split(r"[ -]", written)) > 5:
        return False
    doubled = [digit if number % 2 == 0 else (2 * digit - 9 if digit > 4 else 2 * digit) for number, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _is_phone(written: str, before: str) -> bool:
    """Whether digits are written as a phone number: with a country code, a leading 0, in the groups of one, or after a word for it."""
    number = re.split(r"[ ]?(?:x|ext)", written.strip())[0]
    digits = re.sub(r"[^0-9]", "", number)
    if not _MIN_PHONE <= len(digits) <= _MAX_PHONE + 2 or len(set(digits)) < 3 or _DATE.fullmatch(number):
        return False
    groups = re.findall(r"[0-9]+", number)
    if number.startswith(("+", "00", "(+")):
        return len(digits) >= 8
    if _WORD_BEFORE.search(before[-40:]):
        return True
    if len(digits) < 9 or len(digits) > _MAX_PHONE or max(map(len, groups)) > 11:
        return False
    if digits[0] == "0":
        return digits[1] != "0"
    # North America: 3, 3 and 4 digits; Spain and Italy: nine or ten digits that begin with 3, 6, 7, 8 or 9, in groups of two or three.
    if re.fullmatch(r"(?:1[-. ]?)?\(?[2-9][0-9]{2}\)?[-. ]{0,2}[0-9]{3}[-. ][0-9]{4}|[2-9][0-9]{2}[2-9][0-9]{6}|3[0-9]{9}", number):
        return True
    return digits[0] in "36789" and len(digits) in (9, 10) and len(groups) >= 3 and all(2 <= len(group) <= 4 for group in groups)
