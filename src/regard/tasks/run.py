"""From a recipe to a model folder: prepare, build, fit, evaluate, write."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from regard.data.whole_folder import delete_half_made
from regard.errors import UserError
from regard.tasks.card import model_card
from regard.tasks.folder import ModelFolder, fill_model, load_folder, mix_in, save_model
from regard.tasks.kinds import KINDS
from regard.tasks.layout import RECIPE, ModelFolderError, is_finished, tokenizer_file
from regard.tasks.recipe import Recipe, load_recipe, read_resolved
from regard.tasks.talk import say
from regard.tasks.task import Task
from regard.tasks.text.reinforce import bare
from regard.training import Trainer
from regard.training.distributed import Processes, join, pick_device
from regard.training.lock import LOCK, FolderLock
from regard.training.resume import refuse_changes
from regard.whole_file import TEMPORARY, write_atomically

DATA = "data"  # in the model folder: the encoded data, which a run that goes on uses again


def train(
    recipe: str | Path | Recipe,
    out: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    resume: bool = False,
    console: Console | None = None,
) -> Path:
    """Train a model from a recipe and write it into a folder, with checkpoints, logs and curves.

    Started by torchrun, it trains with all the processes.

    Args:
        recipe: a TOML file, or a recipe.
        out: the model folder to be; ``models/NAME-OF-THE-RECIPE`` if not given.
        overrides: such as ``"model.layers=6"``.
        resume: go on with a run that was interrupted.
        console: where progress is shown; None is silent.

    Returns:
        The model folder, for `regard.load`.

    Raises:
        UserError: a wrong recipe, bad data, or a folder that holds something already.
        regard.training.Interrupted: a signal came; all is saved and `resume` goes on.
    """
    name = "model" if isinstance(recipe, Recipe) else Path(recipe).stem
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    elif overrides:
        raise ValueError("overrides are for a recipe file; a Recipe is already whole")
    folder = Path(out) if out is not None else Path("models") / name
    start = None if recipe.start is None else load_folder(recipe.start, task=recipe.task)
    lock = FolderLock(folder)  # held from before the first file to after the last
    with join(device := pick_device()) as processes, ExitStack() as held:
        console = console if processes.first else None
        with _claimed(folder, recipe, resume, processes, lock, held):
            task = _prepared(recipe, start, folder / DATA, processes, console)
            model = _built(task, start)
            decisive = recipe.decisive() | ({} if start is None else {"start.weights": start.digest})
            trainer = Trainer(
                model, task, recipe.training, folder,
                recipe=decisive, console=console, device=device, lock=lock,
            )  # fmt: skip
        figures = trainer.fit(resume)
        processes.from_first(lambda: _finish(folder, recipe, start, task, model, figures, console))
    return folder


@contextmanager
def _claimed(
    folder: Path, recipe: Recipe, resume: bool, processes: Processes, lock: FolderLock, held: ExitStack
) -> Iterator[None]:
    """The folder for a run that is being prepared, locked until `held` lets go.

    If preparing fails, what it left there is taken away again.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    fresh = processes.from_first(lambda: _claim(folder, recipe, resume, lock, held))
    try:
        if fresh:
            processes.from_first(lambda: write_atomically(folder / RECIPE, recipe.to_toml().encode()))
        yield
    except BaseException:
        if fresh and processes.first:
            shutil.rmtree(folder / DATA, ignore_errors=True)
            (folder / RECIPE).unlink(missing_ok=True)
            held.close()  # Windows deletes no file that is open
            with suppress(OSError):  # something else has come to lie there
                (folder / LOCK).unlink(missing_ok=True)
                for place in made:
                    place.rmdir()
        raise


def _claim(folder: Path, recipe: Recipe, resume: bool, lock: FolderLock, held: ExitStack) -> bool:
    """Make the folder and lock it; whether no run has begun there.

    Raises:
        UserError: something there would be overwritten, the run there has another recipe or is going on, or
            the folder cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; the output must be a folder")
    if is_finished(folder):
        raise UserError(f"{folder}: there is a finished model in this folder; choose another with --out")
    fresh = _is_fresh(folder)
    if not fresh and not resume:
        raise UserError(
            f"{folder}: this folder is not empty; choose another with --out, or go on with --resume"
        )
    if not fresh:
        begun = (folder / DATA).is_dir() or (folder / LOCK).exists()  # a recipe alone may be the user's own
        if not begun or not (folder / RECIPE).is_file():
            raise UserError(f"{folder}: no training run is in this folder; choose another with --out")
        refuse_changes(folder, "recipe", read_resolved(folder / RECIPE).decisive(), recipe.decisive())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held.enter_context(lock)
    except OSError as error:
        raise UserError(f"{folder}: cannot make this folder, or write in it: {error.strerror}") from None
    for stale in folder.glob(f".*{TEMPORARY}"):  # of a run that was killed as it wrote its model
        stale.unlink(missing_ok=True)
    if fresh and not _is_fresh(folder):  # before it was locked
        raise UserError(f"{folder}: another run has begun in this folder; choose another with --out")
    return fresh


def _is_fresh(folder: Path) -> bool:
    """Whether a folder is new, or empty but for what is left of a run that was killed as it began."""

    def left(place: Path) -> bool:
        empty = place.name == DATA and place.is_dir() and not any(place.iterdir())
        return empty or place.name == LOCK or place.match(f".{RECIPE}.*{TEMPORARY}")

    return not folder.exists() or all(map(left, folder.iterdir()))


def _prepared(
    recipe: Recipe, start: ModelFolder | None, folder: Path, processes: Processes, console: Console | None
) -> Task:
    task = KINDS[recipe.task].task
    found: list[Task] = []

    def work() -> None:
        folder.mkdir(exist_ok=True)
        delete_half_made(folder)  # nobody else makes anything here while we hold the lock
        if start is not None:
            for name, tokenizer in start.tokenizers.items():
                write_atomically(folder / tokenizer_file(name), tokenizer.to_bytes())
        found.append(task.prepare(recipe, folder, console))

    # The first process does the work; the others then find it done.
    processes.from_first(work)
    return found[0] if found else task.prepare(recipe, folder, None)


def _built(task: Task, start: ModelFolder | None) -> nn.Module:
    """The model with fresh weights, or those of the model to start from.

    Raises:
        UserError: a combination that makes no sense, which a recipe's schema cannot tell, or weights of
            another shape.
    """
    try:
        model = task.build()
    except ValueError as error:
        raise UserError(f"the recipe's model cannot be built: {error}") from None
    if start is not None:
        try:
            fill_model(bare(model), start)
        except ModelFolderError as error:
            raise UserError(
                f"the recipe's model is not that of {start.path}, from which it is to start; leave what "
                f"gives its shape out of [model]: {error}"
            ) from None
    return model


def _finish(
    folder: Path,
    recipe: Recipe,
    start: ModelFolder | None,
    task: Task,
    model: nn.Module,
    figures: dict[str, float],
    console: Console | None,
) -> None:
    model = bare(model).eval()
    if start is not None and recipe.keep:
        mix_in(model, start, recipe.keep)
        with torch.no_grad():
            figures = figures | task.validate(model)
    found = task.evaluate(model, console)
    metrics = {"validation": figures | found.pop("validation", {}), **task.facts(), **found}
    parameters = sum(parameter.numel() for parameter in model.parameters())
    metrics["parameters"] = parameters
    card = model_card(recipe, metrics, parameters=parameters, start=None if start is None else start.card)
    save_model(
        folder, model=model, recipe=recipe, tokenizers=task.tokenizers(), metrics=metrics, card=card,
        overwrite=True,  # what this run, or one before it that was cut off, has begun to write
    )  # fmt: skip
    say(console, f"The model is in {folder}.")
