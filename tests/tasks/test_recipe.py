"""Recipes: typed, strict, and plain about what is wrong."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.tasks import load_recipe, parse_recipe
from regard.tasks.recipe import RecipeError, read_resolved
from regard.tasks.toml import dump_toml

BASE = {"task": "translation", "data": {"name": "multi30k"}}
RECIPES = Path(__file__).parents[2] / "recipes"

plain = st.one_of(
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
tables = st.recursive(
    st.dictionaries(keys, st.one_of(plain, st.lists(plain, max_size=3)), max_size=4),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(tables)
@settings(max_examples=60, deadline=None)
def test_toml_is_read_back_as_it_was_written(table):
    assert tomllib.loads(dump_toml(table)) == table


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.toml")), ids=lambda path: path.stem)
def test_recipes_of_the_project_are_valid_and_survive_being_resolved(path):
    recipe = load_recipe(path)
    assert parse_recipe(tomllib.loads(recipe.to_toml())) == recipe
    assert len(path.read_text("utf-8").splitlines()) < 40


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.layrs=3", ["model.layrs", "'model.layers'"]),
        ("layers=3", ["'model.layers'"]),
        ("trainig.epochs=3", ["'training'"]),
        ("model.attention.scor='dot'", ["'model.attention.score'"]),
        ("model.layers=many", ["model.layers", "many", "integer"]),
        ("model.layers=2.5", ["model.layers", "2.5", "integer"]),
        ("seed=9223372036854775808", ["'seed'", "less than 9223372036854775808"]),
        ("training.seed=-1", ["'training.seed'", "greater than or equal to 0"]),
        ("training.seed=18446744073709551616", ["'training.seed'", "less than"]),
        ("model.layers=1001", ["'model.layers'", "1000"]),
        ("model.encoder_layers=1000000000", ["'model.encoder_layers'", "1000"]),
        ("model.decoder_layers=1000000000", ["'model.decoder_layers'", "1000"]),
        ("decoding.beam=1001", ["'decoding.beam'", "1000"]),
        ("decoding.length_penalty=1000.0", ["'decoding.length_penalty'", "less than or equal to 20"]),
        ("decoding.length_penalty=-1000.0", ["'decoding.length_penalty'", "greater than or equal to -20"]),
        ("decoding.max_ratio=1e300", ["'decoding.max_ratio'", "100"]),
        ("decoding.max_extra=1000000000000000000", ["'decoding.max_extra'", "100000"]),
        ("task=['translation']", ["'task'", "did you mean 'translation'"]),
        ("model=3", ["'model' = 3", "section", "'model.width'"]),
        ("training.betas=[0.9]", ["'training.betas' = [0.9]", "value 2"]),
        ("a=" + "[" * 5000, ["unknown key 'a'"]),
        ("tokenizer.joint=yes", ["tokenizer.joint", "boolean"]),
        ("model.heads=3", ["heads", "width"]),
        ("model.layers", ["section.key=value"]),
        ("seed.x=1", ["'seed'", "integer"]),
        ("data.test=mine.tsv", ["splits of its own"]),
        ("data.source=-1", ["numbered from 0"]),
        ("seed=" + "1" * 5000, ["--set seed", "'seed'", "valid integer"]),
        ("seed=0x" + "f" * 5000, ["--set seed", "'seed'", "valid integer"]),
        ("start=digits", ["'start'", "image-classification", "translation"]),
        ("training.metric=accuracy", ["--set training.metric", '"accuracy"', "loss, perplexity, bleu, chrf"]),
    ],
)
def test_a_wrong_override_is_named_with_what_is_right(override, words):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(BASE, [override])
    for word in words:
        assert word in str(caught.value)


def test_one_wrong_seed_is_one_error():
    with pytest.raises(RecipeError) as caught:
        parse_recipe({**BASE, "training": {"epochs": 2}}, ["seed=nan"])
    assert str(caught.value) == "--set seed: 'seed' = NaN: input should be a valid integer"


@pytest.mark.parametrize("override", ["a=" + "[" * 300 + "]" * 300, "model" + ".a" * 3000 + "=1"])
def test_what_nests_too_deeply_is_told_with_its_file(tmp_path, override):
    file = tmp_path / "deep.toml"
    for text, overrides in (
        ('task = "translation"\n', [override]),
        (f'task = "translation"\n{override}', []),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(RecipeError, match=r"deep\.toml: .*too deeply"):
            load_recipe(file, overrides)


@pytest.mark.parametrize("number", ["1" * 5000, "0x" + "f" * 5000])
def test_a_number_of_too_many_digits_is_told_with_its_file(tmp_path, number):
    file = tmp_path / "long.toml"
    file.write_text(f'task = "translation"\nseed = {number}\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"long\.toml: a number in it has more than 4,300 digits"):
        load_recipe(file)


def test_a_model_of_images_has_no_vocabulary_to_start_from():
    table = {"task": "segmentation", "start": "nuclei", "data": {"name": "dsb2018"}}
    with pytest.raises(RecipeError, match="unknown key 'tokenizer'"):
        parse_recipe({**table, "tokenizer": {"kind": "bpe"}})


def test_how_texts_are_decoded_decides_only_where_translations_are_compared():
    assert "decoding.beam" not in parse_recipe(BASE).decisive()
    assert "decoding.beam" in parse_recipe(BASE, ["training.metric=bleu"]).decisive()


def test_a_wrong_key_names_the_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('task = "translation"\n[data]\nnmae = "multi30k"\n', encoding="utf-8")
    with pytest.raises(
        RecipeError, match=r"mine\.toml: unknown key 'data\.nmae' \(nearest valid key: 'data\.name'"
    ):
        load_recipe(file)


def test_missing_sections_are_named():
    with pytest.raises(RecipeError, match="the key 'data' is missing"):
        parse_recipe({"task": "translation"})


def test_overrides_are_typed():
    recipe = parse_recipe(
        BASE,
        [
            "data.target=fr",
            "training.betas=[0.9, 0.99]",
            "model.attention.score=dot",
            "tokenizer.joint=false",
        ],
    )
    assert recipe.data.target == "fr"
    assert recipe.training.betas == (0.9, 0.99)
    assert recipe.model.attention.score == "dot"
    assert recipe.tokenizer.joint is False


def test_a_name_that_looks_like_a_number_stays_a_name():
    assert parse_recipe(BASE, ["data.name=2024"]).data.name == "2024"


def test_one_seed_governs_unless_training_has_its_own():
    assert parse_recipe(BASE, ["seed=7"]).training.seed == 7
    assert parse_recipe(BASE, ["seed=7", "training.seed=8"]).training.seed == 8


def test_a_recipe_says_only_what_it_changes(tmp_path):
    (tmp_path / "base.toml").write_text(
        'task = "translation"\n[data]\nname = "multi30k"\n[model]\nlayers = 2\nencoder = "gru"\n',
        encoding="utf-8",
    )
    (tmp_path / "mine.toml").write_text('extends = "base.toml"\n[model]\nlayers = 5\n', encoding="utf-8")
    recipe = load_recipe(tmp_path / "mine.toml")
    assert (recipe.model.layers, recipe.model.encoder) == (5, "gru")


@pytest.mark.parametrize(
    ("below", "above", "found"),
    [
        ("training.epochs=3", "training.updates=100", (None, 100, "multi30k", None)),
        ("training.updates=100", "training.epochs=3", (3, None, "multi30k", None)),
        ("data.name=multi30k", "data.train=mine.tsv", (None, None, None, Path("mine.tsv"))),
        ("data.train=mine.tsv", "data.name=multi30k", (None, None, "multi30k", None)),
    ],
)
def test_what_is_said_above_takes_the_place_of_what_excludes_it(tmp_path, below, above, found):
    def written(override, name, *lines):
        section, _, pair = override.partition(".")
        key, _, value = pair.partition("=")
        text = value if value.isdecimal() else f'"{value}"'
        (tmp_path / name).write_text("\n".join((*lines, f"[{section}]", f"{key} = {text}")), "utf-8")
        return tmp_path / name

    named = [] if below.startswith("data") or above.startswith("data") else ["data.name=multi30k"]
    file = written(below, "below.toml", 'task = "translation"')
    extending = written(above, "above.toml", 'extends = "below.toml"')
    for recipe in (load_recipe(file, [*named, above]), load_recipe(extending, named)):
        training, data = recipe.training, recipe.data
        assert (training.epochs, training.updates, data.name, data.train) == found


def test_what_is_said_of_data_goes_with_it(tmp_path):
    file = tmp_path / "named.toml"
    file.write_text(
        'task = "translation"\n[data]\nname = "multi30k"\nsource = "en"\ntarget = "de"\n', "utf-8"
    )
    data = load_recipe(file, ["data.train=mine.tsv"]).data
    assert (data.name, data.source, data.target) == (None, None, None)
    data = load_recipe(file, ["data.target=3", "data.train=mine.tsv"]).data
    assert (data.source, data.target) == (None, 3)
    file.write_text('task = "translation"\n[data]\ntrain = "a.tsv"\ntest = "b.tsv"\nsource = 1\n', "utf-8")
    assert load_recipe(file, ["data.train=c.tsv"]).data.source == 1
    data = load_recipe(file, ["data.name=multi30k"]).data
    assert (data.train, data.test, data.source) == (None, None, None)


def test_what_is_said_twice_in_one_place_is_refused(tmp_path):
    file = tmp_path / "both.toml"
    file.write_text('task = "translation"\n[data]\nname = "multi30k"\n[training]\nepochs = 3\nupdates = 9\n')
    for told in (
        lambda: load_recipe(file),
        lambda: parse_recipe(BASE, ["training.epochs=3", "training.updates=9"]),
    ):
        with pytest.raises(RecipeError, match="updates and epochs are both given"):
            told()
    assert load_recipe(file, ["training.epochs=4"]).training.epochs == 4


def test_a_metric_that_a_task_does_not_know_is_told_with_its_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('task = "text-classification"\n[data]\ntrain = "a.tsv"\n[training]\nmetric = "bleu"\n')
    with pytest.raises(RecipeError, match=r"mine\.toml: 'training\.metric' = \"bleu\": .*: loss, accuracy"):
        load_recipe(file)


def test_recipes_that_extend_each_other_are_refused(tmp_path):
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n', encoding="utf-8")
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="extends itself"):
        load_recipe(tmp_path / "a.toml")


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00bad",
        b"task = ",
        b"extends = 3\n",
        b'task = ["translation"]\n',
        b'task = ["translation"]\nstart = "en-fr"\n',
        b"task = " + b"[" * 5000 + b"]" * 5000,
        b"a" + b".a" * 3000 + b" = 1\n",
    ],
)
def test_files_that_are_no_recipes(tmp_path, content):
    file = tmp_path / "odd.toml"
    file.write_bytes(content)
    with pytest.raises(RecipeError, match=r"odd\.toml"):
        load_recipe(file)
    with pytest.raises(RecipeError, match="folder"):
        load_recipe(tmp_path)


@pytest.mark.parametrize(
    ("task", "override", "words"),
    [
        ("language-modelling", "tokenizer.dropout=0.1", r"tokenizer\.dropout cuts texts anew"),
        ("language-modelling", "training.r_drop=1.0", r"r_drop is for translation"),
        ("text-classification", "training.r_drop=1.0", r"recipe for text-classification"),
        ("text-classification", "data.casual=0.1", r"data\.casual is for translation"),
        ("text-classification", "model.attention.score=additive", r"take model\.self_attention"),
        ("language-modelling", "model.attention.scope=local-m", r"language-modelling has one text"),
        ("text-classification", "data.more.train=more.tsv", r"data\.more is for translation"),
        ("translation", "data.documents=apart", r"data\.documents is for language modelling"),
        ("translation", "data.label=1", r"data\.label: translation reads no such column"),
        ("translation", "data.name=[]", r"name is an empty list"),
        ("language-modelling", "data.target=fr", r"data\.target: language-modelling reads no such column"),
        ("language-modelling", "model.encoder=lstm", r"takes the decoder alone; say model\.decoder"),
        ("text-classification", "model.decoder=gru", r"takes the encoder alone; say model\.encoder"),
        ("text-classification", "data.source=1", r"data\.source: text-classification reads no such column"),
    ],
)
def test_what_a_task_does_not_use_is_refused(task, override, words):
    with pytest.raises(RecipeError, match=words):
        parse_recipe({"task": task, "data": {"train": "texts.tsv"}}, [override])


@pytest.mark.parametrize(
    ("table", "key", "value", "words"),
    [
        (
            {"task": "language-modelling", "data": {"train": "t.txt"}},
            "model.attention.score",
            "dot",
            "take model.self_attention",
        ),
        (
            {"task": "image-classification", "data": {"name": "mnist-png"}},
            "data.hold_out_order",
            "hash",
            "leave out data.hold_out_order",
        ),
        (
            {
                "task": "denoising",
                "data": {"train": "p"},
                "clean_targets": False,
                "model": {"residual": False},
            },
            "training.metric",
            "psnr",
            "compares with clean pictures",
        ),
    ],
)
def test_what_nothing_reads_is_refused_but_in_the_folders_of_models(tmp_path, table, key, value, words):
    with pytest.raises(RecipeError, match=words):
        parse_recipe(table, [f"{key}={value}"])
    older = section = parse_recipe(table).resolved()
    *sections, last = key.split(".")
    for name in sections:
        section = section[name]
    section[last] = value
    (tmp_path / "recipe.toml").write_text(dump_toml(older), "utf-8")
    assert read_resolved(tmp_path / "recipe.toml").resolved() == older


def test_a_language_model_may_say_that_it_has_no_cross_attention():
    recipe = {"task": "language-modelling", "data": {"train": "t.txt"}, "model": {"decoder": "lstm"}}
    assert parse_recipe(recipe, ["model.attention=none"]).model.attention == "none"


def test_what_says_what_not_to_learn_decides_the_weights():
    plain = {"task": "translation", "data": {"train": "a.tsv", "test": "b.tsv"}}
    beside = {"task": "translation", "data": {**plain["data"], "more": {"train": "c.tsv"}}}
    assert "data.test" not in parse_recipe(plain).decisive()
    assert "data.test" in parse_recipe(beside).decisive()


def test_recurrent_language_models_do_not_keep_documents_apart():
    recipe = {"task": "language-modelling", "data": {"train": "texts.txt"}, "model": {"decoder": "gru"}}
    with pytest.raises(RecipeError, match="carries what it has read from text to text"):
        parse_recipe(recipe, ["data.documents=apart"])


def test_what_is_said_of_both_parts_is_no_mistake():
    both = {"task": "language-modelling", "data": {"train": "t.txt"}, "model": {"decoder": "gru"}}
    assert parse_recipe(both, ["model.encoder=gru"]).model.encoder == "gru"


@pytest.mark.parametrize("text", ["2024-01-01", "12:30:00", "2024-01-01T10:00:00", "[2024-01-01]"])
def test_what_looks_like_a_date_is_text(text):
    recipe = {"task": "translation", "data": {"train": "a.tsv"}}
    assert str(parse_recipe(recipe, [f"data.train={text}"]).data.train) == text
