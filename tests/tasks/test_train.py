"""From a recipe to a model, and what stands in the way."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

import regard
from regard import UserError
from regard.data.text.batches import IGNORE
from regard.data.text.config import DataConfig, MoreConfig
from regard.data.text.references import grouped
from regard.data.text.splits import pairs_of
from regard.tasks import load_folder, load_recipe, train
from regard.tasks.card import model_card
from regard.tasks.layout import is_finished
from regard.tasks.recipe import parse_recipe
from regard.tasks.text.classification import ClassificationTask
from regard.tasks.text.reinforce import Reinforced
from regard.tasks.text.translation import TranslationTask, corpus_loss
from regard.tasks.text.translator import Translator
from regard.training.lock import FolderInUseError, FolderLock
from regard.whole_file import write_atomically


def prepared(workplace, folder, *overrides):
    return TranslationTask.prepare(load_recipe(workplace / "recipe.toml", overrides), folder)


def test_importing_the_package_is_quick_and_brings_no_torch():
    code = "import sys, regard; assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_learns(workplace, tmp_path):
    folder = train(workplace / "recipe.toml", tmp_path / "m", overrides=["training.updates=80"])
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    losses = [line["validation"]["loss"] for line in lines if "validation" in line]
    assert losses[-1] < 0.5 * losses[0]


def test_a_run_that_begins_just_before_this_one_locks_the_folder_keeps_its_own(
    workplace, tmp_path, monkeypatch
):
    folder, enter = tmp_path / "m", FolderLock.__enter__

    def begun_by_another(lock):
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data" / "corpus").write_text("theirs")
        (folder / "recipe.toml").write_text("theirs")
        return enter(lock)

    monkeypatch.setattr(FolderLock, "__enter__", begun_by_another)
    with pytest.raises(UserError, match="another run has begun in this folder"):
        train(workplace / "recipe.toml", folder)
    assert (folder / "data" / "corpus").read_text() == (folder / "recipe.toml").read_text() == "theirs"


def test_bleu_can_be_the_metric_whatever_is_asked_of_decoding(workplace, tmp_path):
    overrides = ["training.metric='bleu'", "decoding.beam=3", "decoding.n_best=3"]
    folder = train(workplace / "recipe.toml", tmp_path / "m", overrides=overrides)
    assert "chrf" in json.loads((folder / "metrics.json").read_text("utf-8"))["validation"]


def test_a_folder_with_something_in_it_is_left_alone(workplace, model_folder, tmp_path):
    (tmp_path / "diary.txt").write_text("dear diary", encoding="utf-8")
    with pytest.raises(UserError, match="not empty"):
        train(workplace / "recipe.toml", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["diary.txt"]
    for resume in (False, True):
        with pytest.raises(UserError, match="finished model"):
            train(workplace / "recipe.toml", model_folder, resume=resume)
    with pytest.raises(UserError, match="is a file"):
        train(workplace / "recipe.toml", tmp_path / "diary.txt")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("tokenizer.vocabulary=5000", "vocabulary"),
        ("data.train=no-such-file.tsv", r"no-such-file\.tsv"),
        ("model.max_length=100", r"data\.filters\.max_length"),
    ],
)
def test_bad_data_leaves_nothing_behind(workplace, tmp_path, override, words):
    with pytest.raises(UserError, match=words):
        train(workplace / "recipe.toml", tmp_path / "new" / "m", overrides=[override])
    assert not list(tmp_path.iterdir())
    (tmp_path / "there").mkdir()  # made by the user, so it stays
    with pytest.raises(UserError, match=words):
        train(workplace / "recipe.toml", tmp_path / "there", overrides=[override])
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_a_model_that_makes_no_sense_is_a_plain_error(tmp_path):
    rows = "".join(f"{'ab'[i % 2]}\tword{i % 7} word{i % 5} word{i}\n" for i in range(300))
    (tmp_path / "rows.tsv").write_text(rows, encoding="utf-8")
    table = {"task": "text-classification", "data": {"train": str(tmp_path / "rows.tsv")}}
    table |= {"tokenizer": {"kind": "word"}, "model": {"self_attention": {"selection": "hard"}}}
    with pytest.raises(UserError, match=r'cannot be built: .* take "gumbel"'):
        train(parse_recipe(table), tmp_path / "m")
    assert not list((tmp_path / "m").glob("*"))


def test_a_classifier_reads_texts_cut_anew(tmp_path):
    rows = "".join(f"{'ab'[i % 2]}\tword{i % 7} thing{i % 5} other{i}\n" for i in range(300))
    (tmp_path / "rows.tsv").write_text(rows, encoding="utf-8")
    table = {"task": "text-classification", "data": {"train": str(tmp_path / "rows.tsv")}}
    table |= {"tokenizer": {"vocabulary": 280, "dropout": 0.3}, "training": {"tokens": 128}}
    task = ClassificationTask.prepare(parse_recipe(table), tmp_path / "m")
    texts = []
    for epoch in (0, 1):
        batches = [task.batch(epoch, step, 0, 1) for step in range(task.steps_per_epoch)]
        read = [
            (tuple(ids[mask].tolist()[1:-1]), int(label))
            for batch in batches
            for ids, mask, label in zip(batch.inputs, batch.mask, batch.targets, strict=True)
        ]
        texts.append({task.tokenizer.decode(list(ids)): label for ids, label in read})
        assert all(
            "ab"[label] == "ab"[int(text.rpartition("other")[2]) % 2] for text, label in texts[-1].items()
        )
    assert texts[0] == texts[1]
    assert len(texts[0]) == len(task.corpus)


@pytest.mark.parametrize("name", ["README.md", "recipe.toml"])
def test_only_a_run_is_resumed(workplace, tmp_path, name):
    shutil.copy(workplace / "recipe.toml", tmp_path / name)
    with pytest.raises(UserError, match="no training run is in this folder"):
        train(workplace / "recipe.toml", tmp_path, resume=True)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_run_that_is_killed_while_it_writes_its_model_is_finished_by_resuming(
    workplace, tmp_path, monkeypatch
):
    def full(path, data):
        if path.name == "README.md":
            raise UserError(f"{path}: cannot write: No space left on device")
        write_atomically(path, data)

    folder = tmp_path / "m"
    with monkeypatch.context() as patch:
        patch.setattr("regard.tasks.folder.write_atomically", full)
        with pytest.raises(UserError, match="No space left"):
            train(workplace / "recipe.toml", folder)
    assert (folder / "model.safetensors").exists()
    assert not is_finished(folder)
    with pytest.raises(UserError, match=r"SHA256SUMS: .* --resume"):
        regard.load(folder)
    (folder / "model.safetensors").write_bytes(b"half of it")
    (folder / "data/.train-0123abcd.part").mkdir()  # as of a process that was killed while it encoded
    (folder / ".model.safetensors.99.part").write_bytes(b"half of it")  # or while it wrote the weights
    train(workplace / "recipe.toml", folder, resume=True)
    assert regard.load(folder)("one red cat.").tokens
    assert sorted(place.name for place in folder.rglob(".*")) == [".lock"]


@pytest.mark.parametrize("left", ["data/", ".lock", ".recipe.toml.99.part"])
def test_a_run_that_was_killed_as_it_began_stands_in_nobodys_way(workplace, tmp_path, left):
    for resume in (False, True):
        folder = tmp_path / f"{resume}"
        folder.mkdir()
        (folder / left).mkdir() if left.endswith("/") else (folder / left).touch()
        overrides = ["training.updates=1", "training.average=1"]
        assert is_finished(train(workplace / "recipe.toml", folder, overrides=overrides, resume=resume))


def test_a_run_without_data_yet_goes_on(workplace, tmp_path):
    recipe = load_recipe(workplace / "recipe.toml", ["training.updates=1"])
    (tmp_path / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    (tmp_path / ".lock").touch()
    with pytest.raises(UserError, match="go on with --resume"):
        train(recipe, tmp_path)
    assert is_finished(train(recipe, tmp_path, resume=True))


def test_what_another_run_prepares_is_left_alone(workplace, tmp_path):
    folder = tmp_path / "m"
    for resume in (False, True):
        with FolderLock(folder):
            before = sorted(tmp_path.rglob("*"))
            with pytest.raises(FolderInUseError, match="in use by another run"):
                train(workplace / "recipe.toml", folder, resume=resume)
            assert sorted(tmp_path.rglob("*")) == before


def test_a_run_holds_its_folder_until_its_model_is_written(workplace, tmp_path, monkeypatch):
    folder, evaluate, seen = tmp_path / "m", TranslationTask.evaluate, []

    def another_comes(task, model, console):
        with pytest.raises(FolderInUseError, match="in use by another run"), FolderLock(folder):
            pass
        seen.append(model)
        return evaluate(task, model, console)

    monkeypatch.setattr(TranslationTask, "evaluate", another_comes)
    train(workplace / "recipe.toml", folder, overrides=["training.updates=1", "training.average=1"])
    assert seen
    with FolderLock(folder):
        pass


def test_a_vocabulary_is_learnt_again_where_the_texts_are_others(workplace, tmp_path):
    """As of a run that was killed before its first checkpoint, whose data was mended then."""
    (tmp_path / "recipe.toml").write_text((workplace / "recipe.toml").read_text("utf-8"), encoding="utf-8")
    pairs = tmp_path / "pairs.tsv"
    own = [f"data.train={pairs}", "tokenizer.kind=word"]
    shutil.copy(workplace / "pairs.tsv", pairs)
    first = prepared(tmp_path, tmp_path / "data", *own)
    again = prepared(tmp_path, tmp_path / "data", *own)
    pairs.write_text(pairs.read_text("utf-8").replace("red", "blue"), encoding="utf-8")
    fresh = prepared(tmp_path, tmp_path / "fresh", *own)
    mended = prepared(tmp_path, tmp_path / "data", *own)
    said = [task.vocabularies.source.to_bytes() for task in (first, again, fresh, mended)]
    assert said[0] == said[1] != said[2] == said[3]


def test_a_test_of_blank_rows_is_told_before_training(workplace, tmp_path):
    (tmp_path / "test.tsv").write_text("one cat.\t \n\t\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"data\.test: .*test\.tsv: there is no row without a blank field"):
        train(workplace / "recipe.toml", tmp_path / "m", overrides=[f"data.test={tmp_path / 'test.tsv'}"])
    assert not (tmp_path / "m").exists()


def test_a_validation_that_translates_some_takes_them_from_everywhere(workplace, tmp_path, monkeypatch):
    seen = []

    class Noting(Translator):
        def __call__(self, text, **options):
            seen.append(list(text))
            return super().__call__(text, **options)

    monkeypatch.setattr("regard.tasks.text.translation.Translator", Noting)
    monkeypatch.setattr("regard.tasks.text.translation._SENTENCES", 3)
    task = prepared(workplace, tmp_path, "training.metric=bleu", f"data.validation={workplace / 'pairs.tsv'}")
    task.validate(task.build().eval())
    sources = [group.source for group in grouped(pairs_of(task.recipe.data, "validation"))]
    assert seen == [[sources[0], sources[round((len(sources) - 1) / 2)], sources[-1]]]


def test_a_recipe_that_changed_before_the_first_checkpoint_is_refused(workplace, tmp_path, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("regard.tasks.run.Trainer", stop)  # the vocabulary is learnt, nothing is trained
        patch.setattr("regard.tasks.run.shutil.rmtree", lambda *_, **__: None)  # as if killed
        patch.setattr("regard.tasks.run.Path.unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            train(workplace / "recipe.toml", tmp_path / "m")
    with pytest.raises(UserError, match=r"tokenizer\.vocabulary was 300, is 200"):
        train(workplace / "recipe.toml", tmp_path / "m", resume=True, overrides=["tokenizer.vocabulary=200"])
    regard.load(train(workplace / "recipe.toml", tmp_path / "m", resume=True))


def test_a_changed_recipe_is_not_resumed(workplace, tmp_path, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("regard.tasks.run._finish", stop)
        with pytest.raises(KeyboardInterrupt):
            train(workplace / "recipe.toml", tmp_path / "m")
    with pytest.raises(UserError, match=r"training\.clip"):
        train(workplace / "recipe.toml", tmp_path / "m", resume=True, overrides=["training.clip=0.5"])
    with pytest.raises(UserError, match="training is not finished"):
        regard.load(tmp_path / "m")
    # How to search is no part of the weights, nor is what they are tested on.
    with pytest.raises(UserError, match=r"data\.test: .*no-such\.tsv: there is no such file"):
        train(workplace / "recipe.toml", tmp_path / "m", resume=True, overrides=["data.test=no-such.tsv"])
    overrides = ["decoding.beam=1", f"data.test={workplace / 'pairs.tsv'}"]
    regard.load(train(workplace / "recipe.toml", tmp_path / "m", resume=True, overrides=overrides))


class TestStartingFromAModel:
    """`start`: weights, vocabulary and shape of another model."""

    def recipe(self, workplace, start, **sections):
        table = {"task": "translation", "data": {"train": str(workplace / "pairs.tsv")}, "start": str(start)}
        training = {"updates": 1, "learning_rate": 1e-9, "precision": "fp32", "tokens": 512}
        return {**table, "training": training, **sections}

    def test_it_goes_on_from_there(self, workplace, model_folder, tmp_path):
        shutil.copytree(model_folder, tmp_path / "first")
        table = self.recipe(workplace, tmp_path / "first", model={"dropout": 0.1})
        recipe = parse_recipe(table)
        assert (recipe.model.width, recipe.model.dropout, recipe.tokenizer.vocabulary) == (16, 0.1, 300)
        train(recipe, tmp_path / "second")
        shutil.rmtree(tmp_path / "first")  # a finished model needs nothing of the one that it began with
        first, second = load_folder(model_folder), load_folder(tmp_path / "second")
        assert first.tokenizers[""].to_bytes() == second.tokenizers[""].to_bytes()
        for name, weight in first.weights.items():
            torch.testing.assert_close(second.weights[name], weight, atol=1e-6, rtol=0)
        began = f"Training began from the weights of `{tmp_path / 'first'}`, which had learnt from the same."
        assert began in second.card
        third = model_card(recipe, {}, parameters=1, start=second.card)
        assert third.count("Files of the user's own") == 1
        assert third.count(began) == 2
        other = recipe.model_copy(update={"data": DataConfig(name="multi30k")})
        both = model_card(other, {}, parameters=1, start=first.card)
        assert f"which had learnt from:\n\nFiles of the user's own: {workplace / 'pairs.tsv'}." in both
        beside = DataConfig(name="multi30k", more=MoreConfig(train=(workplace / "a.en", workplace / "a.fr")))
        card = model_card(recipe.model_copy(update={"data": beside}), {}, parameters=1)
        assert f"- Files of the user's own: {workplace / 'a.en'}, {workplace / 'a.fr'}." in card
        assert "- **multi30k**" in card

    def test_a_share_of_the_first_weights_is_kept(self, workplace, model_folder, tmp_path):
        sections = {"updates": 3, "learning_rate": 0.01, "precision": "fp32", "tokens": 512, "average": 1}
        table = self.recipe(workplace, model_folder) | {"training": sections}
        learnt = load_folder(train(parse_recipe(table), tmp_path / "learnt"))
        mixed = load_folder(train(parse_recipe(table | {"keep": 0.75}), tmp_path / "mixed"))
        first = load_folder(model_folder)
        for name, weight in first.weights.items():
            torch.testing.assert_close(mixed.weights[name], 0.75 * weight + 0.25 * learnt.weights[name])
        assert any(not torch.equal(mixed.weights[name], weight) for name, weight in first.weights.items())
        # The figures are those of the weights that are stored.
        losses = [folder.metrics["validation"]["loss"] for folder in (learnt, mixed)]
        assert losses[0] != losses[1]
        assert "75% of the weights, in the mean, are those that training began from." in mixed.card
        with pytest.raises(UserError, match=r"keep is 0\.5, a share of the weights of `start`"):
            parse_recipe({"task": "translation", "data": {"name": "multi30k"}, "keep": 0.5})

    def test_a_model_that_was_replaced_meanwhile_is_not_gone_on_from(
        self, workplace, model_folder, tmp_path, monkeypatch
    ):
        start, folder = tmp_path / "start", tmp_path / "m"
        shutil.copytree(model_folder, start)
        recipe = parse_recipe(self.recipe(workplace, start))

        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("regard.tasks.run._finish", stop)
            with pytest.raises(KeyboardInterrupt):
                train(recipe, folder)
        shutil.rmtree(start)
        other = load_recipe(workplace / "recipe.toml", ["training.updates=1", "seed=7", "training.average=1"])
        train(other, start)
        with pytest.raises(UserError, match=r"cannot continue with changed recipe: start\.weights was"):
            train(recipe, folder, resume=True)
        shutil.rmtree(start)
        shutil.copytree(model_folder, start)
        assert is_finished(train(recipe, folder, resume=True))

    def test_what_does_not_fit_is_said(self, workplace, model_folder, tmp_path):
        with pytest.raises(UserError, match=r"vocabulary' = 400: .* where it is 300; leave it out"):
            parse_recipe(self.recipe(workplace, model_folder, tokenizer={"vocabulary": 400}))
        wider = parse_recipe(self.recipe(workplace, model_folder, model={"width": 32}))
        with pytest.raises(UserError, match=r"leave what gives its shape out of \[model\]"):
            train(wider, tmp_path / "m")
        assert not list((tmp_path / "m").glob("*"))
        with pytest.raises(UserError, match="neither a model folder nor a model that ships"):
            parse_recipe(self.recipe(workplace, "en-fri"))


def test_what_is_prepared_is_used_again(workplace, tmp_path):
    first = prepared(workplace, tmp_path)
    stamp = (tmp_path / "train" / "source.ids").stat().st_mtime_ns
    second = prepared(workplace, tmp_path)
    assert (tmp_path / "train" / "source.ids").stat().st_mtime_ns == stamp
    assert first.corpus.digest == second.corpus.digest
    assert torch.equal(first.batch(0, 0, 0, 1).source, second.batch(0, 0, 0, 1).source)


def test_separate_vocabularies(workplace, tmp_path):
    folder = train(
        workplace / "recipe.toml",
        tmp_path / "m",
        overrides=["tokenizer.joint=false", "tokenizer.vocabulary=285"],
    )
    assert {file.name for file in folder.glob("*tokenizer.json")} == {
        "source-tokenizer.json",
        "target-tokenizer.json",
    }
    assert regard.load(folder)("one cat.").tokens


def test_merges_skipped_are_a_function_of_the_seed(workplace, tmp_path):
    def cut(seed):
        task = prepared(workplace, tmp_path, "tokenizer.dropout=0.5", f"seed={seed}")
        batches = [task.batch(0, step, 0, 1) for step in range(task.steps_per_epoch)]
        rows = [
            ids[real].tolist()
            for batch in batches
            for ids, real in zip(batch.source, batch.source_mask, strict=True)
        ]
        return {task.vocabularies.source.decode(ids): ids for ids in rows}

    first, again, other = cut(1), cut(1), cut(2)
    assert first == again
    assert first.keys() == other.keys()
    assert first != other


def test_loss_is_cross_entropy_summed_over_tokens(workplace, tmp_path):
    task = prepared(workplace, tmp_path)
    model, batch = task.build().eval(), task.batch(0, 0, 0, 1)
    loss = task.loss(model, batch)
    logits = model.logits(model(batch.source, batch.source_mask, batch.target_in).states)
    wanted = F.cross_entropy(
        logits.flatten(0, 1),
        batch.target_out.flatten(),
        ignore_index=-100,
        reduction="sum",
        label_smoothing=0.1,
    )
    torch.testing.assert_close(loss.total, wanted)
    assert task.units(batch) == batch.tokens == (batch.target_out != IGNORE).sum()
    validation = corpus_loss(model, task.validation, 512)
    assert validation == pytest.approx(corpus_loss(model, task.validation, 64), rel=1e-5)


def test_casual_pairs_are_learnt_and_not_validated(workplace, tmp_path):
    plain = prepared(workplace, tmp_path / "a")
    casual = prepared(workplace, tmp_path / "a", "data.casual=1.0")  # the folder's corpus is not taken for it
    assert casual.validation.digest == plain.validation.digest
    marks = {casual.vocabularies.target.encode(text)[-1] for text in (".", " .")}
    ends = [casual.corpus[row][1][-1] not in marks for row in range(len(casual.corpus))]
    assert len(casual.corpus) == 2 * len(plain.corpus)
    assert sum(ends) == len(plain.corpus)


def test_r_drop_without_dropout_changes_nothing(workplace, tmp_path):
    plain = prepared(workplace, tmp_path / "a")
    dropped = prepared(workplace, tmp_path / "b", "training.r_drop=1.0")
    model, batch = plain.build().eval(), plain.batch(0, 0, 0, 1)
    one, two = plain.loss(model, batch), dropped.loss(model, batch)
    torch.testing.assert_close(one.total, two.total)


def test_r_drop_pulls_passes_together(workplace, tmp_path):
    overrides = ["model.dropout=0.3"]
    plain = prepared(workplace, tmp_path / "a", *overrides)
    dropped = prepared(workplace, tmp_path / "b", "training.r_drop=5.0", *overrides)
    model, batch = plain.build().train(), plain.batch(0, 0, 0, 1)
    assert dropped.loss(model, batch).total > plain.loss(model, batch).total


HARD = ["model.encoder=gru", "model.decoder=gru", "model.attention.selection=hard"]


def test_hard_attention_learns_by_reinforce(workplace, tmp_path):
    task = prepared(workplace, tmp_path, *HARD, "model.attention.score=general")
    model, batch = task.build().train(), task.batch(0, 0, 0, 1)
    assert isinstance(model, Reinforced)
    loss = task.loss(model, batch)
    loss.total.backward()
    # Drawing keys has no gradient of its own: what reaches the score came through the reward.
    score = [p for name, p in model.named_parameters() if "score" in name]
    assert score
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in score)
    assert loss.figures["reward"] < 0
    assert model.baseline < 0
    assert model.begun == 1


def test_hard_attention_from_end_to_end(workplace, tmp_path):
    folder = train(workplace / "recipe.toml", tmp_path / "m", overrides=HARD)
    weights = regard.load(folder)("one red cat.").attention["decoder.cross"].weights
    assert set(weights.unique().tolist()) == {0.0, 1.0}


def test_the_surrogate_has_the_gradient_of_the_expected_reward():
    torch.manual_seed(0)
    scores = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64, requires_grad=True)
    reward = torch.tensor([-1.0, -3.0, -2.0], dtype=torch.float64)
    wanted = torch.autograd.grad((scores.softmax(0) * reward).sum(), scores)[0]
    drawn = torch.multinomial(scores.detach().softmax(0), 200_000, replacement=True)
    logs = scores.log_softmax(0)
    entropy = torch.autograd.grad(-(logs.exp() * logs).sum(), scores)[0]
    reinforced = Reinforced(torch.nn.Identity(), 4).double().train()
    targets = torch.randint(4, drawn.shape)
    for _ in range(3):  # whatever the baselines have become
        term = reinforced.surrogate(reward[drawn], targets, scores.log_softmax(0)[drawn]) / len(drawn)
        assert term == 0
        found = -torch.autograd.grad(term, scores)[0]
        torch.testing.assert_close(found / 0.05, wanted + 0.1 * entropy, atol=0.01, rtol=0)


def test_baselines_become_what_each_token_is_rewarded():
    reinforced = Reinforced(torch.nn.Identity(), 3).train()
    targets = torch.tensor([0, 0, 0, 1])
    rewards = torch.tensor([-1.0, -1.0, -1.0, -5.0])
    for _ in range(300):
        reinforced.surrogate(rewards, targets, torch.zeros(4))
    torch.testing.assert_close(reinforced.baseline, torch.tensor(-2.0))
    torch.testing.assert_close(reinforced.by_token, torch.tensor([1.0, -3.0, 0.0]), atol=1e-3, rtol=0)
    reinforced.eval().surrogate(torch.zeros(4), targets, torch.zeros(4))
    torch.testing.assert_close(reinforced.baseline, torch.tensor(-2.0))
