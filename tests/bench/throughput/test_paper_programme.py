"""The operations of the paper's programme, against a convolution-by-convolution calculation by hand."""

import pytest

from bench.throughput.paper_programme import PICTURES, count_training


def conv(side: int, inputs: int, outputs: int, kernel: int) -> int:
    """Operations of a convolution that gives ``side`` × ``side`` pixels; 2 a multiply-add."""
    return 2 * side * side * inputs * outputs * kernel * kernel


def test_the_programmes_operations_by_hand():
    w, s = 4, 64
    down = conv(s // 2, 6, w, 4) + conv(s // 4, w, 2 * w, 4) + conv(s // 8, 2 * w, 4 * w, 4)
    down += conv(s // 16, 4 * w, 8 * w, 4)
    # A transposed convolution does its work once for each pixel that comes in.
    up = conv(s // 16, 8 * w, 4 * w, 4) + conv(s // 8, 8 * w, 2 * w, 4) + conv(s // 4, 4 * w, w, 4)
    up += conv(s // 2, 2 * w, w, 4)
    fill = down + up + conv(s, w, 3, 3)
    counted = count_training("baseline", width=w, side=s)
    assert counted.flops_fill == fill
    # Backward costs twice the forward, but for the first layer, whose input needs no gradient.
    assert counted.flops_step == 3 * fill - conv(s // 2, 6, w, 4)
    assert counted.flops == counted.flops_step * PICTURES * 20
    assert count_training("baseline", width=w, side=2 * s).flops_step == 4 * counted.flops_step
    assert counted.seconds == pytest.approx(counted.flops / 790e12)


def test_a_critic_has_its_cost():
    w, s = 4, 64
    critic = conv(s // 2, 3, w, 4) + conv(s // 4, w, 2 * w, 4) + conv(s // 8, 2 * w, 4 * w, 4)
    critic += conv(s // 16, 4 * w, 8 * w, 4)
    first = conv(s // 2, 3, w, 4)
    plain = count_training("baseline", width=w, side=s).flops_step
    with_critic = count_training("gan_new_loss", width=w, side=s).flops_step
    # Critic's step: real and fake, forward and backward (no gradient for the pictures). Generator's: forward, and
    # backward to the picture alone. The linear layer's few operations are left out.
    expected = 2 * (3 * critic - first) + 2 * critic
    assert with_critic - plain == pytest.approx(expected, rel=2e-3)
