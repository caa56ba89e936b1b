"""The fingerprint's text, written out here as the module's own definition has it."""

from __future__ import annotations

import hashlib

import numpy as np

from bench.datasets.fingerprint import (
    hole_digest,
    hole_line,
    image_line,
    picture_digest,
    picture_key,
    suite_digest,
    text_digest,
)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_picture_is_known_by_its_values_row_by_row_however_it_lies_in_memory() -> None:
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert picture_digest(image) == sha(bytes(range(18)))
    assert picture_digest(np.asfortranarray(image)) == sha(bytes(range(18)))


def test_a_hole_is_eight_pixels_to_a_byte_without_gaps_between_rows() -> None:
    hole = np.array([[True, False, False], [False, False, True], [False, False, True]])
    # 100 001 00|1 and seven zeros.
    assert hole_digest(hole) == sha(bytes([0b10000100, 0b10000000]))


def test_lines_have_ids_as_ascii_json_and_height_before_width() -> None:
    assert image_line('a "b"/ø', (4, 6, 3), "d1") == 'image "a \\"b\\"/\\u00f8" 4x6 d1\n'
    assert hole_line("rect", "a", (4, 6), "d2") == 'hole rect "a" 4x6 d2\n'
    assert text_digest(["one\n", "two\n"]) == sha(b"one\ntwo\n")


def test_a_suite_is_its_version_protocol_and_data_sets_sorted() -> None:
    expected = sha(b"inpaint-bench suite 2\nprotocol lama\nabc\nbcd\n")
    assert suite_digest("lama", ["bcd", "abc"]) == suite_digest("lama", ["abc", "bcd"], 2) == expected
    assert suite_digest("native", ["x"], 1) == sha(b"inpaint-bench suite 1\nprotocol native\nx\n")


def test_a_pictures_key_is_half_of_the_first_eight_bytes_of_its_ids_digest() -> None:
    for image_id in ("a", "ffhq/00001", "ø"):
        first = hashlib.sha256(image_id.encode()).digest()[:8]
        assert picture_key(image_id) == sum(byte << (8 * k) for k, byte in enumerate(first)) // 2
