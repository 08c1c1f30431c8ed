"""Detecting the hardware, without guessing."""

import types

import pytest
import torch

from trainer.errors import UserError
from trainer.training import hardware


def test_the_cpu_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(hardware, "usable_cores", lambda: 2)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True, "avx2": True}, raising=False)
    assert hardware.detect_hardware() == hardware.Hardware("cpu", "bf16", 2, "2 CPU cores")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False, "avx512_bf16": False, "avx2": True}, raising=False)
    assert hardware.detect_hardware().description == "2 CPU cores, fp32"
    # As in torch 2.8.
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert hardware.detect_hardware().description == "2 CPU cores, fp32"


@pytest.mark.parametrize(("major", "precision"), [(9, "bf16"), (8, "bf16"), (7, "fp16"), (6, "fp32")])
def test_bf16_only_where_a_gpu_gains_from_it(monkeypatch: pytest.MonkeyPatch, major: int, precision: str) -> None:
    card = types.SimpleNamespace(name="NVIDIA T4", major=major, minor=5, total_memory=15 * 2**30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    # Emulated bf16 counts as "supported" for torch; it must not count here.
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)
    gpu = hardware.detect_hardware()
    assert (gpu.device, gpu.precision, gpu.description) == ("cuda", precision, f"NVIDIA T4, 15 GB, {precision}")


def test_a_containers_quota_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(hardware.Path, "read_text", lambda self: "150000 100000\n")
    assert hardware.usable_cores() == 2
    monkeypatch.setattr(hardware.Path, "read_text", lambda self: "max 100000\n")
    assert hardware.usable_cores() == 64


@pytest.mark.parametrize(
    ("device", "has", "offered"),
    [
        ("cpu", "fp32", {"fp32"}),
        ("cpu", "bf16", {"fp32", "bf16"}),
        ("mps", "fp32", {"fp32"}),
        ("cuda", "fp32", {"fp32"}),
        ("cuda", "fp16", {"fp32", "fp16"}),
        ("cuda", "bf16", {"fp32", "fp16", "bf16"}),
    ],
)
def test_only_a_precision_that_is_there_can_be_asked_for(device: str, has: str, offered: set[str]) -> None:
    machine = hardware.Hardware(device, has, 2, "this one")
    assert hardware.with_precision(machine, "auto") == machine
    for precision in ("fp32", "bf16", "fp16"):
        if precision in offered:
            assert hardware.with_precision(machine, precision).precision == precision
        else:
            with pytest.raises(UserError, match=f"this one.* has no {precision}") as refused:
                hardware.with_precision(machine, precision)
            assert refused.value.code == "precision_unavailable"
