"""The axes of attention maps, from a tokenizer's ids."""

from regard.data.text.tokenizer import Tokenizer
from regard.lens import Tokens


def token_axis(tokenizer: Tokenizer, ids: list[int], *, before: str = "", after: str = "") -> Tokens:
    """Names and words of tokens, between special tokens, which belong to no word.

    Example:
        >>> from regard.data.text.config import TokenizerConfig
        >>> tokenizer = Tokenizer.train(["go"] * 3, TokenizerConfig(kind="word"))
        >>> token_axis(tokenizer, tokenizer.encode("go"), after="</s>").texts
        ('▁go', '</s>')
    """
    texts, words = tokenizer.tokens(ids), tokenizer.words(ids)
    first, last = ([before] if before else []), ([after] if after else [])
    nothing: list[int | None] = [None]
    return Tokens.of([*first, *texts, *last], [*nothing * len(first), *words, *nothing * len(last)])
