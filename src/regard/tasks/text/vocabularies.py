"""The tokenizers of a task: one, or one for each of two languages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from regard.data.text.config import TokenizerConfig
from regard.data.text.splits import Rows
from regard.data.text.tokenizer import Tokenizer
from regard.tasks.layout import tokenizer_file
from regard.tasks.talk import say
from regard.whole_file import write_atomically

LEARNT_FROM = "tokenizer.learnt-from"  # beside the tokenizers of a run, until it is finished


@dataclass(frozen=True)
class Vocabularies:
    """Tokenizers of source and target; the same object twice where they are joint.

    Example:
        >>> config = TokenizerConfig(kind="word")
        >>> both = Vocabularies.train([("the cat", "le chat")] * 3, config)
        >>> both.joint, sorted(both.named())
        (True, [''])
    """

    source: Tokenizer
    target: Tokenizer

    @property
    def joint(self) -> bool:
        """Whether both languages share one vocabulary."""
        return self.source is self.target

    @classmethod
    def train(cls, pairs: Iterable[tuple[str, str]], config: TokenizerConfig) -> "Vocabularies":
        """Learn from pairs, which are read once if the vocabulary is joint, else twice.

        Raises:
            UserError: no text, or a vocabulary larger than the text allows.
        """
        if config.joint:
            tokenizer = Tokenizer.train((text for pair in pairs for text in pair), config)
            return cls(tokenizer, tokenizer)
        source = Tokenizer.train((source for source, _ in pairs), config)
        return cls(source, Tokenizer.train((target for _, target in pairs), config))

    def named(self) -> dict[str, Tokenizer]:
        """The tokenizers by the names under which a model folder keeps them."""
        return {"": self.source} if self.joint else {"source": self.source, "target": self.target}

    @classmethod
    def of(cls, named: Mapping[str, Tokenizer]) -> "Vocabularies":
        """The reverse of `named`.

        Raises:
            KeyError: names of neither arrangement.
        """
        if "" in named:
            return cls(named[""], named[""])
        return cls(named["source"], named["target"])


def find_or_learn(
    folder: Path,
    names: Sequence[str],
    rows: Rows[Any],
    config: TokenizerConfig,
    learn: Callable[[], Mapping[str, Tokenizer]],
    console: Console | None,
) -> dict[str, Tokenizer]:
    """The tokenizers that are in a folder, or new ones, put there, where those there are of other rows.

    Those of which nothing says what they were learnt from are as good: a model's, from which training starts.

    Args:
        folder: of the data.
        names: of the tokenizers, as a model folder has them.
        rows: they are learnt from.
        config: what is asked of them.
        learn: makes them, by name.
        console: where progress is shown; None is silent.

    Raises:
        UserError: no text, or a vocabulary larger than the text allows.
    """
    files = {name: folder / tokenizer_file(name) for name in names}
    about, made_of = folder / LEARNT_FROM, f"{rows.digest} {config.model_dump_json()}"
    theirs = about.exists() and about.read_text(encoding="utf-8") != made_of
    if not theirs and all(file.exists() for file in files.values()):
        return {name: Tokenizer.load(file) for name, file in files.items()}
    say(console, f"Learning a vocabulary ({config.kind}) from {rows.name}")
    found = dict(learn())
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(about, b"")  # until all are written they are of nothing
    for name, file in files.items():
        write_atomically(file, found[name].to_bytes())
    write_atomically(about, made_of.encode())
    return found
