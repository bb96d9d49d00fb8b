"""Personal data that has a form: found with it, and left alone where a check digit is wrong."""

from __future__ import annotations

import time

import pytest

from exallm_trainer.data.personal_data import personal_data, personal_data_beyond

FOUND = [
    ("e-mail", "ines.ferro+mill@leith.example.org"),
    ("IBAN", "DE89370400440532013000"),
    ("IBAN", "GB82 WEST 1234 5698 7654 32"),
    ("IBAN", "NO93 8601 1117 947"),
    ("card number", "4111 1111 1111 1111"),
    ("card number", "378282246310005"),
    ("card number", "5500-0055-5555-5559"),
    ("national id", "078-05-1120"),
    ("national id", "AB 12 34 56 C"),
    ("national id", "12345678Z"),
    ("national id", "X1234567L"),
    ("national id", "1 84 12 76 451 089 46"),
    ("national id", "RSSMRA85T10A562S"),
    ("national id", "86 095 742 719"),
    ("phone", "+49 30 123456"),
    ("phone", "+1 (212) 555-0100"),
    ("phone", "(212) 555-0100"),
    ("phone", "212-555-0100"),
    ("phone", "0131 496 0000"),
    ("phone", "030/1234567"),
]
NOT_FOUND = [
    "The mill was built in 1682 and sold in 1703-04-12 for 1,200,000 crowns.",
    "DE89370400440532013001",
    "XX89370400440532013000",
    "4111 1111 1111 1112",
    "9111111111111111",
    "666-05-1120",
    "900-12-3456",
    "GB 12 34 56 C",
    "12345678A",
    "RSSMRA85T10A562T",
    "86095742718",
    "1 84 12 76 451 089 47",
    "ISBN 978-3-16-148410-0",
    "version 1.2.3.4, 10.000.000 rows, 2024-11-21 09:30:00",
    "@home, a@b, user@localhost",
]


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_is_found_in_the_middle_of_a_sentence(kind: str, text: str) -> None:
    sentence = f"Write to {text}, please."
    assert [(each.kind, each.text) for each in personal_data(sentence)] == [(kind, text)]
    assert personal_data(sentence)[0].start == 9
    assert [each.text for each in personal_data(f"{text} is mine")] == [text]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_is_left_alone(text: str) -> None:
    assert personal_data(text) == []


def test_several_come_in_their_order_and_each_once() -> None:
    text = "a@b.example, DE89 3704 0044 0532 0130 00 AND +49 30 123456"
    assert [each.kind for each in personal_data(text)] == ["e-mail", "IBAN", "phone"]


def test_what_the_other_text_says_otherwise_punctuated_is_not_beyond_it() -> None:
    known = "Call 0131-4960000, or write to INES@leith.example."
    assert personal_data_beyond("0131 496 0000 or ines@leith.example", known) == []
    beyond = personal_data_beyond("0131 496 0001", known)
    assert [each.text for each in beyond] == ["0131 496 0001"]


@pytest.mark.parametrize(
    "text", ["a." * 50_000, "1 " * 50_000, "DE89 " * 20_000, "+" + "1-" * 50_000]
)
def test_long_texts_take_no_long_time(text: str) -> None:
    began = time.monotonic()
    personal_data(text)
    assert time.monotonic() - began < 5
