"""Finding a named set's files: `REGARD_DATA` first, then the user's cache, then the network."""

import logging
import os
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pooch  # type: ignore[import-untyped]

from regard.data.lines import DataError
from regard.data.sources import NamedSet, Source

# One of the hosts refuses clients that do not name themselves.
AGENT = "Mozilla/5.0 (compatible; regard)"


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
    folder = Path(root) / named.name
    return folder if folder.is_dir() else None


def cache_folder(named: NamedSet) -> Path:
    """The set's folder in the user's cache (REGARD_CACHE moves it)."""
    return Path(os.environ.get("REGARD_CACHE") or pooch.os_cache("regard")) / named.name


def find(named: NamedSet, file: str, *, download: bool = True) -> Path:
    """Path of one file of a set, downloading it where it is not on this machine.

    A local copy under REGARD_DATA is taken by its name, plain or .gz, whatever its digest.

    Raises:
        DataError: not on this machine and cannot be downloaded, or its digest is wrong.
    """
    source = next(source for source in named.sources if source.file == file)
    for folder in filter(None, (local_folder(named), cache_folder(named))):
        for candidate in (folder / file, folder / f"{file}.gz"):
            if candidate.is_file():
                return candidate
    if not download:
        raise DataError(f"{named.name}: {file} is not on this machine; run: regard data get {named.name}")
    return _download(named, source)


def _download(named: NamedSet, source: Source) -> Path:
    folder = cache_folder(named)
    made = folder / source.file
    pin = folder / f"{source.file}.sha256"
    expected = source.sha256 or (pin.read_text("utf-8").strip() if pin.is_file() else None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as work:
            raw = _retrieve(named, source, expected, Path(work))
            ready = raw
            if source.prepare is not None:
                ready = Path(work) / source.file
                source.prepare(raw, ready)
            if source.sha256 is None:
                pin.write_text(digest_of(raw) + "\n", "utf-8")
            ready.replace(made)
    except OSError as error:
        raise DataError(f"{made}: could not be written ({error.strerror or error})") from None
    return made


def _retrieve(named: NamedSet, source: Source, expected: str | None, work: Path) -> Path:
    # pooch logs to the terminal by itself; what is said is said here.
    pooch.get_logger().setLevel(logging.ERROR)
    downloader = pooch.HTTPDownloader(headers={"User-Agent": AGENT}, timeout=60)
    name = source.url.rsplit("/", 1)[1]
    known = f"sha256:{expected}" if expected else None
    try:
        return Path(
            pooch.retrieve(source.url, known_hash=known, fname=name, path=work, downloader=downloader)
        )
    except ValueError:
        raise DataError(
            f"{named.name}: {source.url} gave another file than expected (its sha256 is not {expected}). "
            f"If the set has a new edition and you want it, delete {cache_folder(named)} and get it again"
        ) from None
    except Exception as error:  # requests and urllib3 raise many kinds for a network that is not there
        raise DataError(
            f"{named.name}: {source.file} is not on this machine, and {source.url} cannot be reached "
            f"({type(error).__name__}). Connect to the network, or put the file in "
            f"$REGARD_DATA/{named.name}/{source.file}"
        ) from None


def digest_of(path: Path) -> str:
    """sha256 of a file, read in pieces."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
