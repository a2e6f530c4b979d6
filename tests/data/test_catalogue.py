"""Named sets: found, downloaded, unpacked and split."""

import errno
import gzip
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data import archives, catalogue, fetch
from regard.data.catalogue import SETS
from regard.data.errors import DataError
from regard.data.held_out import position, sentence_key, split_of
from regard.data.sources import NamedSet, Source
from regard.data.text import Pair, grouped, load_split, named_splits
from regard.data.text.archives import libreoffice_pairs, tar_lines, zipped_pairs

SPLITS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No set of this machine is seen."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("REGARD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REGARD_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Small copies of all sets."""
    root = tmp_path / "data"
    sentences = [f"Sentence number {i}{mark}" for i in range(400) for mark in ".!"]
    everyday = "".join(f"{text}\tPhrase {text}\n{text}\tAutre {text}\n" for text in sentences)
    for name in ("tatoeba-en-fr", "tatoeba-en-ko"):
        write_gz(root / name / "pairs.tsv.gz", everyday)
    helping = "".join(f"{text.upper()}\tAide {text}\n" for text in sentences)
    for language in ("fr", "ko"):
        write_gz(root / "libreoffice-help" / f"en-{language}.tsv.gz", helping)
    for stem, rows in (("train", 5), ("val", 2), ("test_2016_flickr", 3), ("test_2017_flickr", 4)):
        for language in ("en", "fr", "de"):
            text = "".join(f"{language} {stem} {row}\n" for row in range(rows))
            write_gz(root / "multi30k" / f"{stem}.{language}.gz", text)
    write_gz(root / "korean-news" / "jhe-koen-dev.en.gz", "Hello.\n")
    write_gz(root / "korean-news" / "jhe-koen-dev.ko.gz", "안녕.\n")
    news = root / "korean-news" / "korean-english-park.test.tar.gz"
    write_tar(news, {"korean-english-park.test.en": "News.\n", "korean-english-park.test.ko": "소식.\n"})
    return root


def write_gz(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def write_tar(path: Path, members: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


class TestSplits:
    def test_multi30k_by_its_files(self, data: Path) -> None:
        assert [len(list(load_split("multi30k", split))) for split in SETS["multi30k"].splits] == [
            5,
            2,
            3,
            3,
            4,
        ]
        assert next(load_split("multi30k", "test_2017", "de", "fr")) == Pair(
            "de test_2017_flickr 0", "fr test_2017_flickr 0"
        )

    @pytest.mark.parametrize("name", ["tatoeba-en-fr", "tatoeba-en-ko"])
    def test_no_english_sentence_is_in_two_splits(self, data: Path, name: str) -> None:
        keys = {split: {sentence_key(pair.source) for pair in load_split(name, split)} for split in SPLITS}
        assert all(keys.values())
        assert len(set.union(*keys.values())) == sum(map(len, keys.values())) == 400
        assert sum(len(list(load_split(name, split))) for split in SPLITS) == 1600

    def test_a_test_sentence_keeps_all_its_references(self, data: Path) -> None:
        for one in grouped(load_split("tatoeba-en-ko", "test")):
            assert one.references == (f"Phrase {one.source}", f"Autre {one.source}")

    def test_the_other_way_round_has_the_same_splits(self, data: Path) -> None:
        for split in SPLITS:
            there = [pair[::-1] for pair in load_split("tatoeba-en-fr", split, "en", "fr")]
            assert there == [tuple(pair) for pair in load_split("tatoeba-en-fr", split, "fr")]

    def test_joined_sets_hold_out_for_each_other(self, data: Path) -> None:
        # The Korean help holds out less than all; its sentences are those of the other set, in capitals.
        names = ("tatoeba-en-fr", "libreoffice-help")
        joined = {
            split: [sentence_key(pair.source) for pair in load_split(names, split, "en", "fr")]
            for split in SPLITS
        }
        assert not set(joined["train"]) & set(joined["validation"] + joined["test"])
        alone = [pair for name in names for pair in load_split(name, "test", "en", "fr")]
        assert list(load_split(names, "test", "en", "fr")) == alone

    def test_joined_sets_of_different_shares(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(named_splits.SHARES, ("libreoffice-help", "fr"), 0.2)
        names = ["tatoeba-en-fr", "libreoffice-help"]
        train = {sentence_key(pair.source) for pair in load_split(names, "train", "en", "fr")}
        held = {sentence_key(pair.source) for pair in load_split(names, "test", "en", "fr")}
        assert held
        assert not train & held

    @pytest.mark.parametrize(("source", "target"), [("en", "fr"), ("fr", "en")])
    def test_files_hold_out_for_joined_sets_too(self, data: Path, source: str, target: str) -> None:
        names = ("multi30k", "tatoeba-en-fr")
        files = ("validation", "test_2016", "test_2017")
        held = [pair for split in files for pair in load_split("multi30k", split, "en", "fr")]
        everyday = data / "tatoeba-en-fr" / "pairs.tsv.gz"
        # What the captions hold out is among the everyday sentences, with other marks.
        shown = "".join(f"{pair.source.upper()}!\tDit ainsi {i}\n" for i, pair in enumerate(held))
        write_gz(everyday, gzip.decompress(everyday.read_bytes()).decode() + shown)
        side = 0 if source == "en" else 1
        joined = list(load_split(names, "train", source, target))
        keys = {sentence_key(pair[side]) for pair in joined}
        assert not keys & {sentence_key(pair.source) for pair in held}
        assert {f"en train {row}" for row in range(5)} <= {pair[side] for pair in joined}
        alone = {pair for name in names for pair in load_split(name, "train", source, target)}
        assert len(joined) > 1400
        assert set(joined) <= alone
        for split in ("validation", "test"):
            assert not keys & {sentence_key(pair[side]) for pair in load_split(names, split, source, target)}

    def test_files_that_hold_out_are_read(self, data: Path) -> None:
        names = ("multi30k", "tatoeba-en-fr")
        read = {path.name for path in named_splits.split_files(names, "train", "en", "fr")}
        assert {"val.en.gz", "test_2016_flickr.fr.gz", "test_2017_flickr.en.gz", "train.en.gz"} <= read
        assert len(named_splits.split_files(names, "test", "en", "fr")) == 3
        assert len(named_splits.split_files(("tatoeba-en-fr", "libreoffice-help"), "train", "en", "fr")) == 2
        assert len(named_splits.split_files("multi30k", "train")) == 2

    def test_korean_news(self, data: Path) -> None:
        assert list(load_split("korean-news", "test")) == [Pair("소식.", "News.")]
        assert list(load_split("korean-news", "jhe-dev", "en", "ko")) == [Pair("Hello.", "안녕.")]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("multi30", "train"), "did you mean 'multi30k'"),
            (("zzz", "train"), "there are multi30k, tatoeba"),
            (("multi30k", "dev"), "no split 'dev'; it has train, validation"),
            (("multi30k", "train", "en", "ko"), "no language 'ko'; it has en, fr, de"),
            (("multi30k", "train", "en", "en"), "both 'en'"),
            (("libreoffice-help", "train", "fr", "ko"), "with English"),
            (((), "train"), "at least one set"),
        ],
    )
    def test_wrong_questions(self, arguments: tuple[str, ...], message: str) -> None:
        with pytest.raises(DataError, match=message):
            list(load_split(*arguments))


class TestHeldOut:
    @settings(max_examples=50, deadline=None)
    @given(text=st.text(max_size=30), share=st.floats(0.01, 0.4), more=st.floats(0.01, 0.09))
    def test_shares_are_nested(self, text: str, share: float, more: float) -> None:
        assert 0 <= position(text) < 1
        if split_of(text, share) != "train":
            assert split_of(text, share + more) == split_of(text, share)

    def test_case_punctuation_and_spaces_do_not_matter(self) -> None:
        assert sentence_key("  It’s ME, \u00a0really!") == sentence_key("its me really")
        assert sentence_key("Cafe\u0301") == sentence_key("café")
        assert sentence_key("!?") != sentence_key("...")

    def test_it_never_changes(self) -> None:
        assert position("The cat sat on the mat.") == pytest.approx(0.5530525151647865, abs=1e-12)

    def test_shares_are_kept(self) -> None:
        found = [split_of(f"sentence {i}", 0.1) for i in range(5000)]
        assert abs(found.count("validation") - 500) < 80
        assert abs(found.count("test") - 500) < 80


class TestCatalogue:
    def test_every_set_is_credited(self) -> None:
        text = {"multi30k", "tatoeba-en-fr", "tatoeba-en-ko", "korean-news", "libreoffice-help"}
        assert set(SETS) == text | {"mnist", "cifar10", "cifar10-jpeg", "isbi2012", "dsb2018", "digits"}
        for named in SETS.values():
            assert named.licence
            assert named.citation
            assert named.home.startswith("https://")
            for source in named.sources:
                assert source.url.startswith("https://")
                assert source.sha256 is None or len(source.sha256) == 64

    def test_paths(self, data: Path, tmp_path: Path) -> None:
        assert catalogue.path("multi30k") == catalogue.get("multi30k") == data / "multi30k"
        (tmp_path / "data" / "tatoeba-en-ko" / "pairs.tsv.gz").unlink()
        (tmp_path / "data" / "tatoeba-en-ko").rmdir()
        assert catalogue.path("tatoeba-en-ko") == tmp_path / "cache" / "tatoeba-en-ko"

    def test_the_files_of_a_set_that_are_here(self, data: Path, tmp_path: Path) -> None:
        _, files = catalogue.files_here("multi30k")
        assert catalogue.files_here("multi30k") == (files, files)
        (part := data / "multi30k" / "train.fr.gz").unlink()
        assert catalogue.files_here("multi30k") == (files - 1, files)
        assert catalogue.path("multi30k") == data / "multi30k"
        write_gz(tmp_path / "cache" / "multi30k" / part.name, "fetched")
        assert catalogue.files_here("multi30k") == (files, files)
        (data / "tatoeba-en-ko" / "pairs.tsv.gz").unlink()
        assert catalogue.path("tatoeba-en-ko") == tmp_path / "cache" / "tatoeba-en-ko"  # as `get` has it
        assert catalogue.files_here("tatoeba-en-ko") == (0, 1)

    def test_a_wrong_folder_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REGARD_DATA", "/does/not/exist")
        with pytest.raises(DataError, match="REGARD_DATA=/does/not/exist"):
            list(load_split("multi30k", "train"))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address that serves it."""
    folder = tmp_path / "host"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def a_set(*sources: Source) -> NamedSet:
    return NamedSet("mine", "a set", "CC0", True, "me", "https://example.org", sources)


class TestDownload:
    def test_a_file_with_a_known_digest(self, host: tuple[Path, str], tmp_path: Path) -> None:
        folder, url = host
        (folder / "a.txt").write_text("hello\n")
        source = Source("a.txt", f"{url}/a.txt", fetch.digest_of(folder / "a.txt"))
        found = fetch.find(a_set(source), "a.txt")
        assert found == tmp_path / "cache" / "mine" / "a.txt"
        assert found.read_text() == "hello\n"
        assert [path.name for path in found.parent.iterdir()] == ["a.txt"]
        (folder / "a.txt").unlink()
        assert fetch.find(a_set(source), "a.txt") == found  # not asked for again

    def test_another_file_than_expected(self, host: tuple[Path, str], tmp_path: Path) -> None:
        folder, url = host
        (folder / "a.txt").write_text("altered\n")
        with pytest.raises(DataError, match="gave another file than expected"):
            fetch.find(a_set(Source("a.txt", f"{url}/a.txt", "0" * 64)), "a.txt")
        assert not (tmp_path / "cache").exists()

    def test_an_unknown_digest_is_kept_at_the_first_download(
        self, host: tuple[Path, str], tmp_path: Path
    ) -> None:
        folder, url = host
        with zipfile.ZipFile(folder / "fra-eng.zip", "w") as archive:
            archive.writestr("fra.txt", "Go.\tVa !\tcredit\r\n")
        named = a_set(Source("pairs.tsv.gz", f"{url}/fra-eng.zip", None, zipped_pairs("fra.txt")))
        found = fetch.find(named, "pairs.tsv.gz")
        assert gzip.decompress(found.read_bytes()) == b"Go.\tVa !\tcredit\n"
        pin = found.with_name("pairs.tsv.gz.sha256")
        assert pin.read_text().strip() == fetch.digest_of(folder / "fra-eng.zip")
        first = found.read_bytes()
        found.unlink()
        assert fetch.find(named, "pairs.tsv.gz").read_bytes() == first
        found.unlink()
        with zipfile.ZipFile(folder / "fra-eng.zip", "a") as archive:
            archive.writestr("more.txt", "new edition")
        with pytest.raises(DataError, match="new edition"):
            fetch.find(named, "pairs.tsv.gz")

    def test_no_network(self, host: tuple[Path, str], tmp_path: Path) -> None:
        _, url = host
        (tmp_path / "cache" / "other").mkdir(parents=True)
        with pytest.raises(DataError, match=r"cannot be reached.*REGARD_DATA/mine/a\.txt"):
            fetch.find(a_set(Source("a.txt", f"{url}/missing", None)), "a.txt")
        with pytest.raises(DataError, match="cannot be reached"):
            fetch.find(a_set(Source("a.txt", "http://127.0.0.1:9/a.txt", None)), "a.txt")
        assert [path.name for path in (tmp_path / "cache").iterdir()] == ["other"]

    def test_a_full_disk_is_not_the_networks_fault(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(fetch.pooch, "retrieve", full)
        with pytest.raises(DataError, match=r"mine: could not be written \(No space left"):
            fetch.find(a_set(Source("a.txt", "http://127.0.0.1:9/a.txt", None)), "a.txt")
        assert not (tmp_path / "cache").exists()

    def test_one_address_is_asked_once_for_all_its_files(
        self, host: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, url = host
        with zipfile.ZipFile(folder / "both.zip", "w") as archive:
            for language in ("fr", "ko"):
                archive.writestr(f"{language}.txt", f"Go.\t{language}\n")
        named = a_set(
            *(
                Source(f"{language}.tsv.gz", f"{url}/both.zip", None, zipped_pairs(f"{language}.txt"))
                for language in ("fr", "ko")
            )
        )
        asked: list[str] = []
        retrieve = fetch.pooch.retrieve

        def counted(address: str, **rest: object) -> str:
            asked.append(address)
            return str(retrieve(address, **rest))

        monkeypatch.setattr(fetch.pooch, "retrieve", counted)
        monkeypatch.setitem(SETS, "mine", named)
        cache = tmp_path / "cache" / "mine"
        assert catalogue.get("mine") == cache
        assert asked == [f"{url}/both.zip"]
        assert gzip.decompress((cache / "ko.tsv.gz").read_bytes()) == b"Go.\tko\n"
        pins = {path.read_text().strip() for path in cache.glob("*.sha256")}
        assert pins == {fetch.digest_of(folder / "both.zip")}
        assert len(list(cache.iterdir())) == 4
        # A part of the set that lies elsewhere is not fetched again.
        (tmp_path / "data" / "mine").mkdir()
        (cache / "fr.tsv.gz").rename(tmp_path / "data" / "mine" / "fr.tsv.gz")
        assert catalogue.get("mine") == tmp_path / "data" / "mine"
        assert len(asked) == 1

    def test_not_downloading(self) -> None:
        with pytest.raises(DataError, match="run: regard data get mine"):
            fetch.find(a_set(Source("a.txt", "http://127.0.0.1:9/a.txt", None)), "a.txt", download=False)

    def test_local_copies_come_first_whatever_their_digest(self, tmp_path: Path) -> None:
        source = Source("a.txt", "http://127.0.0.1:9/a.txt", "0" * 64)
        write_gz(tmp_path / "cache" / "mine" / "a.txt.gz", "cached")
        assert fetch.find(a_set(source), "a.txt").parent.parent.name == "cache"
        write_gz(tmp_path / "data" / "mine" / "a.txt.gz", "local")
        assert fetch.find(a_set(source), "a.txt").parent.parent.name == "data"


class TestArchives:
    def test_too_large_members_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives, "MOST_BYTES", 100)
        bomb = tmp_path / "bomb.zip"
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("fra.txt", "a\tb\n" * 1000)
        with pytest.raises(DataError, match="would unpack to 4,000 bytes"):
            zipped_pairs("fra.txt")(bomb, tmp_path / "out.gz")
        write_tar(tmp_path / "bomb.tar.gz", {"x": "a\n" * 1000})
        with pytest.raises(DataError, match="would unpack"):
            list(tar_lines(tmp_path / "bomb.tar.gz", "x"))

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
    def test_a_full_disk_is_not_the_archives_fault(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("fra.txt", "a\tb\n")
        entry = 'msgid "Cut"\nmsgstr "Couper"\n'
        write_tar(tmp_path / "a.tar.gz", {"x/source/fr/helpcontent2/a.po": entry})
        for prepare, download in ((zipped_pairs("fra.txt"), "a.zip"), (libreoffice_pairs("fr"), "a.tar.gz")):
            with pytest.raises(OSError, match="No space left"):
                prepare(tmp_path / download, Path("/dev/full"))

    def test_too_many_members_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
        write_tar(tmp_path / "many.tar.gz", {str(i): "a\n" for i in range(9)})
        with pytest.raises(DataError, match="more than 3 members"):
            list(tar_lines(tmp_path / "many.tar.gz", "8"))

    def test_links_and_odd_names_do_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "odd.tar"
        with tarfile.open(path, "w") as archive:
            link = tarfile.TarInfo("x")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
            outside = tarfile.TarInfo("../../outside/x")
            outside.size = 2
            archive.addfile(outside, io.BytesIO(b"a\n"))
        assert list(tar_lines(path, "x")) == [(1, "a")]
        assert not (tmp_path.parent / "outside").exists()

    def test_damaged_and_missing(self, tmp_path: Path) -> None:
        (tmp_path / "bad").write_bytes(b"not an archive")
        for read in (
            lambda: list(tar_lines(tmp_path / "bad", "x")),
            lambda: zipped_pairs("x")(tmp_path / "bad", tmp_path / "o"),
        ):
            with pytest.raises(DataError, match="bad: not an archive"):
                read()
        write_tar(tmp_path / "a.tar.gz", {"y": "a\n"})
        with pytest.raises(DataError, match="has no member x"):
            list(tar_lines(tmp_path / "a.tar.gz", "x"))
        whole = (tmp_path / "a.tar.gz").read_bytes()
        (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match="cut"):
            list(tar_lines(tmp_path / "cut.tar.gz", "y"))

    def test_help_of_libreoffice(self, tmp_path: Path) -> None:
        po = (
            'msgid ""\nmsgstr ""\n"Language: fr\\n"\n\n'
            '#. x\n#: a.xhp\nmsgctxt ""\n"a.xhp\\n"\n"par_1\\n"\n"help.text"\n'
            'msgid "<ahelp hid=\\".\\">Choose "\n"<emph>A &amp; B</emph>.</ahelp>"\n'
            'msgstr "Choisissez A &amp; B."\n\n'
            'msgid "Untranslated"\nmsgstr ""\n\n'
            '#, fuzzy\nmsgid "Fuzzy"\nmsgstr "Flou"\n\n'
            'msgid "<bookmark_value>x</bookmark_value>"\nmsgstr "<bookmark_value>y</bookmark_value>"\n'
        )
        root = "libreoffice-7/translations/source"
        write_tar(
            tmp_path / "lo.tar.gz",
            {
                f"{root}/fr/helpcontent2/source/text/a.po": po,
                f"{root}/de/helpcontent2/a.po": po,
                f"{root}/fr/sw/a.po": po,
            },
        )
        libreoffice_pairs("fr")(tmp_path / "lo.tar.gz", tmp_path / "en-fr.tsv.gz")
        made = gzip.decompress((tmp_path / "en-fr.tsv.gz").read_bytes()).decode()
        assert made == "Choose A & B.\tChoisissez A & B.\n"


def test_digests_are_facts_of_the_source() -> None:
    # Comparing sources must not depend on how a download is prepared.
    source = SETS["tatoeba-en-fr"].sources[0]
    assert replace(source, prepare=None) == source
