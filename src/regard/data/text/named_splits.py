"""The pairs of a split of a named set."""

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

from regard.data.catalogue import named
from regard.data.errors import DataError
from regard.data.fetch import find
from regard.data.held_out import sentence_key, split_of
from regard.data.sources import NamedSet
from regard.data.text.archives import tar_lines
from regard.data.text.pairs import Pair, read_pairs
from regard.data.text.sources import TEXT_SETS

# Share of English sentences in validation, and again in test. One share for the sets that are joined for
# en-fr, so that what one holds out the other does too; the small Korean sets hold out more.
SHARES = {
    ("tatoeba-en-fr", "fr"): 0.0175,
    ("libreoffice-help", "fr"): 0.0175,
    ("libreoffice-help", "ko"): 0.08,
    ("tatoeba-en-ko", "ko"): 0.08,
}

_MULTI30K_FILES = {
    "train": "train",
    "validation": "val",
    "test": "test_2016_flickr",
    "test_2016": "test_2016_flickr",
    "test_2017": "test_2017_flickr",
}
_NEWS_FILES = {"train": "train", "validation": "dev", "test": "test"}
_JHE_FILES = {"jhe-dev": "dev", "jhe-eval": "eval"}


def load_split(
    name: str | Iterable[str], split: str, source: str | None = None, target: str | None = None
) -> Iterator[Pair]:
    """Pairs of a split of a set, or of several sets one after the other, in the order of the files.

    A test sentence keeps all its references: they are pairs of the same source; see `regard.data.grouped`. Of
    joined sets, training leaves out every English sentence that any of them holds out.

    Args:
        name: the set, or sets.
        split: *train*, *validation*, *test*, or another of its own.
        source, target: language codes; None takes the set's first two (or what is left beside the other).

    Raises:
        DataError: unknown set, split or language; a set of pictures; a file that is not here and cannot be
            downloaded.
    """
    names = _names(name)
    readers = [_reader(one, split, source, target) for one in names]
    share = max(reader.share for reader in readers)
    apart = _kept_apart(names, split, source, target)
    held = {sentence_key(english) for reader in apart for english, _ in reader.rows()}
    for reader in readers:
        for english, pair in reader.rows():
            inside = not reader.share or split_of(english, reader.share) == split
            if split == "train" and share and split_of(english, share) != "train":
                inside = False
            if inside and not (held and sentence_key(english) in held):
                yield pair


def split_files(
    name: str | Iterable[str], split: str, source: str | None = None, target: str | None = None
) -> list[Path]:
    """The files that `load_split` reads, for their digests; downloaded where they are not here.

    Raises:
        DataError: as `load_split`.
    """
    names = _names(name)
    readers = [_reader(one, split, source, target) for one in names]
    readers += _kept_apart(names, split, source, target)
    return [file for reader in readers for file in reader.files]


def _names(name: str | Iterable[str]) -> tuple[str, ...]:
    names = (name,) if isinstance(name, str) else tuple(name)
    if not names:
        raise DataError("data.name: give at least one set")
    return names


def _kept_apart(
    names: tuple[str, ...], split: str, source: str | None, target: str | None
) -> "list[_Reader]":
    """What the files of joined sets hold out of training; a share that is held out needs no reading."""
    if split != "train" or len(names) == 1:
        return []
    others = [
        _reader(one, other, source, target)
        for one in names
        for other in named(one).splits
        if other != "train"
    ]
    found = {tuple(reader.files): reader for reader in others if not reader.share}
    return list(found.values())


def languages(name: str, source: str | None, target: str | None) -> tuple[str, str]:
    """Source and target language of a set, defaults filled in.

    Raises:
        DataError: a set of pictures; the set has no such language, or no such pair of languages.

    Example:
        >>> languages("multi30k", None, "de")
        ('en', 'de')
    """
    known = _of_text(name).languages
    for language in (source, target):
        if language is not None and language not in known:
            raise DataError(f"{name}: has no language {language!r}; it has {', '.join(known)}")
    source = source or next(language for language in known if language != target)
    target = target or next(language for language in known if language != source)
    if source == target:
        raise DataError(f"{name}: source and target are both {source!r}")
    if name == "libreoffice-help" and "en" not in (source, target):
        raise DataError(
            f"{name}: pairs are with English; {source} and {target} are not aligned to each other"
        )
    return source, target


def _of_text(name: str) -> NamedSet:
    known = named(name)
    if name not in TEXT_SETS:
        raise DataError(f"{name}: is a set of pictures, not of text; there are {', '.join(TEXT_SETS)}")
    return known


class _Reader:
    """One set: its files, its rows (English side and the pair asked for), and the share that it holds out."""

    def __init__(
        self, files: list[Path], rows: Callable[[], Iterator[tuple[str, Pair]]], share: float = 0.0
    ) -> None:
        self.files, self.rows, self.share = files, rows, share


def _reader(name: str, split: str, source: str | None, target: str | None) -> _Reader:
    known = _of_text(name).splits
    if split not in known:
        raise DataError(f"{name}: has no split {split!r}; it has {', '.join(known)}")
    source, target = languages(name, source, target)
    flip = source != "en"
    if name == "multi30k":
        stem = _MULTI30K_FILES[split]
        files = [find(named(name), f"{stem}.{language}.gz") for language in (source, target)]
        # No other set has German and French, so their pairs need no English side.
        english = 1 if target == "en" else 0
        return _Reader(files, lambda: ((pair[english], pair) for pair in read_pairs(*files)))
    if name == "korean-news":
        files, read = _korean_news(split)
        return _Reader(files, lambda: _english_first(read(), flip))
    other = target if source == "en" else source
    found = find(named(name), "pairs.tsv.gz" if name.startswith("tatoeba") else f"en-{other}.tsv.gz")
    return _Reader([found], lambda: _english_first(read_pairs(found), flip), SHARES[name, other])


def _english_first(pairs: Iterator[Pair], flip: bool) -> Iterator[tuple[str, Pair]]:
    for pair in pairs:
        yield pair.source, Pair(pair.target, pair.source) if flip else pair


def _korean_news(split: str) -> tuple[list[Path], Callable[[], Iterator[Pair]]]:
    """Files of a split, and how to read English and Korean from them."""
    news = named("korean-news")
    if split in _JHE_FILES:
        stem = f"jhe-koen-{_JHE_FILES[split]}"
        files = [find(news, f"{stem}.en"), find(news, f"{stem}.ko")]
        return files, lambda: read_pairs(*files)
    stem = f"korean-english-park.{_NEWS_FILES[split]}"
    archive = find(news, f"{stem}.tar.gz")
    return [archive], lambda: _tar_pairs(archive, stem)


def _tar_pairs(archive: Path, stem: str) -> Iterator[Pair]:
    for english, korean in zip_longest(tar_lines(archive, f"{stem}.en"), tar_lines(archive, f"{stem}.ko")):
        if english is None or korean is None:
            raise DataError(f"{archive}: {stem}.en and {stem}.ko have different numbers of lines")
        yield Pair(english[1], korean[1])
