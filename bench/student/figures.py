"""The student's figures as Markdown: how near its values are to AlexNet-LPIPS', and whether that is near enough."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

MASKS = ("standard", "rect", "circle", "ellipse", "freeform")
LARGER = "half"
"""Holes for which the figures do not hold: the mask type that shows how much larger the error becomes."""
SYNTHETIC = ("noise", "blurred_truth", "shifted_truth", "pasted", "recoloured_truth", "noisy_truth", "patterned")
SEPARATED = 0.01
"""p of the paired t test under which the real LPIPS tells two methods apart."""

WANTED = {"scenes, 64 px": 0.018, "photo crops, 64 px": 0.020, "Kodak, 256 px": 0.012}
"""The largest mean error of LPIPS that a bundled student may have."""
RANK, SHIFT, PAIRS = 0.97, 0.006, 0.99
"""And its smallest Spearman correlation, largest mean shift either way, smallest share of separated pairs."""


@dataclass
class Values:
    """One value per (mask, picture, method), of the teacher and of the student; methods by name."""

    teacher: np.ndarray
    student: np.ndarray
    methods: list[str]

    def under(self, masks: slice) -> Values:
        """The same distances under some of the masks."""
        return Values(self.teacher[masks], self.student[masks], self.methods)

    def only(self, names: list[str]) -> Values:
        """The same distances of some of the methods, in the order of ``names``."""
        keep = [self.methods.index(name) for name in names]
        return Values(self.teacher[..., keep], self.student[..., keep], names)


def ordered(values: Values) -> tuple[int, int]:
    """Pairs of methods, mask by mask, that the teacher separates: put the same way by the student, and in all."""
    from scipy.stats import ttest_rel

    right = total = 0
    for mask in range(len(MASKS)):
        for a, b in combinations(range(len(values.methods)), 2):
            difference = values.teacher[mask, :, a] - values.teacher[mask, :, b]
            if not difference.any() or ttest_rel(difference, np.zeros_like(difference)).pvalue >= SEPARATED:
                continue
            mine = (values.student[mask, :, a] - values.student[mask, :, b]).mean()
            total += 1
            right += bool(np.sign(mine) == np.sign(difference.mean()))
    return right, total


@dataclass(frozen=True)
class Figures:
    """How near the student's values are to the teacher's."""

    fills: int
    mean: float
    rank: float
    error: float
    shift: float
    right: int
    pairs: int

    def fails(self, name: str) -> list[str]:
        """What is not good enough for a student to be bundled."""
        found = [
            (self.rank >= RANK, f"Spearman {self.rank:.3f}"),
            (self.error <= WANTED[name], f"mean error {self.error:.4f}"),
            (abs(self.shift) <= SHIFT, f"mean shift {self.shift:+.4f}"),
            (self.right >= PAIRS * self.pairs, f"{self.right} of {self.pairs} pairs"),
        ]
        return [f"{name}: {text}" for good, text in found if not good]


def _figures_of(values: Values) -> Figures:
    from scipy.stats import spearmanr

    return Figures(
        values.teacher.size,
        float(values.teacher.mean()),
        float(spearmanr(values.teacher.ravel(), values.student.ravel())[0]),
        float(np.abs(values.teacher - values.student).mean()),
        float((values.student - values.teacher).mean()),
        *ordered(values),
    )


def _row_of(name: str, found: Figures) -> str:
    return (
        f"| {name} | {found.fills} | {found.mean:.3f} | {found.rank:.3f} | {found.error:.4f} | {found.shift:+.4f} "
        f"| {found.right} of {found.pairs} ({100 * found.right / max(found.pairs, 1):.1f} %) |"
    )


def method_rows(found: dict[str, Values]) -> str:
    """Per method: the real LPIPS and the student's error on each set of pictures."""
    names = list(dict.fromkeys(name for values in found.values() for name in values.methods))
    lines = [
        "| method | " + " | ".join(f"{title}: LPIPS, error, shift" for title in found) + " |",
        "| --- |" + " --- |" * len(found),
    ]
    for name in names:
        cells = []
        for values in found.values():
            if name not in values.methods:
                cells.append("")
                continue
            one = values.only([name])
            difference = one.student - one.teacher
            cells.append(f"{one.teacher.mean():.3f}, {np.abs(difference).mean():.4f}, {difference.mean():+.4f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def mask_rows(found: dict[str, dict[str, Values]]) -> str:
    """Mean error by mask type, of the picture and of the hole."""
    lines = [
        "| pictures | distance of | " + " | ".join((*MASKS, LARGER)) + " |",
        "| --- |" + " --- |" * (len(MASKS) + 2),
    ]
    for name, columns in found.items():
        for column, values in columns.items():
            errors = np.abs(values.teacher - values.student).mean((1, 2))
            lines.append(f"| {name} | {column} | " + " | ".join(f"{error:.4f}" for error in errors) + " |")
    return "\n".join(lines)


HEAD = """| pictures | fills | mean LPIPS | Spearman | mean error | mean shift | separated pairs ordered rightly |
| --- | --- | --- | --- | --- | --- | --- |"""


def _hole_section(measured: dict[str, dict[str, Values]], few: bool) -> str:
    """How near `lpips_student_hole` is, and both columns' error by mask type."""
    columns = {name: found["hole"].under(slice(len(MASKS))) for name, found in measured.items()}
    used = max((values.methods for values in columns.values()), key=len)
    rows = [_row_of(name, _figures_of(values)) for name, values in columns.items()]
    return f"""## The hole alone

`lpips_student_hole` against AlexNet-LPIPS' mean over the hole{", of a quarter of the pictures" if few else ""}:
{", ".join(used)} (biharmonic at 64 px only).

{HEAD}
{chr(10).join(rows)}

Mean error by mask type, of the same fills. The figures above do not include {LARGER}.

{mask_rows(measured)}"""


def report(measured: dict[str, dict[str, Values]], about: dict[str, str], few: bool) -> str:
    """The figures as Markdown."""
    found = {name: columns["picture"].under(slice(len(MASKS))) for name, columns in measured.items()}
    whole, methods, fails = [], [], []
    for name, values in found.items():
        figures = _figures_of(values)
        fails += figures.fails(name)
        whole.append(_row_of(name, figures))
        real = [method for method in values.methods if method not in SYNTHETIC]
        methods.append(_row_of(name, _figures_of(values.only(real))))
    wanted = ", ".join(f"{error} on {name}" for name, error in WANTED.items())
    verdict = f"not good enough ({'; '.join(fails)})" if fails else "good enough to be bundled"
    used = max((values.methods for values in found.values()), key=len)
    return f"""# The student's figures

Written by `python -m bench.student.evaluate`. `lpips_student` predicts AlexNet-LPIPS (v0.1) and is
approximate; these figures say how far. No picture here was learnt from.

Trained by `python -m bench.student.train` ({", ".join(f"{k} {v}" for k, v in about.items())}).
Masks: {", ".join(MASKS)}.

Wanted: a mean error of at most {wanted}; a Spearman correlation of at least {RANK}, a mean shift within
±{SHIFT}, and {PAIRS:.0%} of the separated pairs ordered rightly on each. Verdict: **{verdict}**.
A pair of methods is separated where the real LPIPS tells them apart under a mask (paired t test, p < {SEPARATED}).

## All fills

{", ".join(used)} (biharmonic at 64 px only).

{HEAD}
{chr(10).join(whole)}

{_hole_section(measured, few)}

## Reference methods and trained variants alone

{HEAD}
{chr(10).join(methods)}

## Method by method

{method_rows(found)}
"""
