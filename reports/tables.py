"""Tables as data: one description that the page, the CSV and the Markdown export all print."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field


@dataclass
class Column:
    """A column: ``key`` for files, ``title`` for readers, an arrow for the good direction."""

    key: str
    title: str
    arrow: str = ""
    note: str = ""
    numeric: bool = True


@dataclass
class Cell:
    """What stands in a cell. value: for CSV, and for sorting where there is no ``distance`` (of a metric with a
    target); text: as printed; bar: 0 to 1; heat: 0 to 20."""

    text: str
    value: float | str | None = None
    low: float | None = None
    high: float | None = None
    detail: str = ""
    bar: float | None = None
    heat: int | None = None
    mark: str = ""
    href: str = ""
    image: str = ""
    distance: float | None = None


@dataclass
class Row:
    """A row: what it is of, its cells in the order of the columns, and the group that it stands under."""

    name: str
    cells: list[Cell]
    group: str = ""
    note: str = ""


@dataclass
class Table:
    """A table; ``key`` names it in links and file names, ``first`` heads the column of row names."""

    key: str
    caption: str
    columns: list[Column]
    rows: list[Row]
    first: str = "method"
    notes: list[str] = field(default_factory=list)
    sortable: bool = True

    def csv(self) -> str:
        """Full precision, an interval in two columns of its own beside each mean that has one, a distance in one."""
        wide = [any(row.cells[k].low is not None for row in self.rows) for k in range(len(self.columns))]
        far = [any(row.cells[k].distance is not None for row in self.rows) for k in range(len(self.columns))]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        header = [self.first]
        for column, two, off in zip(self.columns, wide, far, strict=True):
            header += [column.key, f"{column.key}_low", f"{column.key}_high"] if two else [column.key]
            header += [f"{column.key}_distance"] if off else []
        writer.writerow([safe(h) for h in header])
        for row in self.rows:
            line = [row.name]
            for cell, two, off in zip(row.cells, wide, far, strict=True):
                line.append(plain(cell.value) if cell.value is not None else cell.text)
                if two:
                    line += [plain(cell.low), plain(cell.high)]
                if off:
                    line.append(plain(cell.distance))
            writer.writerow([safe(item) for item in line])
        return out.getvalue()

    def markdown(self) -> str:
        """A pipe table with the printed texts; best values in bold."""
        heads = [self.first, *(f"{c.title} {c.arrow}".strip() for c in self.columns)]
        lines = [f"**{escape(self.caption)}**", "", "| " + " | ".join(map(escape, heads)) + " |"]
        lines.append("| " + " | ".join(["---", *("---:" if c.numeric else "---" for c in self.columns)]) + " |")
        for row in self.rows:
            texts = []
            for cell in row.cells:
                detail = f"[{cell.detail}]" if cell.low is not None and cell.detail else cell.detail
                text = escape(f"{cell.text} {detail}".strip())
                texts.append(f"**{text}**" if cell.mark == "best" else text)
            lines.append("| " + " | ".join([escape(row.name), *texts]) + " |")
        lines += ["", *(escape(note) for note in self.notes)] if self.notes else []
        return "\n".join(lines) + "\n"


def plain(value: float | str | None) -> str:
    """A value as CSV has it: full precision, whole numbers without a point, NaN as nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else repr(float(value)) if value % 1 else str(int(value))


def safe(text: str) -> str:
    """Text that a spreadsheet will not run as a formula."""
    return "'" + text if text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not numeric(text)) else text


def numeric(text: str) -> bool:
    """Whether a text is a number, so that a leading minus is no formula of a spreadsheet."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def escape(text: str) -> str:
    """Markdown in which names cannot become markup or break the table."""
    for mark in "\\`*_{}[]<>|#":
        text = text.replace(mark, f"&#{ord(mark)};" if mark in "<>|" else f"\\{mark}")
    return " ".join(text.split())
