"""Tables as CSV and Markdown: values in full, names that stay text."""

from __future__ import annotations

import csv
import io

from reports.tables import Cell, Column, Row, Table


def table(name: str = "baseline") -> Table:
    columns = [Column("psnr_hole", "hole PSNR [dB]", "↑"), Column("note", "note", numeric=False)]
    cell = Cell("21.33", 21.333, 20.5, 22.25, "20.50 to 22.25", mark="best")
    return Table("methods", "All | methods", columns, [Row(name, [cell, Cell("a|b")])])


def test_csv_holds_full_values_and_the_interval_in_its_own_columns() -> None:
    rows = list(csv.reader(io.StringIO(table().csv())))
    assert rows == [
        ["method", "psnr_hole", "psnr_hole_low", "psnr_hole_high", "note"],
        ["baseline", "21.333", "20.5", "22.25", "a|b"],
    ]


def test_csv_gives_a_spreadsheet_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(table('=HYPERLINK("http://evil")').csv())))
    assert rows[1][0] == '\'=HYPERLINK("http://evil")'


def test_a_negative_number_stays_a_number_in_csv() -> None:
    one = Table("t", "t", [Column("shift", "shift")], [Row("a", [Cell("−3.5", -3.5)])])
    assert list(csv.reader(io.StringIO(one.csv())))[1] == ["a", "-3.5"]


def test_markdown_keeps_its_columns_whatever_the_names_hold() -> None:
    lines = table("<b>|*x*").markdown().splitlines()
    head, rule, row = [line for line in lines if line.startswith("|")]
    assert head.count("|") == rule.count("|") == row.count("|") == 4
    assert "<b>" not in row
    assert "\\*x\\*" in row


def test_markdown_marks_the_best_and_prints_its_interval() -> None:
    assert "**21.33 \\[20.50 to 22.25\\]**" in table().markdown()
