"""Normalising and joining: what is quicker on a CPU gives what torch and torchvision give."""

import pytest
import torch
from torchvision.models import AlexNet_Weights
from torchvision.transforms.functional import normalize

from variants.blocks import MEAN, STD, denormalise, join, normalise


def test_normalised_space_is_torchvisions():
    weights = AlexNet_Weights.IMAGENET1K_V1.transforms()
    assert list(weights.mean) == list(MEAN) == [0.485, 0.456, 0.406]
    assert list(weights.std) == list(STD) == [0.229, 0.224, 0.225]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(5, 7), (16, 16), (1, 9), (9, 1)])
def test_normalising_is_torchvisions_in_either_layout(layout, size):
    image = torch.rand(2, 3, *size).contiguous(memory_format=layout)
    given = normalise(image)
    torch.testing.assert_close(given, normalize(image, MEAN, STD), rtol=0, atol=1e-6)
    assert given.stride() == image.stride()
    torch.testing.assert_close(denormalise(given), image, rtol=0, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_joining_is_cat_with_gradients_that_are_dense(layout):
    a, b = (torch.rand(2, channels, 4, 6).contiguous(memory_format=layout).requires_grad_() for channels in (3, 5))
    weight = torch.rand(2, 8, 4, 6).contiguous(memory_format=layout)
    strides = []
    for part in (a, b):
        part.register_hook(lambda gradient: strides.append(gradient.stride()))
    joined = join(a, b)
    assert torch.equal(joined, torch.cat((a, b), dim=1))
    (joined * weight).sum().backward()
    assert torch.equal(a.grad, weight[:, :3]) and torch.equal(b.grad, weight[:, 3:])
    assert {a.stride(), b.stride()} == set(strides)
