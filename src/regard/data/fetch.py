"""Finding a named set's files: `REGARD_DATA` first, then the user's cache, then the network."""

import errno
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pooch  # type: ignore[import-untyped]

from regard.data.errors import DataError
from regard.data.sources import NamedSet, Source
from regard.whole_file import write_atomically

# One of the hosts refuses clients that do not name themselves.
AGENT = "Mozilla/5.0 (compatible; regard)"
# What a disk answers, and no network: requests raises OSError for both.
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}


def local_folder(named: NamedSet, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The set's folder under REGARD_DATA, where there is one.

    Raises:
        DataError: REGARD_DATA names no folder.
    """
    root = environment.get("REGARD_DATA")
    if not root:
        return None
    if not Path(root).is_dir():
        raise DataError(f"REGARD_DATA={root}: there is no such folder")
    folder = Path(root) / (named.folder or named.name)
    return folder if folder.is_dir() else None


def cache_folder(named: NamedSet) -> Path:
    """The set's folder in the user's cache (REGARD_CACHE moves it)."""
    return Path(os.environ.get("REGARD_CACHE") or pooch.os_cache("regard")) / (named.folder or named.name)


def find(named: NamedSet, file: str, *, download: bool = True) -> Path:
    """Path of one file of a set, downloading it where it is not on this machine.

    A local copy under REGARD_DATA is taken by its name, plain or .gz, whatever its digest.

    Raises:
        DataError: not on this machine and cannot be downloaded, or its digest is wrong.
    """
    source = next(source for source in named.sources if source.file == file)
    found = here(named, source)
    if found is None and not download:
        raise DataError(f"{named.name}: {file} is not on this machine; run: regard data get {named.name}")
    if found is None:
        _download(named, [source])
        found = cache_folder(named) / file
    return found


def find_all(named: NamedSet) -> list[Path]:
    """Paths of all files of a set; an address that gives several of them is asked once.

    Raises:
        DataError: as `find`.
    """
    missing: dict[str, list[Source]] = {}
    for source in named.sources:
        if here(named, source) is None:
            missing.setdefault(source.url, []).append(source)
    for sources in missing.values():
        _download(named, sources)
    return [find(named, source.file, download=False) for source in named.sources]


def here(named: NamedSet, source: Source) -> Path | None:
    """Path of one file of a set where it is on this machine, downloading nothing.

    Raises:
        DataError: REGARD_DATA names no folder.
    """
    for folder in filter(None, (local_folder(named), cache_folder(named))):
        for candidate in (folder / source.file, folder / f"{source.file}.gz"):
            if candidate.is_file():
                return candidate
    return _installed(source)


def _installed(source: Source) -> Path | None:
    """The file of a Python package, where that is installed and its file is the one that is meant."""
    package, _, rest = source.package.partition("/")
    spec = find_spec(package) if package else None
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / rest
        if file.is_file() and digest_of(file) == source.sha256:
            return file
    return None


def _download(named: NamedSet, sources: list[Source]) -> None:
    """Put files that come from one address into the cache."""
    folder = cache_folder(named)
    try:
        with _made(folder), tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as work:
            raw = _retrieve(named, sources, Path(work))
            digest = digest_of(raw)
            _check(named, sources, digest)
            for source in sources:
                ready = raw
                if source.prepare is not None:
                    ready = Path(work) / "prepared" / source.file
                    ready.parent.mkdir(parents=True, exist_ok=True)
                    source.prepare(raw, ready)
                if source.sha256 is None:
                    write_atomically(_pin(named, source), f"{digest}\n".encode())
                (folder / source.file).parent.mkdir(parents=True, exist_ok=True)
                ready.replace(folder / source.file)
    except OSError as error:
        raise DataError(f"{folder}: could not be written ({error.strerror or error})") from None


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """A folder for a block that fills it; if that fails, what was made and is empty is taken away again."""
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with suppress(OSError):  # something has come to lie there
            for place in new:
                place.rmdir()
        raise


def _retrieve(named: NamedSet, sources: list[Source], work: Path) -> Path:
    # pooch logs to the terminal by itself; what is said is said here.
    pooch.get_logger().setLevel(logging.ERROR)
    downloader = pooch.HTTPDownloader(headers={"User-Agent": AGENT}, timeout=60)
    url = sources[0].url
    name = url.rsplit("/", 1)[1]
    try:
        return Path(pooch.retrieve(url, known_hash=None, fname=name, path=work, downloader=downloader))
    except Exception as error:  # requests and urllib3 raise many kinds for a network that is not there
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        wanted = " and ".join(source.file for source in sources)
        places = " and ".join(
            f"$REGARD_DATA/{named.folder or named.name}/{source.file}" for source in sources
        )
        raise DataError(
            f"{named.name}: there is no {wanted} on this machine, and {url} cannot be reached "
            f"({type(error).__name__}). Connect to the network, or provide {places}"
        ) from None


def _check(named: NamedSet, sources: list[Source], digest: str) -> None:
    for source in sources:
        pin = _pin(named, source)
        expected = source.sha256 or (pin.read_text("utf-8").strip() if pin.is_file() else digest)
        if digest != expected:
            raise DataError(
                f"{named.name}: {source.url} gave another file than expected (its sha256 is not {expected}). "
                f"If the set has a new edition and you want it, delete {cache_folder(named)} and get it again"
            )


def _pin(named: NamedSet, source: Source) -> Path:
    return cache_folder(named) / f"{source.file}.sha256"


def digest_of(path: Path) -> str:
    """sha256 of a file, read in pieces."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
