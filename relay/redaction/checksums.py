"""Whether digits are what they look like: numbers that prove themselves."""

from collections.abc import Sequence
from typing import Final

_REGISTRY: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
    "DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 "
    "HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 "
    "MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 "
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 "
    "VG24 XK20 YE30 "
)

IBAN_LENGTHS: Final = {each[:2]: int(each[2:]) for each in _REGISTRY.split()}
"""Characters of an IBAN by its country. *Source*: SWIFT, IBAN Registry, release 99."""

CARD_LENGTHS: Final = range(13, 20)
"""Digits. *Source*: ISO/IEC 7812-1; shorter ones are no longer issued."""


def is_card(digits: str) -> bool:
    """Whether it is a payment card's number: its first digit, its length, and Luhn's check digit.

    Source: ISO/IEC 7812-1, annex B. Banks and their like have 2 to 6.
    """
    if len(digits) not in CARD_LENGTHS or digits[0] not in "23456":
        return False
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + index % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0 and len(set(digits)) > 1


def is_iban(text: str) -> bool:
    """Whether it is an IBAN, without spaces, in capitals.

    Source: ISO 13616-1, section 6.
    """
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text[2:4].isdecimal():
        return False
    number = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return int(number) % 97 == 1


def is_national_id(text: str) -> bool:
    """Whether it is a number that a state gives to people, of those with checks enough to tell.

    They are Russia's INN and SNILS, China's resident identity number, Brazil's CPF, Poland's PESEL,
    and Spain's DNI and NIE.
    """
    if text.isdecimal():
        if len(text) == 12:
            return _is_inn(text)
        return len(text) == 11 and (_is_snils(text) or _is_cpf(text) or _is_pesel(text))
    return _is_resident_id(text) or _is_dni(text)


def _sum(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_inn(digits: str) -> bool:
    """Of a person. Source: order of the Federal Tax Service, appendix 1 to ММВ-7-6/435@."""
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    first = _sum(digits, weights[1:]) % 11 % 10
    second = _sum(digits, weights) % 11 % 10
    return digits[10:] == f"{first}{second}" and digits[:4] != "0000"


def _is_snils(digits: str) -> bool:
    """Source: resolution 192p of the Pension Fund's board; below 001-001-998 there is no check."""
    check = _sum(digits, range(9, 0, -1)) % 101 % 100
    return int(digits[:9]) > 1_001_998 and int(digits[9:]) == check


def _is_cpf(digits: str) -> bool:
    """Source: Receita Federal, module 11 with weights that rise from the right."""
    first = _sum(digits, range(10, 1, -1)) * 10 % 11 % 10
    second = _sum(digits, range(11, 1, -1)) * 10 % 11 % 10
    return digits[9:] == f"{first}{second}" and len(set(digits)) > 1


def _is_pesel(digits: str) -> bool:
    """Source: the Polish act on population records, section 15; it begins with a date."""
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    check = -_sum(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10
    return 1 <= month <= 12 and 1 <= day <= 31 and int(digits[10]) == check


def _is_resident_id(text: str) -> bool:
    """Source: GB 11643-1999; ISO 7064, MOD 11-2, of a region, a date and a number."""
    body, check = text[:17], text[17:].upper()
    if len(text) != 18 or not body.isdecimal():
        return False
    month, day = int(body[10:12]), int(body[12:14])
    weights = [2 ** (17 - index) % 11 for index in range(17)]
    is_right = "10X98765432"[_sum(body, weights) % 11] == check
    return is_right and body[6:8] in ("19", "20") and 1 <= month <= 12 and 1 <= day <= 31


def _is_dni(text: str) -> bool:
    """Source: the Spanish Royal Decree 1553/2005; the letter is the number's rest by 23."""
    body = text[:-1].upper()
    if len(text) != 9:
        return False
    if body[0] in "XYZ":
        body = f"{'XYZ'.index(body[0])}{body[1:]}"
    return body.isdecimal() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == text[-1].upper()
