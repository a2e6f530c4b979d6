"""Taking sentence pairs out of downloaded archives, member by member."""

import gzip
import html
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from regard.data.archives import check_count, check_size, readable
from regard.data.errors import DataError
from regard.data.text.lines import decode_lines


def tar_lines(path: Path, member: str) -> Iterator[tuple[int, str]]:
    """Lines of a member of a tar file, compressed or not, found by its file name.

    Raises:
        DataError: not a tar file, no such member, one too large, invalid UTF-8 (names member and line).
    """
    with readable(path), tarfile.open(path, "r:*") as archive:
        for count, info in enumerate(archive):
            check_count(path, count)
            if info.isfile() and Path(info.name).name == member:
                check_size(path, info.name, info.size)
                file = archive.extractfile(info)
                assert file is not None  # a plain file always opens
                yield from decode_lines(file, f"{path}: {member}")
                return
    raise DataError(f"{path}: has no member {member}")


def zipped_pairs(member: str) -> Callable[[Path, Path], None]:
    """How to make a .tsv.gz of a text member of a .zip, line ends made plain."""

    def prepare(download: Path, made: Path) -> None:
        _write(made, _zip_lines(download, member))

    return prepare


def libreoffice_pairs(language: str) -> Callable[[Path, Path], None]:
    """How to make a .tsv.gz of English and another language from LibreOffice's PO files in a tar."""

    def prepare(download: Path, made: Path) -> None:
        pairs = _help_pairs(download, f"/source/{language}/helpcontent2/")
        _write(made, (f"{english}\t{other}" for english, other in pairs))

    return prepare


def _zip_lines(path: Path, member: str) -> Iterator[str]:
    with readable(path), zipfile.ZipFile(path) as archive:
        check_count(path, len(archive.infolist()))
        try:
            info = archive.getinfo(member)
        except KeyError:
            raise DataError(f"{path}: has no member {member}") from None
        check_size(path, member, info.file_size)
        with archive.open(info) as file:
            for _, line in decode_lines(file, f"{path}: {member}"):
                yield line


def _help_pairs(path: Path, folder: str) -> Iterator[tuple[str, str]]:
    total = 0
    with readable(path), tarfile.open(path, "r:*") as archive:
        for count, info in enumerate(archive):
            check_count(path, count)
            if not info.isfile() or folder not in f"/{info.name}" or not info.name.endswith(".po"):
                continue
            total += info.size
            check_size(path, info.name, total)
            file = archive.extractfile(info)
            assert file is not None
            yield from po_pairs(line for _, line in decode_lines(file, f"{path}: {info.name}"))


def po_pairs(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    r"""Text of each translated paragraph of a PO file, mark-up taken out.

    Untranslated and fuzzy entries and lists of index words (bookmarks) are passed over.

    Example:
        >>> list(po_pairs(iter(['msgid "<b>Cut</b>"', 'msgstr "Couper"', ""])))
        [('Cut', 'Couper')]
    """
    entry: dict[str, str] = {}
    part, fuzzy = "", False
    for line in [*lines, ""]:
        if not line:
            english, other = plain(entry.get("msgid", "")), plain(entry.get("msgstr", ""))
            if english and other and not fuzzy and "bookmark_value" not in entry["msgid"]:
                yield english, other
            entry, part, fuzzy = {}, "", False
        elif line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
        else:
            key, _, quoted = line.partition('"')
            part = key.strip() or part
            entry[part] = entry.get(part, "") + _unquoted(quoted.removesuffix('"'))


def plain(text: str) -> str:
    """Text without mark-up, its spaces single.

    Example:
        >>> plain('<ahelp hid=".">Choose  <emph>A &amp; B</emph>.</ahelp>')
        'Choose A & B.'
    """
    text = re.sub(r"<image\b.*?</image>|<[^<>]*>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text)


def _write(path: Path, lines: Iterator[str]) -> None:
    """Lines as a .gz. An OSError here is the disk's: what reads the archive has told its own already."""
    # No time stamp and no name inside: the same pairs give the same bytes.
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        for line in lines:
            file.write(f"{line}\n".encode())
