"""``regard compare``."""

import json


def test_a_model_beside_itself_is_one_line_of_one_seed(regard):
    table = regard("compare", "en-fr", "en-fr").out
    assert table.count("en-fr") == 1
    assert "seeds" not in table
    assert "±" not in table
    head, _, row = regard("compare", "en-fr", "--markdown").out.splitlines()
    assert head.startswith("| model | weights | min | speed | test BLEU |")
    assert row.startswith("| en-fr | 9.96 M |")
    (line,) = json.loads(regard("compare", "en-fr", "--json").out)
    assert line["figures"]["test"]["bleu"]["mean"] > 50


def test_lengths_go_into_a_picture_that_is_not_overwritten(regard, tmp_path):
    picture = tmp_path / "lengths.png"
    regard("compare", "en-fr", "--lengths", picture)
    size = picture.stat().st_size
    assert size > 5000
    refused = regard("compare", "en-fr", "--lengths", picture)
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert picture.stat().st_size == size


def test_what_cannot_be_is_told_before_anything_is_printed(regard, tmp_path):
    ran = regard("compare", "en-fr", "--lengths", tmp_path / "l.xyz")
    assert (ran.code, ran.out) == (2, "")
    assert "l.xyz: a picture ends in .png, .svg or .pdf" in ran.err
    assert regard("compare", "en-fr", "--json", "--markdown") == (
        (2, "", "regard: give either --markdown or --json\n")
    )
