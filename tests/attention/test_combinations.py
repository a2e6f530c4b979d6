"""What makes no sense, or does not fit, is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from regard.attention import (
    Additive,
    Causal,
    Documents,
    Dot,
    General,
    Hard,
    LocalMonotonic,
    LocalPredictive,
    Others,
    Padding,
    Scope,
    Soft,
    Sparsemax,
    TemperedDot,
    Window,
    attend,
)
from regard.attention.combinations import NONSENSE

QUERY, KEY = torch.zeros(2, 2, 3, 4), torch.zeros(2, 1, 5, 4)
IDS = torch.zeros(2, 5, dtype=torch.long)

REFUSED: dict[str, tuple[Scope, dict[str, object], str]] = {
    "local-p causal": (LocalPredictive(4, 2) & Causal(), {}, "know the future"),
    "local-p window": (LocalPredictive(4, 2) & Window(2), {}, "a second window"),
    "local-p twice": (LocalPredictive(4, 2) & LocalPredictive(4, 2), {}, "two centres"),
    "local-m window": (LocalMonotonic(2) & Window(2), {}, "two positions"),
    "local-m documents": (LocalMonotonic(2) & Documents(IDS), {}, "several documents"),
    "local-p documents": (Documents(IDS) & LocalPredictive(4, 2), {}, "several documents"),
    "local-m others": (LocalMonotonic(2) & Others(), {}, "no key is the query itself"),
    "local-p others": (LocalPredictive(4, 2) & Others(), {}, "no key is the query itself"),
    "others alone": (Window(0) & Others(), {}, "nothing to see"),
    "others behind": (Others() & Window(0, 3) & Causal(), {}, "nothing to see"),
    "local-p hard": (LocalPredictive(4, 2), {"selection": Hard()}, "Gaussian"),
    "hard dropout": (Causal(), {"selection": Hard(), "dropout": 0.1, "training": True}, "one weight"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_is_refused_with_its_reason(name: str) -> None:
    scope, options, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        attend(QUERY, KEY, KEY, scope=scope, **options)  # type: ignore[arg-type]


def test_every_reason_is_tested() -> None:
    reasons = [reason for _, reason in NONSENSE]
    for reason in reasons:
        assert any(expected in reason for _, _, expected in REFUSED.values()), reason


MISFITS: dict[str, tuple[Callable[[], object], str]] = {
    "three dims": (lambda: attend(QUERY[0], KEY, KEY), "heads"),
    "batch": (lambda: attend(QUERY[:1], KEY, KEY), "query \\[batch"),
    "heads": (lambda: attend(torch.zeros(2, 3, 3, 4), torch.zeros(2, 2, 5, 4), KEY), "multiple"),
    "no heads": (lambda: attend(QUERY, KEY[:, :0], KEY[:, :0]), "multiple"),
    "heads of values": (lambda: attend(torch.zeros(2, 4, 3, 4), KEY, KEY.expand(-1, 3, -1, -1)), "multiple"),
    "heads of a product": (lambda: attend(QUERY, KEY.expand(-1, 2, -1, -1), KEY), "was given 2 and 1"),
    "heads of a prepared product": (
        lambda: attend(QUERY, KEY, KEY.expand(-1, 2, -1, -1), score=General(4, 4), prepared=True),
        "was given 1 and 2",
    ),
    "keys and values": (lambda: attend(QUERY, KEY, KEY[:, :, :4]), "value"),
    "dims of a dot": (lambda: attend(QUERY, KEY[..., :3], KEY, score=Dot()), "general score"),
    "dims of tempered": (lambda: attend(QUERY, KEY[..., :3], KEY, score=TemperedDot(4)), "tempered dot"),
    "heads of tempered": (lambda: attend(QUERY, KEY, KEY, score=TemperedDot(4, 3)), "3 heads"),
    "dims of general": (lambda: attend(QUERY, KEY, KEY, score=General(4, 5)), "general score of W"),
    "dims of additive": (lambda: attend(QUERY, KEY, KEY, score=Additive(5, 4, 3)), "additive"),
    "keys of additive": (lambda: attend(QUERY, KEY, KEY, score=Additive(4, 5, 3)), "keys of 5 dims"),
    "heads of additive": (
        lambda: attend(
            QUERY, KEY.expand(-1, 2, -1, -1), KEY.expand(-1, 2, -1, -1), score=Additive(4, 4, 3, 3)
        ),
        "heads",
    ),
    "prepared": (lambda: attend(QUERY, KEY, KEY, score=Additive(4, 4, 3), prepared=True), "hidden size"),
    "local-p": (lambda: attend(QUERY, KEY, KEY, scope=LocalPredictive(5, 2)), "local-p of 1 heads"),
    "mask's shape": (lambda: attend(QUERY, KEY, KEY, scope=Padding(IDS[:, :4] == 0)), "does not fit"),
    "mask's type": (lambda: Padding(IDS), "boolean"),
    "documents' type": (lambda: Documents(IDS == 0), "integers"),
    "documents' queries": (lambda: attend(QUERY, KEY, KEY, scope=Documents(IDS, IDS)), "documents"),
    "slopes": (lambda: attend(QUERY, KEY, KEY, slopes=torch.ones(3)), "slopes"),
    "rows": (lambda: attend(QUERY, KEY, KEY, rows=torch.tensor([3])), "not all among"),
    "rows' type": (lambda: attend(QUERY, KEY, KEY, rows=torch.tensor([0.0])), "integer"),
    "rows' word": (lambda: attend(QUERY, KEY, KEY, rows="some"), "'all'"),  # type: ignore[arg-type]
    "kernel": (lambda: attend(QUERY, KEY, KEY, kernel="magic"), "no attention kernel"),
    "kernel that cannot": (
        lambda: attend(QUERY, KEY, KEY, selection=Sparsemax(), kernel="fused"),
        "fused kernel does not serve",
    ),
    "window": (lambda: Window(-1), "negative"),
    "local-p's window": (lambda: LocalPredictive(4, 0), "at least 1"),
    "dropout": (lambda: attend(QUERY, KEY, KEY, dropout=1.5, training=True), "dropout"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_refused(name: str) -> None:
    call, reason = MISFITS[name]
    with pytest.raises(ValueError, match=reason):
        call()


def test_everything_else_works() -> None:
    real = torch.ones(2, 5, dtype=torch.bool)
    sensible = [
        Causal() & Padding(real) & Documents(IDS) & Window(2),
        LocalMonotonic(2) & Padding(real) & Causal(),
        LocalPredictive(4, 2) & Padding(real),
        Others() & Window(1, 0) & Padding(real),
    ]
    for scope in sensible:
        attended = attend(QUERY, KEY, KEY, scope=scope, selection=Soft(), dropout=0.1, training=True)
        assert attended.context.shape == (2, 2, 3, 4)
