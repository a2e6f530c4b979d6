"""Looks at one model that overlap: in one thread, in several, and ended in any order."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import regard
from regard.lens import Seen


class Both(nn.Module):
    """Attention that is followed by its module, and attention that is followed by its function."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.encoder(x)
        return F.scaled_dot_product_attention(x, x, x)


PLACES = ["encoder.layers.0.self_attn", "attention"]


def looking(model: nn.Module) -> Iterator[Seen]:
    """A look that lasts until it is closed."""
    with regard.look(model) as seen:
        yield seen


def runs(seen: Seen) -> list[int]:
    return [len(seen.runs(name)) for name in PLACES]


@torch.no_grad()
@pytest.mark.parametrize("first", [0, 1])
def test_the_first_of_two_looks_may_end_first(first: int) -> None:
    model, x = Both().eval(), torch.randn(1, 3, 8)
    plain = model(x)
    looks = [looking(model), looking(model)]
    seen = [next(one) for one in looks]
    model(x)
    looks[first].close()  # type: ignore[attr-defined]
    assert torch.equal(model(x), plain)
    assert (runs(seen[first]), runs(seen[1 - first])) == ([1, 1], [2, 2])
    looks[1 - first].close()  # type: ignore[attr-defined]
    model(x)
    assert (runs(seen[first]), runs(seen[1 - first])) == ([1, 1], [2, 2])
    assert not [module for module in model.modules() if "forward" in vars(module)]
    assert torch._C._len_torch_function_stack() == 0


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@torch.no_grad()
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_that_is_made_meanwhile_runs_itself(copied: Callable[[nn.Module], nn.Module]) -> None:
    model, x = Both().eval(), torch.randn(1, 3, 8)
    plain = model(x)
    with regard.look(model), regard.look(model):
        model(x)
        twin = copied(model)
    assert torch.equal(twin(x), plain)
    for weight in twin.parameters():
        weight.zero_()
    assert not twin(x).any()
    assert torch.equal(model(x), plain)
    assert not copied(twin)(x).any()
    with regard.look(twin) as seen:
        twin(x)
    assert runs(seen) == [1, 1]


class CopiesItself(Both):
    """A module that copies what it holds without saying first into what."""

    def __deepcopy__(self, memo: dict[int, object]) -> CopiesItself:
        twin = CopiesItself.__new__(CopiesItself)
        twin.__dict__ = copy.deepcopy(vars(self), memo)
        return twin


@torch.no_grad()
def test_modules_that_copy_themselves_and_exports_go_on() -> None:
    model, x = CopiesItself().eval(), torch.randn(1, 3, 8)
    with regard.look(model):
        model(x)
        twin = copy.deepcopy(model)
        watched = [module for module in model.modules() if "forward" in vars(module)]
        assert watched
        assert all(module.forward.__code__.co_code for module in watched)  # what exporters read of a function
    assert torch.equal(twin(x), model(x))


def test_a_copy_keeps_a_forward_of_ones_own() -> None:
    model = nn.Sequential(nn.Identity(), Both().eval())
    model[0].forward = torch.neg
    with regard.look(model):
        model(torch.randn(1, 3, 8))
        twin = copy.deepcopy(model)
    assert twin[0](torch.ones(1)).item() == -1


def test_looks_of_two_threads_may_overlap() -> None:
    model, x = Both().eval(), torch.randn(1, 3, 8)
    began, ended = threading.Event(), threading.Event()
    seen: list[Seen] = []

    @torch.no_grad()
    def other() -> None:
        with regard.look(model) as theirs:
            began.set()
            assert ended.wait(10)
            model(x)
        seen.append(theirs)

    with torch.no_grad():
        with regard.look(model) as ours:
            thread = in_a_thread(other)
            assert began.wait(10)
            model(x)
        ended.set()
        thread.join()
        model(x)
    assert (runs(ours), runs(seen[0])) == ([1, 1], [1, 1])
    assert not [module for module in model.modules() if "forward" in vars(module)]


def test_a_model_that_runs_in_another_thread_hides_nothing_here() -> None:
    model, x = Both().eval(), torch.randn(1, 3, 8)
    inside, done, here = threading.Event(), threading.Event(), threading.get_ident()

    def held(*_: object) -> None:
        if threading.get_ident() != here:
            inside.set()
            assert done.wait(10)

    model.encoder.layers[0].register_forward_pre_hook(held)
    with torch.no_grad(), regard.look(model) as seen:
        thread = in_a_thread(lambda: model(x))
        assert inside.wait(10)
        model(x)
        done.set()
        thread.join()
    assert sorted(seen) == sorted(PLACES)
