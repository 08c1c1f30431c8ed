"""Dropout with cheap masks."""

import pytest
import torch
from torch import nn

from trainer.training.dropout import DropoutMaskGenerator, use_fast_dropout


def test_units_are_dropped_at_the_rate_and_the_rest_is_scaled() -> None:
    model = nn.Sequential(nn.Dropout(0.1), nn.ReLU())
    use_fast_dropout(model, 1)
    out = model(torch.ones(1_000, 1_001))
    assert (out == 0).float().mean().item() == pytest.approx(0.1, abs=0.002)
    assert out.max().item() == pytest.approx(1 / 0.9)
    assert out.mean().item() == pytest.approx(1, abs=0.005)
    # Neither rows nor columns are alike.
    assert (out == 0).float().mean(0).std().item() < 0.02
    assert not torch.equal(out[0], out[1])


def test_masks_follow_from_seed_and_step() -> None:
    def masks(seed: int, step: int) -> torch.Tensor:
        source = DropoutMaskGenerator(seed)
        source.begin(step)
        return torch.stack([source.draw(torch.Size([7, 13]), 0.5) for _ in range(3)])

    assert torch.equal(masks(1, 5), masks(1, 5))
    assert not torch.equal(masks(1, 5), masks(1, 6))
    assert not torch.equal(masks(1, 5), masks(2, 5))


def test_gradients_flow_through_what_was_kept() -> None:
    model = nn.Sequential(nn.Dropout(0.5))
    use_fast_dropout(model, 3)
    units = torch.ones(100, 100, requires_grad=True)
    out = model(units)
    out.sum().backward()
    assert torch.equal(units.grad, out.detach())


def test_nothing_is_dropped_in_evaluation_nor_at_rate_zero() -> None:
    model = nn.Sequential(nn.Sequential(nn.Dropout(0.5)), nn.Dropout(0.0))
    use_fast_dropout(model, 3)
    units = torch.randn(50, 50)
    assert torch.equal(model.eval()(units), units)
    model[0].eval()
    assert torch.equal(model.train()[1](units), units)


def test_low_precision_stays_low() -> None:
    model = nn.Sequential(nn.Dropout(0.1))
    use_fast_dropout(model, 3)
    assert model(torch.ones(10, 10, dtype=torch.bfloat16)).dtype == torch.bfloat16
