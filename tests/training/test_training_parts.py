"""The small parts of training, each by itself."""

import io
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from rich.console import Console
from torch import nn

from regard.models.text import ModelConfig, build_translator
from regard.nn.freed_memory import keep_freed_memory
from regard.tasks.text.reinforce import Reinforced
from regard.training import TrainingConfig, signals
from regard.training.curves import draw_curves
from regard.training.display import Display
from regard.training.log import RunLog, read_log
from regard.training.muon import Float32Muon
from regard.training.optimizer import (
    OptimizerKind,
    build_optimizers,
    optimizer_tensors,
    restore_optimizers,
)
from regard.training.precision import choose_precision
from regard.training.prefetch import Prefetch
from regard.training.schedule import learning_rate
from regard.training.signals import Interrupted, StopRequestedError, StopRequests
from regard.training.state import is_better

FIGURES = {"loss": 2.0, "tokens_per_second": 1234.5, "padding": 0.05}


@pytest.mark.parametrize("schedule", ["inverse-square-root", "cosine", "constant"])
def test_schedules_rise_to_the_peak_and_do_not_rise_again(schedule: str) -> None:
    rates = [
        learning_rate(update, peak=0.5, schedule=schedule, warmup=10, total=100)  # type: ignore[arg-type]
        for update in range(1, 101)
    ]
    assert rates[:10] == pytest.approx([0.05 * update for update in range(1, 11)])
    assert max(rates) == 0.5
    assert rates[9:] == sorted(rates[9:], reverse=True)
    with pytest.raises(ValueError, match="first is 1"):
        learning_rate(0, peak=0.5, schedule="constant", warmup=0, total=1)


def test_lengths_follow_from_few_dials() -> None:
    assert TrainingConfig().total(10) == 200
    assert TrainingConfig(epochs=3, accumulate=4).total(10) == 7
    assert TrainingConfig(updates=5).total(10) == 5
    assert TrainingConfig(accumulate=4).validation_interval(10) == 2
    assert TrainingConfig().warmup_updates(100) == 10
    assert TrainingConfig(warmup=0).warmup_updates(100) == 0
    assert TrainingConfig.model_validate({"betas": [0.8, 0.9]}).betas == (0.8, 0.9)


@pytest.mark.parametrize(
    "wrong", [{"updates": 1, "epochs": 1}, {"learning_rat": 1.0}, {"epochs": "3"}, {"betas": (0.9, 1.0)}]
)
def test_wrong_dials_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingConfig.model_validate(wrong)


def test_the_config_does_not_wait_for_torch() -> None:
    code = "import sys; from regard.training.config import TrainingConfig; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def optimizers_of(model: nn.Module, kind: OptimizerKind, rate: float) -> list[torch.optim.Optimizer]:
    optimizers = build_optimizers(model, kind, betas=(0.9, 0.98), weight_decay=0.1)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
    return optimizers


def step(model: nn.Module, optimizers: list[torch.optim.Optimizer], x: torch.Tensor) -> None:
    model.zero_grad()
    model(x).square().sum().backward()
    for optimizer in optimizers:
        optimizer.step()


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_the_optimizers_go_on_where_they_were(kind: OptimizerKind) -> None:
    torch.manual_seed(0)
    models = [nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 2)) for _ in range(2)]
    optimizers = [optimizers_of(model, kind, 0.1) for model in models]
    x = torch.randn(4, 3)
    step(models[0], optimizers[0], x)
    models[1].load_state_dict(models[0].state_dict())
    kept = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizers[0], models[0]).items()}
    restore_optimizers(optimizers[1], models[1], kept)
    for model, both in zip(models, optimizers, strict=True):
        step(model, both, x)
    for mine, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("parts", ["transformer", "lstm"])
def test_muon_moves_all_matrices_inside_and_nothing_else(parts: Literal["transformer", "lstm"]) -> None:
    config = ModelConfig(width=8, heads=2, layers=1, encoder=parts, decoder=parts, tie_embeddings=False)
    model = build_translator(config, 11, 13, joint=False, pad=0)
    adamw, muon = build_optimizers(model, "muon", betas=(0.9, 0.98), weight_decay=0.1)
    moved = {id(p) for group in muon.param_groups for p in group["params"]}
    kept = {id(p) for group in adamw.param_groups for p in group["params"]}
    assert moved | kept == {id(p) for p in model.parameters()}
    outer = {"source_embedding.weight", "target_embedding.weight", "output.weight"}
    for name, parameter in model.named_parameters():
        assert (id(parameter) in moved) == (parameter.dim() == 2 and name not in outer), name


def test_muon_knows_the_outer_layers_under_what_training_wraps_around() -> None:
    for tied in (True, False):
        config = ModelConfig(width=8, heads=2, layers=1, tie_embeddings=tied)
        model = Reinforced(build_translator(config, 11, 11, joint=True, pad=0), 11)
        _, muon = build_optimizers(model, "muon", betas=(0.9, 0.98), weight_decay=0.1)
        assert all(11 not in p.shape for group in muon.param_groups for p in group["params"])


def test_muon_alone_where_there_are_only_matrices() -> None:
    (only,) = build_optimizers(
        nn.Sequential(nn.Linear(4, 4, bias=False)), "muon", betas=(0.9, 0.98), weight_decay=0.1
    )
    assert isinstance(only, torch.optim.Muon)


@pytest.mark.parametrize("fast", [True, False])
def test_muon_is_torchs_where_bfloat16_is_fast_and_else_in_float32(
    fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.training.optimizer.multiplies_bf16", lambda device: fast)
    (only,) = build_optimizers(
        nn.Sequential(nn.Linear(4, 4, bias=False)), "muon", betas=(0.9, 0.98), weight_decay=0.1
    )
    assert type(only) is (torch.optim.Muon if fast else Float32Muon)


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 1000))
def test_float32_muon_takes_the_steps_of_torchs(rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # In bfloat16, in which torch computes whatever it is given, both do the same to the bit.
    start = torch.randn(rows, columns, generator=generator).bfloat16()
    theirs, mine = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    optimizers = (
        torch.optim.Muon([theirs], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        Float32Muon([mine], lr=0.01, weight_decay=0.1),
    )
    for _ in range(3):
        theirs.grad = torch.randn(rows, columns, generator=generator).bfloat16()
        mine.grad = theirs.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert torch.equal(mine, theirs)
    states = [optimizer.state[p] for optimizer, p in zip(optimizers, (theirs, mine), strict=True)]
    assert torch.equal(states[0]["momentum_buffer"], states[1]["momentum_buffer"])


def test_float32_muon_leaves_what_has_no_gradient_and_calls_the_closure() -> None:
    still, moved = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    optimizer = Float32Muon([still, moved], lr=0.1, weight_decay=0.0)

    def closure() -> float:
        moved.square().sum().backward()
        return 1.5

    assert optimizer.step(closure) == 1.5
    assert torch.equal(still, torch.ones(2, 2))
    assert not torch.equal(moved, torch.ones(2, 2))


def test_a_step_of_muon_is_orthogonal_and_as_large_as_adamws() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 64, bias=False)
    model, before = nn.Sequential(layer, nn.ReLU()), layer.weight.detach().clone()
    (_, muon) = optimizers_of(nn.Sequential(model, nn.Linear(64, 2)), "muon", 0.01)
    muon.param_groups[0]["weight_decay"] = 0.0
    layer.weight.grad = torch.randn(64, 64)
    muon.step()
    change = (before - layer.weight.detach()) / 0.01
    assert float(change.square().mean().sqrt()) == pytest.approx(0.2, rel=0.25)  # as Liu et al. 2025 chose
    singular = torch.linalg.svdvals(change)
    # Five steps of Newton and Schulz bring all but the smallest singular values to about one size.
    assert float(singular[0] / singular[-6]) < 2.5


def test_lines_after_the_checkpoint_and_lines_cut_short_are_dropped(tmp_path: Path) -> None:
    with RunLog(tmp_path, update=0, validated=0) as log:
        for update in (1, 2, 3):
            log.write(update, {"loss": 1.0 / update})
            log.write(update, {"loss": 2.0 / update}, "validation")
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"update": 4, "lo')
    with RunLog(tmp_path, update=2, validated=1) as log:
        log.write(3, {"loss": 0.3})
    told = [(line["update"], "validation" in line) for line in read_log(tmp_path)]
    assert told == [(1, False), (1, True), (2, False), (3, False)]


def test_a_validation_that_is_no_number_is_still_a_line_of_json(tmp_path: Path) -> None:
    with RunLog(tmp_path, update=0, validated=0) as log:
        log.write(1, {"loss": math.nan}, "validation")
    assert "NaN" not in (tmp_path / "log.jsonl").read_text("utf-8")
    assert read_log(tmp_path) == [{"update": 1, "validation": {"loss": None}}]


def test_curves_of_training_and_validation(tmp_path: Path) -> None:
    with RunLog(tmp_path, update=0, validated=0) as log:
        for update in (10, 20):
            log.write(update, {"loss": 1.0 / update, "learning_rate": 0.1})
            log.write(update, {"loss": 2.0 / update, "bleu": 3.0}, "validation")
    path = draw_curves(tmp_path)
    assert path is not None
    assert path.read_bytes().startswith(b"\x89PNG")


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with Display(Console(file=stream), total=100, done=20) as display:
        display.advance(21)
        display.figures(21, 0, FIGURES)
        display.figures(22, 0, FIGURES)  # too soon after the last
        display.validation(22, {"loss": 1.5, "bleu": 40.123}, best=True)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("update 21/100  epoch 0  loss 2.000  1,234 tokens/s  padding 5.0%  left 0:")
    assert lines[1] == "update 22: validation  loss 1.5  bleu 40.12  (best so far)"


def test_a_bar_on_a_terminal() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120)
    with Display(console, total=100, done=20) as display:
        display.advance(21)
        display.figures(21, 0, FIGURES)
    assert "21/100" in stream.getvalue()
    assert "padding 5.0%" in stream.getvalue()


def test_an_echo_of_a_signal_is_not_a_second_request(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(signals.time, "monotonic", lambda: now[0])
    obeyed = []
    monkeypatch.setattr(signals.signal, "raise_signal", obeyed.append)
    with StopRequests() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        now[0] = 100.05
        os.kill(os.getpid(), signal.SIGTERM)
        assert (stop.received, obeyed) == (signal.SIGTERM, [])
        now[0] = 110.0
        os.kill(os.getpid(), signal.SIGTERM)
        assert obeyed == [signal.SIGTERM]


def test_signals_are_noted_and_break_off_only_what_may_be() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopRequests() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.received == signal.SIGTERM
        with pytest.raises(StopRequestedError), stop.breakable():
            pass
    with StopRequests() as stop, pytest.raises(StopRequestedError), stop.breakable():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert Interrupted(signal.SIGINT).code == 130


def test_errors_of_batches_made_ahead_arrive_when_they_are_asked_for() -> None:
    def make(number: int) -> int:
        if number == 2:
            raise RuntimeError("bad batch")
        return number

    with Prefetch(make, last=3) as ahead:
        assert ahead.get(1) == 1
        with pytest.raises(RuntimeError, match="bad batch"):
            ahead.get(2)
        assert ahead.get(3) == 3


@pytest.mark.parametrize(
    ("amx", "avx512", "chosen"),
    [(True, False, "bf16"), (False, True, "bf16"), (False, False, "fp32")],
)
def test_precision(monkeypatch: pytest.MonkeyPatch, amx: bool, avx512: bool, chosen: str) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    assert choose_precision("auto", cpu) == chosen
    assert choose_precision("fp32", cpu) == "fp32"
    assert choose_precision("auto", torch.device("meta")) == "fp32"
    assert choose_precision("bf16", cpu) == "bf16"


def test_figures_are_better_in_their_own_direction() -> None:
    assert is_better("perplexity", 3.0, 4.0)
    assert not is_better("chrf", 3.0, 4.0)
    assert not is_better("loss", float("nan"), None)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_freed_memory_is_kept() -> None:
    """With the setting, taking a large block again and again soon costs no page faults."""
    code = """
import resource, torch
from regard.nn.freed_memory import keep_freed_memory
kept = keep_freed_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for round in range(40):
    if round == 20:
        before = faults()
    torch.ones(2**24)
print(int(kept), faults() - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, faults = map(int, run.stdout.split())
    assert keep_freed_memory() == bool(kept)
    assert not kept or faults < 2 * 16_384  # the pages of two blocks; all twenty of them without
