"""Which way of calling a model is best, and how sure that is: scores, ranks and verdicts by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from bench.methods import probe as module
from bench.methods.callable import CallableMethod
from bench.methods.keys import Keys
from bench.methods.probe import (
    Tried,
    copies,
    distinct,
    fits,
    judge,
    judged,
    known_pictures,
    of_mean_colour,
    on_all,
    pooled,
    psnr,
    ranked,
    same,
    shown_under,
    tried_of,
    values,
)
from bench.methods.spec import Spec
from bench.methods.structure import structures
from variants.errors import ExternalError

IMAGE = np.random.default_rng(0).integers(60, 196, (12, 10, 3), dtype=np.uint8)
HOLE = np.zeros((12, 10), bool)
HOLE[3:8, 2:6] = True
TRUTH = IMAGE / np.float32(255)
PICTURE = (IMAGE, HOLE)


def model(function: Any = lambda x, h=None: x, facts: Keys | None = None, **keys: Any) -> CallableMethod:
    return CallableMethod("m", function, spec=Spec("python", "m.py:f", Keys(**keys)), facts=facts)


def tried(hole: float = 20.0, known: float = 40.0, keys: Keys | None = None, changed: bool = True) -> Tried:
    return Tried(keys or Keys(), 1.0, hole, known, changed)


def test_a_score_weighs_hole_and_known_pixels_alike_and_40_db_is_enough() -> None:
    assert tried(20, 30).score == 25
    assert tried(20, 40).score == tried(20, 55).score == 30
    assert tried(20, 30, changed=False).score == 5


def test_psnr_is_scikit_images_up_to_100() -> None:
    other = np.clip(IMAGE.astype(int) + 9, 0, 255).astype(np.uint8)
    expected = peak_signal_noise_ratio(IMAGE, other, data_range=255)
    assert psnr((other.astype(float) - IMAGE) / 255) == pytest.approx(expected)
    assert psnr(np.zeros(4)) == 100


def test_the_mean_colour_is_of_known_pixels_channel_by_channel() -> None:
    flat = np.where(HOLE[..., None], TRUTH[~HOLE].mean(axis=0), TRUTH)
    expected = peak_signal_noise_ratio(TRUTH[HOLE], flat[HOLE].astype(np.float32), data_range=1)
    assert of_mean_colour(PICTURE) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("known", "above", "changed", "expected"),
    [(4.9, 0.1, True, True), (5.0, 0.1, True, False), (4.9, -0.1, True, False), (4.9, 0.1, False, False)],
)
def test_one_fits_that_keeps_the_known_and_beats_the_mean_colour(
    known: float, above: float, changed: bool, expected: bool
) -> None:
    assert fits(Tried(Keys(), known, of_mean_colour(PICTURE) + above, 30.0, changed), PICTURE) is expected


def test_an_answer_is_judged_by_its_known_pixels_and_its_hole() -> None:
    raw = np.where(HOLE[..., None], TRUTH + 0.1, TRUTH - 0.02).astype(np.float32)
    found = judge(Keys(hole=0), raw, model(), PICTURE)
    assert found.keys == Keys(hole=0) and found.changed
    assert found.known_error == pytest.approx(0.02 * 255, rel=1e-4)
    assert found.hole_psnr == pytest.approx(20, rel=1e-4)
    assert found.psnr_known == pytest.approx(-20 * np.log10(0.02), rel=1e-4)
    beyond = judge(Keys(), np.full_like(raw, 9.0), model(), PICTURE)
    assert beyond.hole_psnr == pytest.approx(psnr((1 - TRUTH)[HOLE])), "clipped to white"


@pytest.mark.parametrize(
    ("blank", "shown"),
    [(None, 0.0), ("0.5", 0.5), ("mean", TRUTH[~HOLE].mean(axis=0)), ("keep", TRUTH)],
)
@pytest.mark.parametrize(("away", "changed"), [(0.0, False), (0.009, False), (0.011, True)])
def test_a_hole_has_changed_that_is_not_as_it_was_shown(blank: Any, shown: Any, away: float, changed: bool) -> None:
    raw = np.where(HOLE[..., None], shown + away, TRUTH).astype(np.float32)
    assert judge(Keys(blank=blank), raw, model(), PICTURE).changed is changed
    assert judge(Keys(), raw, model(blank=blank), PICTURE).changed is changed
    np.testing.assert_array_equal(shown_under(TRUTH, HOLE, blank or "0"), shown)


def test_of_the_same_fills_the_first_is_kept() -> None:
    a, b = tried(20.0), tried(20.004, keys=Keys(hole=0))
    other = [tried(20.02), tried(20, changed=False), Tried(Keys(), 1.2, 20.0, 40.0, True)]
    assert distinct([a, b, *other]) == [a, *other]
    near = Tried(Keys(hole=0), 1.04, 20.0, 40.0, True)
    assert distinct([near, a]) == [near]


def test_the_best_comes_first_and_of_the_same_the_one_with_fewer_keys() -> None:
    best, least = tried(20.0, keys=Keys(hole=0, blank="0.5")), tried(19.95, keys=Keys(hole=0))
    worse, bare = tried(19.5, keys=Keys(channels="bgr")), tried(15.0)
    assert ranked([bare, worse, best, least, best]) == [least, best, worse, bare]
    # A twentieth of a dB apart is another answer.
    far = tried(19.8, keys=Keys(hole=0))
    assert ranked([far, best]) == [best, far]
    # With as many keys the better one, and to a thousandth alike the one that stands first.
    one, two = tried(20.0, keys=Keys(hole=0)), tried(20.05, keys=Keys(blank="0.5"))
    assert ranked([one, two]) == [two, one]


def verdict(*found: Tried, **keys: Any) -> module.Verdict:
    return judged(model(**keys), found, [], [PICTURE])


PLAIN = of_mean_colour(PICTURE)


@pytest.mark.parametrize(
    ("ahead", "sure", "why"),
    [
        (1.0, "sure", "1.0 dB ahead of the next"),
        (0.98, "likely", "1.0 dB ahead of 'hole=0'"),
        (0.3, "likely", "0.3 dB ahead of 'hole=0'"),
        (0.28, "unsure", "only 0.3 dB ahead of 'hole=0'"),
        (-0.1, "unsure", "only 0.0 dB ahead of 'hole=0'"),
    ],
)
def test_how_sure_it_is_goes_by_how_far_ahead(ahead: float, sure: str, why: str) -> None:
    base = np.ceil(PLAIN) + 1
    best, next_one = tried(base + 2 * ahead, keys=Keys(blank="0.5")), tried(base, keys=Keys(hole=0))
    found = verdict(best, next_one)
    assert (found.spec, found.sure, found.why) == ("python:m.py:f?blank=0.5", sure, why)
    assert found.tried == (best, next_one)


def test_one_alone_is_sure_and_one_that_fills_no_better_than_a_colour_is_not() -> None:
    assert (verdict(tried(PLAIN + 1)).sure, verdict(tried(PLAIN + 1)).why) == ("sure", "nothing else comes near")
    assert verdict(tried(PLAIN - 0.01)).sure == "unsure"
    assert verdict(tried(PLAIN + 1, changed=False)).sure == "unsure"
    assert verdict(tried(PLAIN + 9), tried(PLAIN + 1)).why.startswith("4.0 dB ahead")
    only = verdict(tried(PLAIN + 1.1, keys=Keys(hole=0)), tried(PLAIN + 1))
    assert only.why == "only 0.1 dB ahead of 'nothing said'"


def test_what_lets_the_model_copy_the_truth_is_never_the_way() -> None:
    keep, honest = tried(60, keys=Keys(blank="keep")), tried(PLAIN + 1)
    found = verdict(keep, honest)  # the model gives back what it sees
    assert found.spec == "python:m.py:f" and found.tried == (honest,)
    with pytest.raises(ExternalError, match="m copies what lies under the hole"):
        verdict(keep)
    blind = judged(model(lambda x, h: x * (1 - h) + 0.4 * h), [keep, honest], [tried(1)], [PICTURE])
    assert blind.spec == "python:m.py:f?blank=keep" and blind.tried == (keep, honest, tried(1))


@pytest.mark.parametrize(("share", "expected"), [(1.0, True), (0.07, True), (0.03, False), (-0.07, True), (0, False)])
def test_a_twentieth_of_the_noise_laid_under_the_hole_is_a_copy(share: float, expected: bool) -> None:
    def some(x: Any, h: Any) -> Any:
        return x * (1 - h) + h * (share * x + 0.3)

    assert copies(model(some), Keys(blank="keep"), PICTURE) is expected


def test_a_model_that_fails_with_the_truth_under_the_hole_counts_as_copying() -> None:
    def fails(x: Any, h: Any) -> Any:
        raise ValueError

    assert copies(model(fails), Keys(blank="keep"), PICTURE)


def test_brightness_of_the_whole_is_no_copy() -> None:
    def level(x: Any, h: Any) -> Any:
        return x * (1 - h) + h * x.mean(dim=(2, 3), keepdim=True)

    assert not copies(model(level), Keys(blank="keep"), PICTURE)


def test_a_way_is_judged_on_the_mean_of_all_pictures() -> None:
    other = (255 - IMAGE, HOLE)

    def white(x: Any, h: Any) -> Any:
        return x * (1 - h) + h

    both = [psnr((1 - TRUTH)[HOLE]), psnr(TRUTH[HOLE])]
    found = on_all(model(white), tried(), [PICTURE, other])
    assert found.hole_psnr == pytest.approx(np.mean(both), rel=1e-4)
    assert found.scores == pytest.approx([(psnr + 40) / 2 for psnr in both], rel=1e-4)
    assert found.changed and found.keys == Keys() and found.known_error < 1e-3
    assert not on_all(model(white), tried(changed=False), [PICTURE, other]).changed, "nor was it on the first"
    assert on_all(model(lambda x, h: 1 / 0), tried(), [PICTURE, other]) == tried(), "where it fails there is no more"
    assert not pooled(Keys(), [tried(), tried(changed=False)]).changed


@pytest.mark.parametrize(
    ("best", "other", "expected"),
    [
        (tried(20.0), tried(19.91), True),
        (tried(20.0), tried(19.88), False),
        (tried(19.0), tried(20.0), True),  # whichever comes first
    ],
)
def test_less_than_a_twentieth_of_a_db_is_the_same(best: Tried, other: Tried, expected: bool) -> None:
    assert same(best, other) is expected


def scored(*scores: float) -> Tried:
    return replace(tried(float(np.mean(scores)) * 2 - 40), scores=scores)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [((1.0, 0.0, 0.5, 0.9), False), ((1.0, -0.9, 0.5, 0.9), True), ((0.2, 0.2, 0.2, 0.2), False)],
)
def test_within_two_standard_errors_over_pictures_it_is_the_same(ahead: tuple[float, ...], expected: bool) -> None:
    # Mean 0.6 ± 0.23, 0.375 ± 0.44, 0.2 ± 0: of each difference, and two of the errors.
    base = (30.0, 25.0, 35.0, 31.0)
    best = scored(*(b + a for b, a in zip(base, ahead, strict=True)))
    assert (np.mean(ahead) <= 2 * np.std(ahead, ddof=1) / 2) is np.bool_(expected)
    assert same(best, scored(*base)) is expected
    assert not same(best, replace(scored(*base), scores=base[:3])), "of other pictures nothing is told"


def test_a_rectangle_is_missing_that_moves_from_picture_to_picture() -> None:
    pictures = known_pictures(32)
    assert len(pictures) == 3
    for k, (image, hole) in enumerate(pictures):
        expected = np.zeros((32, 32), bool)
        expected[4 * (2 + k) : 4 * (2 + k) + 8, 4 * (3 - k) : 4 * (3 - k) + 8] = True
        assert np.array_equal(hole, expected) and image.shape == (32, 32, 3)
    assert not np.array_equal(pictures[0][0], pictures[1][0])
    (again,) = known_pictures(32, 1, first=1)
    assert np.array_equal(again[0], pictures[1][0]) and np.array_equal(again[1], pictures[1][1])
    ((image, hole),) = known_pictures(32, 1, first=4)
    assert np.array_equal(hole, pictures[1][1]) and not np.array_equal(image, pictures[1][0])


def keys_of(found: list[Tried]) -> set[str]:
    return {str(one.keys) for one in found}


@pytest.mark.parametrize(
    ("method", "wanted", "kept"),
    [
        (model(), [Keys(hole=0), Keys(hole=1)], {"hole=0", ""}),  # 1 is what it is anyway
        (model(hole=0), [Keys(hole=1), Keys(blank="0.5")], {"blank=0.5"}),  # what is said stays
        (model(input="masked"), [Keys(hole=0), Keys(order="mask,picture"), Keys(blank="0.5")], {"blank=0.5"}),
        (model(dtype="uint8"), [Keys(low_high_in=(-1.0, 1.0)), Keys(hole=0)], {"hole=0"}),
        (model(facts=Keys(dtype="uint8")), [Keys(low_high_in=(0.0, 1.0))], set()),
    ],
)
def test_only_what_says_something_more_is_tried(method: CallableMethod, wanted: list[Keys], kept: set[str]) -> None:
    found = tried_of(method, wanted, PICTURE)
    assert {str(replace(one.keys, low_high_out=None)) for one in found} == kept


def test_one_call_is_read_in_every_range_and_bytes_in_one() -> None:
    assert keys_of(tried_of(model(), [Keys()], PICTURE)) == {"", "out=0,255", "out=-1,1"}
    whole = model(lambda x, h: (x * 255).round().byte())
    (found,) = tried_of(whole, [Keys()], PICTURE)
    assert str(found.keys) == "" and found.psnr_known > 55
    (fixed,) = tried_of(model(lambda x, h: x * 255, low_high_out=(0.0, 255.0)), [Keys()], PICTURE)
    assert str(fixed.keys) == "" and fixed.psnr_known > 90
    assert tried_of(model(lambda x, h: 1 / 0), [Keys()], PICTURE) == []


def test_ranges_polarity_and_blank_are_tried_together_and_what_is_rare_with_the_best_of_them() -> None:
    asked: list[Keys] = []

    class Told(CallableMethod):
        def telling(self, keys: Keys) -> CallableMethod:
            asked.append(keys)
            return super().telling(keys)

    values(Told("m", lambda x, h: x, spec=Spec("python", "m.py:f")), Keys(), PICTURE)
    first = {(k.low_high_in, k.hole, k.blank) for k in asked if k.channels is None and k.order is None}
    for low_high in (None, (0.0, 255.0), (-1.0, 1.0)):
        for hole in (None, 0):
            for blank in (None, "0.5"):
                assert (low_high, hole, blank) in first
    assert {k.blank for k in asked} == {None, "0.5", "mean", "keep"}
    assert any(k.channels == "bgr" for k in asked) and any(k.order == "mask,picture" for k in asked)


def test_structures_begin_with_nothing_said_and_leave_what_is_known() -> None:
    found = structures(model())
    assert found[0] == Keys()
    assert {(keys.input, keys.order) for keys in found} == {
        *((one, None) for one in (None, "concat", "masked")),
        *((one, "mask,picture") for one in (None, "concat")),
    }
    assert {keys.layout for keys in found} == {None, "nhwc"}
    lengths = [len(keys.said()) for keys in found]
    assert lengths == sorted(lengths) and len(found) == len(set(found))
    assert {keys.dtype for keys in found} == {None, "fp16", "uint8"}, "fp32 is what it is anyway"
    assert {keys.size for keys in found if keys.size} == {(s, s) for s in (512, 256, 64, 128, 32, 1024, 224, 384)}
    assert {keys.multiple for keys in found} == {None, 32, 64}
    assert not any(keys.size and keys.multiple for keys in found)
    assert not any(keys.layout for keys in structures(model(layout="nhwc")))
    assert not any(keys.size for keys in structures(model(facts=Keys(size=(64, 64)))))
