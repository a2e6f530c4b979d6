"""What a recipe may say about data and tokenizers. No torch, no reading of files."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    # JSON, by which corpora are told apart, cannot write a number that is infinite or none.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TokenizerConfig(_Strict):
    """How text becomes tokens.

    Attributes:
        kind: *bpe* (Sennrich et al. 2016), *unigram* (Kudo 2018), *word* or *character*.
        vocabulary: number of tokens, specials and the 256 byte tokens included. Exact for bpe and unigram;
            for word and character the most that is kept.
        joint: one vocabulary for both languages.
        lowercase: lower the case; part of the declared normalisation.
        spaces: *keep* every space character as written, or turn them all (no-break, thin, …) *plain*.
        dropout: probability of skipping a merge while training (BPE-dropout, Provilkov et al. 2020).
        min_frequency: how often a word, character or merge must be seen.

    Example:
        >>> TokenizerConfig(kind="unigram", vocabulary=4000).joint
        True
    """

    kind: Literal["word", "bpe", "unigram", "character"] = "bpe"
    vocabulary: int = Field(default=8000, ge=8)
    joint: bool = True
    lowercase: bool = False
    spaces: Literal["keep", "plain"] = "keep"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    min_frequency: int = Field(default=2, ge=1)

    @model_validator(mode="after")
    def _dropout_needs_merges(self) -> "TokenizerConfig":
        if self.dropout and self.kind != "bpe":
            raise ValueError(f"dropout skips merges, which only kind = 'bpe' has, not {self.kind!r}")
        return self


class FilterConfig(_Strict):
    """Which rows of training text are left out, beside empty ones.

    Attributes:
        max_length: most tokens on either side.
        max_ratio: how many times longer one side may be than the other, in tokens, beyond a slack of
            `slack` tokens (short sentences differ a lot without being wrong).
        slack: see `max_ratio`.
        duplicates: *drop* rows already seen, both sides equal, or *keep* them. Dropping remembers about
            60 bytes a row.
    """

    max_length: int = Field(default=256, ge=1)
    max_ratio: float = Field(default=4.0, ge=1.0)
    slack: int = Field(default=8, ge=0)
    duplicates: Literal["drop", "keep"] = "drop"


Files = Path | tuple[Path, Path]


class MoreConfig(_Strict):
    """Pairs that are learnt beside the others: a phrasebook, a glossary, translations by another model.

    Those that are held out for validation or test, by their English side or else their source, are passed
    over.

    Attributes:
        train: a TSV or JSONL file, or two aligned text files; plain or .gz.
        source, target: keys of a JSONL file; for a TSV file names of its header line, or column numbers from
            0; the first two if left out.
        times: how often each is learnt in an epoch. More than once needs `data.filters.duplicates = "keep"`.

    Example:
        >>> MoreConfig(train=Path("glossary.tsv")).times
        1
    """

    train: Files
    source: str | int | None = None
    target: str | int | None = None
    times: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _columns(self) -> "MoreConfig":
        _check_columns(self, "source", "target")
        return self


class DataConfig(_Strict):
    """Where text comes from: named sets, or files of one's own.

    Attributes:
        name: a set of the catalogue (`regard data list`), or several, joined.
        train, validation, test: a TSV or JSONL file, or two aligned text files; plain or .gz. For language
            modelling a text file (each line a document) or a JSONL or TSV of texts; for classification a TSV
            or JSONL of label and text.
        source, target: languages of a named set; keys of a JSONL file; for a TSV file names of its header
            line or column numbers from 0. Left out: the set's first two languages, `source` and `target`,
            or the first two columns; where one is left out, what the other leaves of them.
        text, label: the same for classification; `text` for language modelling too, of files. Without it a
            file that is not JSONL gives its lines, whole.
        hold_out: share of `train` held out for validation, by a hash of the source text, where no
            validation file is given.
        casual: share of the training pairs that are learnt a second time as people type in passing: without
            the mark at the end, half of them with the source in lower case; reports count them as rows. For
            translation.
        documents: of language modelling, whose texts are laid end to end: *joined*, a token sees all that
            stands before it in its block; *apart*, no more than its own text.
        more: pairs of one's own that are learnt beside these. For translation.
        filters: which training rows are left out.

    Example:
        >>> DataConfig(name="multi30k", source="en", target="fr").sets
        ('multi30k',)
    """

    name: str | tuple[str, ...] | None = None
    train: Files | None = None
    validation: Files | None = None
    test: Files | None = None
    source: str | int | None = None
    target: str | int | None = None
    text: str | int | None = None
    label: str | int | None = None
    hold_out: float = Field(default=0.05, gt=0.0, lt=1.0)
    casual: float = Field(default=0.0, ge=0.0, le=1.0)
    documents: Literal["joined", "apart"] = "joined"
    more: MoreConfig | None = None
    filters: FilterConfig = FilterConfig()

    @model_validator(mode="after")
    def _one_origin(self) -> "DataConfig":
        if self.name == ():
            raise ValueError("name is an empty list: name a set, or leave name out and give train")
        if (self.name is None) == (self.train is None):
            raise ValueError("give either name (a named set) or train (a file, or two), and not both")
        if self.name is not None and (self.validation is not None or self.test is not None):
            raise ValueError(
                "a named set has splits of its own: leave out validation and test, or give train, not name"
            )
        _check_columns(self, "source", "target", "text", "label")
        return self

    @model_validator(mode="after")
    def _kept_as_often_as_asked(self) -> "DataConfig":
        if self.more is not None and self.more.times > 1 and self.filters.duplicates == "drop":
            raise ValueError(
                f"more.times is {self.more.times}, but filters.duplicates is 'drop', which leaves one of "
                "each: set filters.duplicates = 'keep'"
            )
        return self

    @property
    def own_files(self) -> list[Path]:
        """The files that are learnt from, none when named sets alone are."""
        learnt = [self.train, None if self.more is None else self.more.train]
        return [file for files in learnt if files is not None for file in as_list(files)]

    @property
    def sets(self) -> tuple[str, ...]:
        """The named sets, none when files are given."""
        return (self.name,) if isinstance(self.name, str) else self.name or ()


def _check_columns(config: BaseModel, *keys: str) -> None:
    for key in keys:
        column = getattr(config, key)
        if isinstance(column, int) and column < 0:
            raise ValueError(f"{key} is column {column}: columns are numbered from 0")


def as_list(files: Files) -> list[Path]:
    """One file or two, in a list."""
    return list(files) if isinstance(files, tuple) else [files]
