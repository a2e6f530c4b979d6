"""From a recipe's data section to rows."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from regard.data.errors import DataError
from regard.data.held_out import position
from regard.data.text import (
    DataConfig,
    FilterConfig,
    MoreConfig,
    Pair,
    TokenizerConfig,
    __all__,
    labelled_of,
    pairs_of,
    read_pairs,
    splits,
    texts_of,
)


def write(path: Path, rows: int, columns: int = 2) -> Path:
    path.write_text(
        "".join("\t".join(f"{path.stem} {i} c{c}" for c in range(columns)) + "\n" for i in range(rows))
    )
    return path


class TestOwnFiles:
    def test_each_split_has_its_file(self, tmp_path: Path) -> None:
        config = DataConfig(train=write(tmp_path / "a.tsv", 9), validation=write(tmp_path / "b.tsv", 3))
        assert [len(list(pairs_of(config, split))) for split in ("train", "validation")] == [9, 3]
        with pytest.raises(DataError, match=r"data\.test: no file"):
            pairs_of(config, "test")
        with pytest.raises(DataError, match="no split 'dev'"):
            pairs_of(config, "dev")

    def test_a_share_is_held_out(self, tmp_path: Path) -> None:
        config = DataConfig(train=write(tmp_path / "a.tsv", 300), hold_out=0.1)
        train, validation = (set(pairs_of(config, split)) for split in ("train", "validation"))
        assert len(train) + len(validation) == 300
        assert not train & validation
        assert 10 < len(validation) < 60

    def test_none_falls_into_the_share(self, tmp_path: Path) -> None:
        config = DataConfig(train=write(tmp_path / "a.tsv", 2), hold_out=0.0001)
        with pytest.raises(DataError, match=r"a\.tsv: no row falls"):
            list(pairs_of(config, "validation"))

    def test_two_files_and_reading_again(self, tmp_path: Path) -> None:
        both = write(tmp_path / "a.en", 5, 1), write(tmp_path / "a.fr", 5, 1)
        rows = pairs_of(DataConfig(train=both, validation=both), "train")
        assert list(rows) == list(rows)
        assert next(iter(rows)) == Pair("a 0 c0", "a 0 c0")
        assert "a.en" in rows.name

    def test_a_missing_file_is_named_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"data\.train: .*nowhere\.tsv: there is no such file"):
            pairs_of(DataConfig(train=tmp_path / "nowhere.tsv"), "train")
        with pytest.raises(DataError, match="is a folder"):
            pairs_of(DataConfig(train=tmp_path), "train")

    @pytest.mark.skipif(os.name == "nt", reason="has no pipes among its files")
    def test_what_is_no_file_is_not_told_to_be_missing(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.tsv")
        with pytest.raises(DataError, match=r"data\.train: .*pipe\.tsv: is a device or a pipe"):
            pairs_of(DataConfig(train=tmp_path / "pipe.tsv"), "train")

    @pytest.mark.parametrize(("name", "content"), [("a.txt", b""), ("a.txt", b"\n \n"), ("a.txt.gz", b"")])
    def test_an_empty_file_is_told_to_be_empty(self, tmp_path: Path, name: str, content: bytes) -> None:
        file = tmp_path / name
        file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        for config in (DataConfig(train=file), DataConfig(train=file, validation=file)):
            with pytest.raises(DataError, match=rf"{name}: is empty"):
                list(texts_of(config, "train"))

    def test_more_pairs_beside_files(self, tmp_path: Path) -> None:
        file, more = write(tmp_path / "a.tsv", 300), write(tmp_path / "b.tsv", 2)
        kept = FilterConfig(duplicates="keep")
        config = DataConfig(train=file, filters=kept, more=MoreConfig(train=more, times=3))
        plain = DataConfig(train=file)
        added = [Pair("b 0 c0", "b 0 c1"), Pair("b 1 c0", "b 1 c1")]
        assert list(pairs_of(config, "train")) == [*pairs_of(plain, "train"), *added * 3]
        assert list(pairs_of(config, "validation")) == list(pairs_of(plain, "validation"))
        # A file beside itself brings back nothing of what is held out, by share or by file.
        again = DataConfig(train=file, filters=kept, more=MoreConfig(train=file))
        assert set(pairs_of(again, "train")) == set(pairs_of(plain, "train"))
        tested = DataConfig(train=file, validation=more, test=more, more=MoreConfig(train=more))
        assert list(pairs_of(tested, "train")) == list(read_pairs(file))
        with pytest.raises(DataError, match=r"data\.more\.train: .*nowhere\.tsv"):
            pairs_of(DataConfig(train=file, more=MoreConfig(train=tmp_path / "nowhere.tsv")), "train")

    def test_digests_are_of_the_rows(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.tsv", 50, 3)
        digests = [
            pairs_of(DataConfig(train=file), "train").digest,
            pairs_of(DataConfig(train=file), "validation").digest,
            pairs_of(DataConfig(train=file, target=2), "train").digest,
        ]
        assert len(set(digests)) == 3
        assert pairs_of(DataConfig(train=file), "train").digest == digests[0]
        write(file, 51, 3)
        assert pairs_of(DataConfig(train=file), "train").digest != digests[0]

    def test_texts(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("One.\n\n  \nTwo.\tstill two\n")
        config = DataConfig(train=tmp_path / "a.txt", validation=tmp_path / "a.txt")
        assert list(texts_of(config, "train")) == [("One.",), ("Two.\tstill two",)]
        with pytest.raises(DataError, match="one text file"):
            list(texts_of(DataConfig(train=(tmp_path / "a.txt", tmp_path / "a.txt")), "train"))

    @pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
    def test_texts_of_jsonl(self, tmp_path: Path, name: str) -> None:
        rows = [
            {"text": "One.", "body": "Un."},
            {"text": " ", "body": "x"},
            {"text": "Two\nlines.", "body": ""},
        ]
        raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
        file = tmp_path / name
        file.write_bytes(gzip.compress(raw) if file.suffix == ".gz" else raw)
        config = DataConfig(train=file, validation=file)
        assert list(texts_of(config, "train")) == [("One.",), ("Two\nlines.",)]
        other = DataConfig(train=file, validation=file, text="body")
        assert list(texts_of(other, "train")) == [("Un.",), ("x",)]
        assert texts_of(config, "train").digest != texts_of(other, "train").digest
        with pytest.raises(DataError, match=r"line 1: no key 'words'; it has 'text', 'body'"):
            list(texts_of(DataConfig(train=file, validation=file, text="words"), "train"))

    def test_texts_of_a_column(self, tmp_path: Path) -> None:
        (tmp_path / "a.tsv").write_text("id\tbody\n1\tOne.\n2\t\n3\tTwo.\n")
        files = {"train": tmp_path / "a.tsv", "validation": tmp_path / "a.tsv"}
        assert list(texts_of(DataConfig(**files, text="body"), "train")) == [("One.",), ("Two.",)]
        assert list(texts_of(DataConfig(**files, text=0), "train")) == [("id",), ("1",), ("2",), ("3",)]
        with pytest.raises(DataError, match="the header has no column 'words'"):
            list(texts_of(DataConfig(**files, text="words"), "train"))

    def test_a_share_of_texts_is_held_out_by_the_text(self, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_text("".join(json.dumps({"n": n, "text": f"text {n % 150}"}) + "\n" for n in range(300)))
        config = DataConfig(train=file, hold_out=0.2)
        train, validation = (list(texts_of(config, split)) for split in ("train", "validation"))
        assert len(train) + len(validation) == 300
        assert not set(train) & set(validation)

    def test_the_same_content_is_other_rows_as_jsonl(self, tmp_path: Path) -> None:
        files = [tmp_path / "a.txt", tmp_path / "a.jsonl"]
        for file in files:
            file.write_text('{"text": "One."}\n')
        plain, fields = (texts_of(DataConfig(train=file, validation=file), "train") for file in files)
        assert list(plain) == [('{"text": "One."}',)]
        assert list(fields) == [("One.",)]
        assert plain.digest != fields.digest

    def test_labelled(self, tmp_path: Path) -> None:
        (tmp_path / "a.tsv").write_text("good\tnice\nbad\tnot nice\n")
        config = DataConfig(train=tmp_path / "a.tsv", validation=tmp_path / "a.tsv")
        assert [row.label for row in labelled_of(config, "train")] == ["good", "bad"]
        with pytest.raises(DataError, match="has no labels"):
            labelled_of(DataConfig(name="multi30k"), "train")

    def test_labels_are_those_of_all_rows_that_can_be_learnt(self, tmp_path: Path) -> None:
        held = next(text for text in map("rare {}".format, range(1000)) if position(text) < 0.05)
        rows = [f"{'ab'[row % 2]}\ttext {row}\n" for row in range(60)]
        (tmp_path / "a.tsv").write_text("".join([*rows, f"rare\t{held}\n", "\tno label\n", "no text\t \n"]))
        config = DataConfig(train=tmp_path / "a.tsv")
        labels = splits.labels_of(config)
        assert labels.names == ("a", "b", "rare")
        assert "rare" in {row.label for row in labelled_of(config, "validation", labels)}
        assert "rare" not in {row.label for row in labelled_of(config, "train", labels)}


class TestNamedSets:
    @pytest.fixture(autouse=True)
    def data(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REGARD_DATA", str(tmp_path))
        folder = tmp_path / "multi30k"
        folder.mkdir()
        texts = {"val": "one", **{stem: stem for stem in ("train", "test_2016_flickr", "test_2017_flickr")}}
        for stem, text in texts.items():
            for language in ("en", "fr"):
                line = f"{language} {text}\n".encode()
                (folder / f"{stem}.{language}.gz").write_bytes(gzip.compress(line))

    def test_pairs_and_texts(self) -> None:
        config = DataConfig(name="multi30k", source="fr", target="en")
        rows = pairs_of(config, "validation")
        assert list(rows) == [Pair("fr one", "en one")]
        assert rows.name == "multi30k"
        assert list(texts_of(config, "validation")) == [("en one",)]
        assert rows.digest != pairs_of(DataConfig(name="multi30k"), "validation").digest

    def test_more_pairs_are_learnt_and_what_is_held_out_is_not(self, tmp_path: Path) -> None:
        more = tmp_path / "more.tsv"
        more.write_text("en\tfr\nbye\tau revoir\nEN one!\tlearnt?\nen test_2017_flickr\tlearnt?\n", "utf-8")
        config = DataConfig(
            name="multi30k", target="fr", more=MoreConfig(train=more, source="en", target="fr")
        )
        rows = pairs_of(config, "train")
        assert list(rows) == list(rows) == [Pair("en train", "fr train"), Pair("bye", "au revoir")]
        assert list(pairs_of(config, "validation")) == [Pair("en one", "fr one")]
        digest = rows.digest
        more.write_text("en\tfr\nbye\tà bientôt\n", "utf-8")
        assert pairs_of(config, "train").digest != digest
        # The held-out pairs tell which are learnt, so they are part of what the rows are made of.
        digest = pairs_of(config, "train").digest
        (tmp_path / "multi30k" / "val.en.gz").write_bytes(gzip.compress(b"bye\n"))
        assert pairs_of(config, "train").digest != digest
        assert list(pairs_of(config, "train")) == [Pair("en train", "fr train")]

    def test_into_english_the_target_tells_what_is_held_out(self, tmp_path: Path) -> None:
        more = tmp_path / "more.tsv"
        more.write_text("autre chose\tEN one!\nfr one\tsomething else\n", "utf-8")
        config = DataConfig(name="multi30k", source="fr", target="en", more=MoreConfig(train=more))
        assert list(pairs_of(config, "train")) == [
            Pair("fr train", "en train"),
            Pair("fr one", "something else"),
        ]

    def test_nothing_is_hashed_before_it_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hashed = []
        monkeypatch.setattr(splits, "digest_of", lambda file: hashed.append(file) or "digest")
        rows = texts_of(DataConfig(name="multi30k"), "validation")
        assert list(rows) == [("fr one",)]
        assert not hashed
        assert rows.digest != pairs_of(DataConfig(name="multi30k"), "validation").digest
        assert len(hashed) == 4  # each file once for the texts and once for the pairs

    def test_columns_are_for_files(self) -> None:
        with pytest.raises(DataError, match=r"data\.text = 'body'.*data\.target"):
            texts_of(DataConfig(name="multi30k", text="body"), "validation")
        with pytest.raises(DataError, match=r"data\.source = 0"):
            pairs_of(DataConfig(name="multi30k", source=0), "train")


class TestConfig:
    def test_what_is_learnt_several_times_is_kept_as_duplicates(self) -> None:
        more = {"train": "more.tsv", "times": 2}
        with pytest.raises(ValidationError, match=r"leaves one of each: set filters\.duplicates = 'keep'"):
            DataConfig.model_validate({"name": "multi30k", "more": more})
        DataConfig.model_validate({"name": "multi30k", "more": more, "filters": {"duplicates": "keep"}})
        with pytest.raises(ValidationError, match="source is column -1"):
            DataConfig.model_validate({"name": "multi30k", "more": more | {"times": 1, "source": -1}})

    def test_one_origin(self) -> None:
        for wrong in ({}, {"name": "multi30k", "train": "a.tsv"}):
            with pytest.raises(ValidationError, match="give either name"):
                DataConfig.model_validate(wrong)

    def test_as_a_recipe_writes_it(self) -> None:
        config = DataConfig.model_validate(
            {"name": ["tatoeba-en-fr", "libreoffice-help"], "filters": {"max_length": 100}}
        )
        assert config.sets == ("tatoeba-en-fr", "libreoffice-help")
        assert DataConfig.model_validate_json(config.model_dump_json()) == config
        two = DataConfig.model_validate({"train": ["a.en", "a.fr"], "source": 0})
        assert two.train == (Path("a.en"), Path("a.fr"))

    def test_unknown_keys(self) -> None:
        with pytest.raises(ValidationError, match="max_len"):
            DataConfig.model_validate({"name": "multi30k", "filters": {"max_len": 3}})

    @pytest.mark.parametrize("value", ["nan", "inf"])
    def test_numbers_are_finite(self, value: str) -> None:
        for kind, key in ((FilterConfig, "max_ratio"), (TokenizerConfig, "dropout")):
            with pytest.raises(ValidationError, match=key):
                kind.model_validate({key: float(value)})
        with pytest.raises(ValidationError, match="hold_out"):
            DataConfig.model_validate({"name": "multi30k", "hold_out": float(value)})


def test_reading_a_recipe_loads_no_torch() -> None:
    code = "import sys, regard.data.text.config, regard.data.text.splits; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_there() -> None:
    import regard.data.text

    for name in __all__:
        assert getattr(regard.data.text, name).__doc__
    with pytest.raises(AttributeError):
        _ = regard.data.text.nothing
