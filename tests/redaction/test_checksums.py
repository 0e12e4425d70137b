"""Numbers that prove themselves, and the same with a digit changed."""

import pytest

from relay.redaction.checksums import is_card, is_iban, is_national_id


@pytest.mark.parametrize(
    "digits",
    [
        "4111111111111111",
        "5500005555555559",
        "340000000000009",
        "30569309025904",
        "2223003122003222",
    ],
)
def test_a_card_is_told_by_its_check_digit(digits: str) -> None:
    assert is_card(digits)
    assert not is_card(digits[:-1] + str((int(digits[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "digits", ["0000000000000000", "1" * 16, "4111", "9111111111111111", "4" * 20]
)
def test_what_no_bank_issues_is_no_card(digits: str) -> None:
    assert not is_card(digits)


@pytest.mark.parametrize(
    "text", ["DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947"]
)
def test_an_iban_is_told_by_its_check_digits(text: str) -> None:
    assert is_iban(text)
    assert not is_iban(text[:-1] + str((int(text[-1]) + 1) % 10))
    assert not is_iban(text + "0")


@pytest.mark.parametrize("text", ["XX89370400440532013000", "DEXX370400440532013000", ""])
def test_what_has_no_country_or_no_check_digits_is_no_iban(text: str) -> None:
    assert not is_iban(text)


IDS = {
    "INN": "500100732259",
    "SNILS": "11223344595",
    "CPF": "52998224725",
    "PESEL": "44051401359",
    "resident id": "11010519491231002X",
    "DNI": "12345678Z",
    "NIE": "X1234567L",
}


@pytest.mark.parametrize("text", IDS.values(), ids=IDS)
def test_a_national_id_is_told_by_what_checks_it(text: str) -> None:
    assert is_national_id(text)
    assert is_national_id(text.lower())
    other = text[:5] + str((int(text[5]) + 1) % 10) + text[6:]
    assert not is_national_id(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "000000000000",  # an INN of nowhere
        "00100199800",  # a SNILS from before there were checks
        "11111111111",  # a CPF that nobody has
        "44131401351",  # a PESEL of the 13th month
        "44054001356",  # or the 40th day
        "110105194913310026",  # of the 13th month
        "11010518491231002X",  # of another century
        "1101051949123100XX",
        "Z12345678",
        "ABCDEFGHZ",
    ],
)
def test_what_nobody_can_have_is_none(text: str) -> None:
    assert not is_national_id(text)
