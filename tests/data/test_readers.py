"""Reading pairs, texts and labels: what is wrong is named, with file and line."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.errors import DataError
from regard.data.text import Pair, read_labelled, read_lines, read_pairs
from regard.data.text import lines as lines_module
from regard.errors import UserError


def write(path: Path, content: str | bytes) -> Path:
    raw = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


PAIRS = [Pair("Go.", "Va !"), Pair('He said "hi"', "Il a dit «\u00a0salut\u00a0»"), Pair("", "vide\u2028x")]
TSV = "".join(f"{source}\t{target}\tcredit\n" for source, target in PAIRS)
JSONL = "".join(json.dumps({"source": s, "target": t, "n": 1}) + "\n" for s, t in PAIRS)


class TestPairs:
    @pytest.mark.parametrize("suffix", ["", ".gz"])
    @pytest.mark.parametrize(("name", "content"), [("a.tsv", TSV), ("a.jsonl", JSONL), ("a.txt", TSV)])
    def test_one_file(self, tmp_path: Path, name: str, content: str, suffix: str) -> None:
        assert list(read_pairs(write(tmp_path / (name + suffix), content))) == PAIRS

    def test_two_files(self, tmp_path: Path) -> None:
        left = write(tmp_path / "a.en", "".join(f"{pair.source}\n" for pair in PAIRS))
        right = write(tmp_path / "a.fr.gz", "".join(f"{pair.target}\n" for pair in PAIRS))
        assert list(read_pairs(left, right)) == PAIRS

    def test_columns_by_number_and_by_name(self, tmp_path: Path) -> None:
        plain = write(tmp_path / "a.tsv", "x\ty\tz\n")
        assert list(read_pairs(plain, source=2, target=0)) == [Pair("z", "x")]
        headed = write(tmp_path / "b.tsv", "id\ten\tfr\n1\tyes\toui\n")
        assert list(read_pairs(headed, source="fr", target="en")) == [Pair("oui", "yes")]
        with pytest.raises(DataError, match=r"b\.tsv, line 1: the header has no column 'de'.*'fr'"):
            list(read_pairs(headed, source="de", target="en"))

    def test_keys(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.jsonl", '{"en": "yes", "fr": "oui"}\n')
        assert list(read_pairs(file, source="fr", target="en")) == [Pair("oui", "yes")]

    def test_a_field_that_is_not_asked_for_is_what_the_other_leaves(self, tmp_path: Path) -> None:
        plain = write(tmp_path / "a.tsv", "fr\ten\tid\n")
        assert list(read_pairs(plain, source=1)) == list(read_pairs(plain, target=0)) == [Pair("en", "fr")]
        assert list(read_pairs(plain, source=2)) == [Pair("id", "en")]
        headed = write(tmp_path / "b.tsv", "fr\ten\noui\tyes\n")
        assert list(read_pairs(headed, source="en")) == [Pair("yes", "oui")]
        keyed = write(tmp_path / "a.jsonl", '{"source": "a", "target": "b"}\n')
        assert list(read_pairs(keyed, source="target")) == [Pair("b", "a")]
        assert list(read_pairs(headed, source="en", target="en")) == [Pair("yes", "yes")]  # to learn to copy

    def test_windows_line_ends_and_mark(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.tsv", b"\xef\xbb\xbfGo.\tVa !\r\nHi.\tSalut !")
        assert list(read_pairs(file)) == [Pair("Go.", "Va !"), Pair("Hi.", "Salut !")]

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.tsv", "a\tb\nonly one\n", r"a\.tsv, line 2: expected at least 2 columns.*found 1"),
            ("a.tsv", "a\tb\n\nc\td\n", r"line 2: expected at least 2"),
            ("a.tsv", b"a\tb\nc\t\xff\xfe\n", r"line 2: not valid UTF-8 at byte 3 \(0xFF\)"),
            ("a.tsv", b"\x89PNG\r\n\x00\x00", r"line 1: not valid|NUL"),
            ("a.tsv", b"a\tb\nx\0y\tz\n", r"line 2: this looks like a binary file"),
            ("a.tsv", "", r"a\.tsv: holds no rows"),
            ("a.tsv.gz", "", r"holds no rows"),
            ("a.jsonl", '{"source": "a", "target": "b"}\n{"source": "a"}\n', r"line 2: no key 'target'"),
            ("a.jsonl", '{"source": 1.5, "target": "b"}\n', r"line 1: 'source' must be text, found float"),
            ("a.jsonl", '["a", "b"]\n', r"line 1: expected an object"),
            ("a.jsonl", '{"source": "a"', r"line 1: not JSON"),
            ("a.jsonl", "[" * 100_000 + "\n", r"line 1: not JSON|longer"),
            ("a.jsonl", '{"source": "\\ud800", "target": "b"}\n', r"line 1: 'source' holds half"),
        ],
    )
    def test_bad_files(self, tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
        with pytest.raises(UserError, match=message):
            list(read_pairs(write(tmp_path / name, content)))

    def test_damaged_gzip(self, tmp_path: Path) -> None:
        whole = gzip.compress(TSV.encode() * 1000)
        for name, content in (("cut.gz", whole[: len(whole) // 2]), ("none.gz", b"plain text\n")):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(DataError, match=name):
                list(read_pairs(tmp_path / name))

    def test_missing_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"nowhere\.tsv: there is no such file"):
            list(read_pairs(tmp_path / "nowhere.tsv"))
        with pytest.raises(DataError, match="is a folder"):
            list(read_pairs(tmp_path))

    @pytest.mark.parametrize(("left", "right"), [("a\nb\nc\n", "x\n"), ("a\n", "x\ny\nz\n")])
    def test_line_counts_that_differ(self, tmp_path: Path, left: str, right: str) -> None:
        files = write(tmp_path / "a.en", left), write(tmp_path / "a.fr", right)
        short = "a.fr" if len(right) < len(left) else "a.en"
        with pytest.raises(DataError, match=rf"{short} ends after line 1, but .* has 3 lines"):
            list(read_pairs(*files))

    def test_two_empty_files(self, tmp_path: Path) -> None:
        files = write(tmp_path / "a.en", ""), write(tmp_path / "a.fr", "")
        with pytest.raises(DataError, match="hold no lines"):
            list(read_pairs(*files))

    def test_line_ends_of_an_old_mac(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        told = r"a\.txt\.gz: its lines end in a carriage return alone"
        with pytest.raises(DataError, match=told):
            list(read_lines(write(tmp_path / "a.txt.gz", "one\rtwo\r")))
        monkeypatch.setattr(lines_module, "LONGEST_LINE", 100)
        with pytest.raises(DataError, match=told):
            list(read_lines(write(tmp_path / "a.txt.gz", "one\rtwo\r" * 100)))
        kept = [(1, "one\rstill one"), (2, "two\rstill two")]
        assert list(read_lines(write(tmp_path / "b.txt", "one\rstill one\ntwo\rstill two"))) == kept

    def test_a_table_of_an_old_mac_that_ends_in_a_line_feed(self, tmp_path: Path) -> None:
        told = r"a\.tsv, line 1: rows are parted by carriage returns"
        with pytest.raises(DataError, match=told):
            list(read_pairs(write(tmp_path / "a.tsv", "I am.\tJe suis.\rYou are.\tTu es.\n")))
        headed = write(tmp_path / "a.tsv", "en\tfr\rI am.\tJe suis.\rYou are.\tTu es.\n")
        with pytest.raises(DataError, match=told):
            list(read_pairs(headed, source="en", target="fr"))
        note = write(tmp_path / "b.tsv", "a\tb\tone\rtwo\nc\td\te\r\r\n")  # in a column that nobody reads
        assert list(read_pairs(note)) == [("a", "b"), ("c", "d")]

    def test_a_line_without_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lines_module, "LONGEST_LINE", 100)
        with pytest.raises(DataError, match="line 2: longer"):
            list(read_lines(write(tmp_path / "a.txt", "fine\n" + "x" * 1000)))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\n\r\t"))] * 2),
        min_size=1,
        max_size=8,
    )
)
def test_any_pairs_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("pairs")
    wanted = [Pair(*row) for row in rows]
    if not rows[0][0].startswith("\ufeff"):  # a byte order mark before the first row is not text
        tsv = write(folder / "a.tsv", "".join(f"{s}\t{t}\n" for s, t in rows))
        assert list(read_pairs(tsv)) == wanted
    jsonl = write(
        folder / "a.jsonl.gz", "".join(json.dumps({"source": s, "target": t}) + "\n" for s, t in rows)
    )
    assert list(read_pairs(jsonl)) == wanted


class TestLabelled:
    def test_tsv_has_the_label_first(self, tmp_path: Path) -> None:
        row = next(read_labelled(write(tmp_path / "a.tsv", "good \tI liked it.\n")))
        assert (row.label, row.text) == ("good", "I liked it.")

    def test_jsonl_labels_may_be_numbers(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.jsonl", '{"text": "Fine.", "label": 1}\n{"text": "Bad.", "label": 0}\n')
        assert [row.label for row in read_labelled(file)] == ["1", "0"]

    def test_columns(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.tsv", "review\tstars\nnice\t5\n")
        row = next(read_labelled(file, text="review", label="stars"))
        assert (row.text, row.label) == ("nice", "5")

    def test_the_text_is_what_the_label_leaves(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.tsv", "nice\tgood\n")
        for fields in ({"label": 1}, {"text": 0}):
            row = next(read_labelled(file, **fields))
            assert (row.text, row.label) == ("nice", "good")
