"""Which kernel serves what: the one table that :func:`regard.attention.attend` picks from.

Rules are read from the top; the first that fits serves. Thresholds were measured with torch 2.13 on a Xeon
with AMX; on a CPU the two-byte float is bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch

from regard.attention.kernels.additive import additive
from regard.attention.kernels.fused import fused, plainly_causal
from regard.attention.kernels.gathered import gathered
from regard.attention.kernels.reference import reference
from regard.attention.kernels.short import short
from regard.attention.kernels.windowed import windowed
from regard.attention.problem import Problem, Solution
from regard.attention.scopes import Band, Causal
from regard.attention.selections import Family

FEW_KEYS = 256
"""Up to here a CPU is fastest in bfloat16 when it writes all weights out; above, in chunks."""

MASKED_KEYS = 512
"""Up to here SDPA is faster on a CPU even where it must be given a whole mask."""

FEW_QUERIES = 4
"""Below, as in a step of decoding, what counts is how few operations there are."""

KERNELS: dict[str, Callable[[Problem], Solution]] = {
    "reference": reference,
    "fused": fused,
    "short": short,
    "windowed": windowed,
    "gathered": gathered,
    "additive": additive,
}


class Case(NamedTuple):
    """What the choice depends on.

    Attributes:
        device: type of the device.
        score: "product" (dot, scaled dot, tempered dot, general) or "additive".
        scope: "dense"; "band" and "predicted" where windows (fixed and local-m; local-p) are much
            narrower than the keys are many; "gaussian" where local-p's are not.
        selection: family of the selection.
        dropout: whether weights are dropped.
        gradients: whether a backward may follow.
        half: whether floats have two bytes.
        few_keys: at most FEW_KEYS keys.
        few_queries: fewer than FEW_QUERIES queries.
        learned_slopes: whether ALiBi's slopes want a gradient.
        held: whether SDPA would hold [queries × keys] over MASKED_KEYS keys, and chunks be no slower: a
            causal scope with another, with slopes or not from the first key on; values of another size than
            queries. (Without Causal nothing can be skipped, and chunks take up to twice SDPA's time.)
    """

    device: str
    score: Literal["product", "additive"]
    scope: Literal["dense", "band", "predicted", "gaussian"]
    selection: Family
    dropout: bool
    gradients: bool
    half: bool
    few_keys: bool
    few_queries: bool
    learned_slopes: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table: an attribute that is None fits everything.

    Attributes:
        kernel: a name of KERNELS.
        why: one line for people.
    """

    kernel: str
    why: str
    device: tuple[str, ...] | None = None
    score: tuple[str, ...] | None = None
    scope: tuple[str, ...] | None = None
    selection: tuple[str, ...] | None = None
    dropout: bool | None = None
    gradients: bool | None = None
    half: bool | None = None
    few_keys: bool | None = None
    few_queries: bool | None = None
    learned_slopes: bool | None = None
    held: bool | None = None

    def fits(self, case: Case) -> bool:
        """Whether this rule speaks of the case."""
        for field, value in case._asdict().items():
            wanted = getattr(self, field)
            if wanted is not None and (value not in wanted if isinstance(wanted, tuple) else value != wanted):
                return False
        return True


RULES: tuple[Rule, ...] = (
    Rule(
        "additive",
        "never holds [queries × keys × hidden]; softmax streams, while other selections, local-p and learned "
        "slopes hold [queries × keys]",
        score=("additive",),
    ),
    Rule("reference", "weights drawn are kept whole, for whoever looks at them", selection=("hard",)),
    Rule("gathered", "each query's own window: O(queries × window)", scope=("predicted",)),
    Rule("gathered", "O(queries × window), any selection", scope=("band",), selection=("sparse", "sigmoid")),
    Rule("gathered", "the same, with the gradient of slopes", scope=("band",), learned_slopes=True),
    Rule("reference", "slopes that are learned need the gradient of the bias", learned_slopes=True),
    Rule("reference", "a row's weights depend on all of its scores at once", selection=("sparse",)),
    Rule("reference", "SDPA knows softmax only", selection=("sigmoid",)),
    Rule("reference", "a Gaussian after the softmax", scope=("gaussian",)),
    Rule("windowed", "O(queries × window) time and memory", scope=("band",)),
    Rule(
        "short",
        "SDPA on a CPU drops no weights without writing them out",
        device=("cpu",),
        dropout=True,
        few_keys=True,
    ),
    Rule("windowed", "the same, in chunks computed again in the backward", device=("cpu",), dropout=True),
    Rule(
        "fused",
        "SDPA: a single operation for a step of decoding",
        device=("cpu",),
        gradients=False,
        few_queries=True,
    ),
    Rule(
        "short",
        "in two-byte floats SDPA is slow on a CPU, its backward several times slower at short lengths",
        device=("cpu",),
        half=True,
        few_keys=True,
    ),
    Rule(
        "windowed",
        "the same at any length: chunks computed again in the backward",
        device=("cpu",),
        half=True,
    ),
    Rule(
        "windowed",
        f"over {MASKED_KEYS} keys, Causal with more, or values of another size: SDPA would hold a whole mask",
        device=("cpu",),
        held=True,
    ),
    Rule("fused", "SDPA: never holds the weights"),
)


def _plain(case: Case) -> bool:
    return (
        case.score == "product"
        and case.selection == "soft"
        and case.scope in ("dense", "band")
        and not case.learned_slopes
    )


SERVES: dict[str, Callable[[Case], bool]] = {
    "reference": lambda case: True,
    "fused": _plain,
    "short": _plain,
    "windowed": _plain,
    "gathered": lambda case: case.score == "product" and case.scope != "dense" and case.selection != "hard",
    "additive": lambda case: case.score == "additive",
}
"""What each kernel can do, whether or not the rules would give it."""


@lru_cache(maxsize=4096)
def choose(case: Case) -> str:
    """The name of the kernel that serves the case.

    Example:
        >>> choose(Case("cpu", "product", "dense", "soft", False, False, False, True, True, False, False))
        'fused'
    """
    return next(rule.kernel for rule in RULES if rule.fits(case))


def case_of(problem: Problem) -> Case:
    """Describe a call for the table."""
    query = problem.query
    keys = problem.key.shape[2]
    return Case(
        device=query.device.type,
        score="product" if problem.vector is None else "additive",
        scope=_scope_kind(problem, keys),
        selection=problem.selection.family,
        dropout=problem.dropout > 0,
        gradients=torch.is_grad_enabled()
        and (query.requires_grad or problem.key.requires_grad or problem.value.requires_grad),
        half=query.element_size() == 2,
        few_keys=keys <= FEW_KEYS,
        few_queries=query.shape[2] < FEW_QUERIES,
        learned_slopes=problem.learns_slopes,
        held=keys > MASKED_KEYS and _sdpa_holds(problem),
    )


def _sdpa_holds(problem: Problem) -> bool:
    if problem.value.shape[3] != problem.query.shape[3]:
        return True
    causal = any(isinstance(part, Causal) for part in problem.scope.parts)
    return causal and not plainly_causal(problem)


def _scope_kind(problem: Problem, keys: int) -> Literal["dense", "band", "predicted", "gaussian"]:
    if problem.predictive is not None:
        return "predicted" if 4 * (2 * problem.predictive.window + 1) < keys else "gaussian"
    for part in problem.scope.parts:
        if isinstance(part, Band) and 4 * (part.before + part.after + 1) < keys:
            return "band"
    return "dense"


def forced(kernel: str, problem: Problem) -> str:
    """Check that a kernel asked for by name can serve the call.

    Raises:
        ValueError: there is no such kernel, or it cannot.
    """
    if kernel not in KERNELS:
        raise ValueError(f"there is no attention kernel {kernel!r}; there are {', '.join(KERNELS)}")
    case = case_of(problem)
    if not SERVES[kernel](case):
        raise ValueError(
            f"the {kernel} kernel does not serve this call: {case.score} score, {case.scope} scope, "
            f"{case.selection} selection; leave `kernel` out, or use 'reference'"
        )
    return kernel


_COLUMNS: dict[str, tuple[str, str, str]] = {
    "half": ("floats", "2 bytes", "4 or 8 bytes"),
    "few_keys": ("keys", f"up to {FEW_KEYS}", f"over {FEW_KEYS}"),
    "few_queries": ("queries", f"under {FEW_QUERIES}", f"{FEW_QUERIES} or more"),
    "learned_slopes": ("slopes", "learned", "fixed"),
    "held": ("SDPA", "would hold [queries × keys]", "holds less"),
}
"""How flags of a case are called for people, and their two values; the others are called as they are."""


def rows(device: str) -> list[dict[str, str]]:
    """The rules that can apply on a device type, in the order in which they are read, for people.

    Weights of chosen query rows are computed beside any kernel, for those rows only.

    Returns:
        For each rule the kernel, all its conditions, a word or two each and "any" where it has none, and why.

    Example:
        >>> rows("cuda")[-1]["kernel"]
        'fused'
    """
    conditions = [name for name in Case._fields if name != "device"]
    return [
        {"kernel": rule.kernel, **dict(_condition(rule, name) for name in conditions), "why": rule.why}
        for rule in RULES
        if rule.device is None or device in rule.device
    ]


def _condition(rule: Rule, name: str) -> tuple[str, str]:
    """A column's name, and what a rule says in it."""
    column, yes, no = _COLUMNS.get(name, (name, "yes", "no"))
    wanted: tuple[str, ...] | bool | None = getattr(rule, name)
    if wanted is None:
        return column, "any"
    return column, ", ".join(wanted) if isinstance(wanted, tuple) else yes if wanted else no
