"""The tokenizers of a task: one, or one for each of two languages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from regard.data.text.config import TokenizerConfig
from regard.data.text.tokenizer import Tokenizer
from regard.tasks.layout import tokenizer_file
from regard.tasks.talk import say
from regard.whole_file import write_atomically


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

    @classmethod
    def find(cls, folder: Path, joint: bool) -> "Vocabularies | None":
        """The tokenizers that `keep` wrote into a folder; None if they are not all there."""
        files = {name: folder / tokenizer_file(name) for name in ([""] if joint else ["source", "target"])}
        if not all(file.exists() for file in files.values()):
            return None
        return cls.of({name: Tokenizer.load(file) for name, file in files.items()})

    def keep(self, folder: Path) -> None:
        """Write the tokenizers into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, tokenizer in self.named().items():
            write_atomically(folder / tokenizer_file(name), tokenizer.to_bytes())


def learn_tokenizer(
    texts: Iterable[str], config: TokenizerConfig, folder: Path, console: Console | None
) -> Tokenizer:
    """The tokenizer of one language that is in the folder, or one learnt from the texts and put there.

    Raises:
        UserError: no text, or a vocabulary larger than the text allows.
    """
    file = folder / tokenizer_file("")
    if file.exists():
        return Tokenizer.load(file)
    say(console, f"Learning a vocabulary ({config.kind})")
    tokenizer = Tokenizer.train(texts, config)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(file, tokenizer.to_bytes())
    return tokenizer
