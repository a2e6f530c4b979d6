"""The module, its configuration, and the table of kernels."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pydantic
import pytest
import torch

from regard.attention import (
    Additive,
    Attention,
    AttentionConfig,
    Causal,
    General,
    LocalPredictive,
    Padding,
    ScaledDot,
    Selection,
    Soft,
    Sparsemax,
    attend,
    build_attention,
)
from regard.attention.kernels import table
from regard.attention.selections import Family

FIELDS = AttentionConfig.model_fields
EVERY_CONFIG = [
    AttentionConfig(score=score, scope=scope, selection=selection, window=3)
    for score, scope, selection in itertools.product(
        *(get_args(FIELDS[name].annotation) for name in ("score", "scope", "selection"))
    )
]


@pytest.mark.parametrize("causal", [False, True])
def test_every_configuration_trains_or_says_why_not(causal: bool) -> None:
    torch.manual_seed(0)
    refused = []
    for config in EVERY_CONFIG:
        try:
            attention = build_attention(config, query_dim=4, key_dim=4, heads=2, dropout=0.1, causal=causal)
        except ValueError:
            refused.append(config)
            continue
        query, key = torch.randn(2, 2, 6, 4, requires_grad=True), torch.randn(2, 2, 6, 4)
        mask = Padding(torch.tensor([[True] * 6, [True] * 3 + [False] * 3]))
        attended = attention(query, key, key, scope=mask)
        total = attended.context.sum()
        if attended.log_probability is not None:
            total = total + attended.log_probability.sum()
        total.backward()
        assert torch.isfinite(attended.context).all()
        for name, parameter in attention.named_parameters():
            assert parameter.grad is not None, (config, name)
    assert {config.scope for config in refused} <= {"local-p"}
    assert all(causal or config.selection in ("hard", "gumbel") for config in refused)


def test_parameters_of_score_and_scope_are_the_modules() -> None:
    real = Padding(torch.ones(1, 3, dtype=torch.bool))
    names = {
        "plain": Attention(General(4, 4), Soft(), scope=LocalPredictive(4, 2)),
        "joined": Attention(Additive(4, 4, 4), Soft(), scope=LocalPredictive(4, 2) & real),
    }
    assert set(dict(names["plain"].named_parameters())) == {"score.weight", "scope.weight", "scope.vector"}
    assert len(list(names["joined"].parameters())) == 5


def test_a_call_narrows_the_modules_scope() -> None:
    attention = Attention(ScaledDot(), Soft(), scope=Causal())
    states = torch.randn(1, 1, 3, 4)
    real = torch.tensor([[False, True, True]])
    attended = attention(states, states, states, scope=Padding(real), rows="all")
    assert (attended.weights[0, 0] > 0).tolist() == [
        [False, False, False],
        [False, True, False],
        [False, True, True],
    ]


@pytest.mark.parametrize("score", [ScaledDot(), General(4, 4, 4), Additive(4, 4, 5, 4), Additive(4, 4, 5)])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("selection", [Soft(), Sparsemax()])
def test_keys_prepared_once_give_the_same(score: Any, kv_heads: int, selection: Selection) -> None:
    query, key, value = (torch.randn(2, heads, 6, 4) for heads in (4, kv_heads, kv_heads))
    for kernel in (None, "reference"):
        call = {"score": score, "selection": selection, "rows": "all", "kernel": kernel}
        expected = attend(query, key, value, **call)
        prepared = attend(query, score.prepare(key), value, prepared=True, **call)
        torch.testing.assert_close(prepared.context, expected.context)
        torch.testing.assert_close(prepared.weights, expected.weights)


def test_configuration_is_strict() -> None:
    for wrong in ({"scor": "dot"}, {"score": "cosine"}, {"window": "3"}, {"window": 0}, {"temperature": 0.0}):
        with pytest.raises(pydantic.ValidationError):
            AttentionConfig(**wrong)


def test_expected_is_of_hard_selection() -> None:
    AttentionConfig(selection="hard", expected=0.5)
    with pytest.raises(
        pydantic.ValidationError, match='expected is of selection "hard", and this is "gumbel"'
    ):
        AttentionConfig(expected=0.5, selection="gumbel")


def every_case() -> list[table.Case]:
    booleans = (False, True)
    return [
        table.Case(*values)
        for values in itertools.product(
            ("cpu", "cuda", "mps"),
            ("product", "additive"),
            ("dense", "band", "predicted", "gaussian"),
            get_args(Family),
            *([booleans] * 7),
        )
    ]


def test_the_table_gives_every_case_a_kernel_that_can_serve_it() -> None:
    for case in every_case():
        assert table.SERVES[table.choose(case)](case), case


def test_every_rule_is_used_and_shown() -> None:
    for device in ("cpu", "cuda"):
        shown = table.rows(device)
        cases = [case for case in every_case() if case.device == device]
        # The first that fits serves: one that is never the first is not used.
        firsts = {next(i for i, rule in enumerate(table.RULES) if rule.fits(case)) for case in cases}
        rules = [i for i, rule in enumerate(table.RULES) if rule.device is None or device in rule.device]
        assert sorted(firsts) == rules
        for row, rule in zip(shown, (table.RULES[i] for i in rules), strict=True):
            assert (row["kernel"], row["why"]) == (rule.kernel, rule.why)
            # As many conditions as the rule has: a row that lacked one would hide those below.
            wanted = [name for name in table.Case._fields if getattr(rule, name) is not None]
            said = [name for name in row if name not in ("kernel", "why") and row[name] != "any"]
            assert len(said) == len(set(wanted) - {"device"})
    assert not {"short"} & {row["kernel"] for row in table.rows("cuda")}
