"""The axis of what another library's tokenizer made of a text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from regard.lens.axis import Tokens

_SPACE = "▁"
# Signs that would break a line or a column, as the page in the browser shows them.
_SIGNS = str.maketrans({"\n": "↵", "\r": "↵", "\t": "⇥"})


def tokens_of(tokenizer: Any, ids: Sequence[int], words: Sequence[int | None] | None = None) -> Tokens:
    """Names of tokens, as a person reads them, and which of them make up a word.

    Letters that byte-level tokenizers cut into bytes are put together again where words are joined. Special
    tokens keep their names and belong to no word.

    Args:
        tokenizer: of Hugging Face's transformers, or one that has its ``convert_ids_to_tokens`` and
            ``all_special_ids``.
        ids: of the text.
        words: numbers of the words, as the tokenizer's ``word_ids()`` gives them; left out, a word begins
            where a token begins with a space, goes on with no mark such as ``##``, or comes after one that
            ends a word (``</w>``).

    Example:
        >>> class Letters:
        ...     all_special_ids = [0]
        ...     def convert_ids_to_tokens(self, ids):
        ...         return [["[CLS]", "▁un", "able", "▁man"][one] for one in ids]
        >>> tokens_of(Letters(), [0, 1, 2, 3]).joined().texts
        ('[CLS]', 'unable', 'man')
    """
    # A model may know more numbers than its tokenizer has tokens.
    known = tokenizer.convert_ids_to_tokens(list(ids))
    special = set(tokenizer.all_special_ids) | {
        one for one, token in zip(ids, known, strict=True) if token is None
    }
    raw = [f"#{one}" if token is None else str(token) for token, one in zip(known, ids, strict=True)]
    by_bytes, mark, end = _kind(tokenizer)
    texts: list[str] = []
    groups: list[int | None] = []
    word = -1
    ended = False
    for at, (token, one) in enumerate(zip(raw, ids, strict=True)):
        if int(one) in special:
            texts.append(token.translate(_SIGNS))
            groups.append(None)
            continue
        before, ended = ended, bool(end) and token.endswith(end)
        token = token.removesuffix(end)
        goes_on = bool(mark) and token.startswith(mark)
        text = token.removeprefix(mark) if goes_on else _letters(token) if by_bytes else token
        alone = not groups or groups[-1] is None
        if words is not None:
            begins = words[at] is None or words[at] != words[at - 1] if at else True
        else:
            begins = before or (bool(mark) and not goes_on)
        if alone or begins or text.startswith((_SPACE, " ")):
            word += 1
        texts.append(text.translate(_SIGNS))
        groups.append(word)
    return Tokens.of(texts, groups)


def _kind(tokenizer: Any) -> tuple[bool, str, str]:
    """Whether tokens are written as bytes, and the marks of one that goes on with a word, and of its end."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return hasattr(tokenizer, "byte_decoder"), "", ""
    parts = json.loads(backend.to_str())
    by_bytes = any('"ByteLevel"' in json.dumps(parts.get(part)) for part in ("pre_tokenizer", "decoder"))
    model = parts.get("model") or {}
    return (
        by_bytes,
        model.get("continuing_subword_prefix") or "",
        model.get("end_of_word_suffix") or "",
    )


def _letters(token: str) -> str:
    """A byte-level token as letters; bytes that are only a part of one as <0xE2>.

    Example:
        >>> _letters("Ġcat"), _letters("ìķĪëħ")
        ('▁cat', '안<0xEB><0x85>')
    """
    known = _bytes_of_signs()
    if any(sign not in known for sign in token):
        return token  # an added token is written as it is
    text = bytes(known[sign] for sign in token).decode("utf-8", errors="surrogateescape")
    text = "".join(f"<0x{ord(one) - 0xDC00:02X}>" if "\udc80" <= one <= "\udcff" else one for one in text)
    return _SPACE + text[1:] if text.startswith(" ") else text


@lru_cache(maxsize=1)
def _bytes_of_signs() -> dict[str, int]:
    """The printable sign that stands for each byte (Radford et al. 2019, §2.2, and GPT-2's released code)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    signs = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in printable]
    return signs | {chr(256 + at): byte for at, byte in enumerate(others)}
