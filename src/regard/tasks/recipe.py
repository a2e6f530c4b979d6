"""The recipe: one typed, strict description of what is trained, on what, and how."""

import difflib
import json
import sys
import tomllib
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from regard.errors import UserError
from regard.tasks.kinds import KINDS
from regard.tasks.layout import RECIPE, find_model
from regard.tasks.toml import dump_toml
from regard.training.config import TrainingConfig

# What a key takes the place of, where a recipe that extends another says it, or the command line.
_DISPLACED = {
    "training.updates": ("training.epochs",),
    "training.epochs": ("training.updates",),
    "data.name": ("data.train",),
    "data.train": ("data.name",),
}
# What is said of something, and goes with it.
_COLUMNS = ("data.source", "data.target", "data.text", "data.label")
_SAID_OF = {"data.name": _COLUMNS, "data.train": ("data.validation", "data.test", *_COLUMNS)}


class RecipeError(UserError):
    """A recipe that cannot be read, or that asks for something that does not exist."""


_TOO_DEEP = "sections or lists lie in each other too deeply for a recipe"


class About(NamedTuple):
    """A recipe in the words of a model card.

    Attributes:
        title: what the model does.
        network: what it is.
        sets: the named sets that it learns from.
        files: those of the user's own that it learns from, beside the sets or in their place.
        seen: in what pieces it saw them.
    """

    title: str
    network: str
    sets: tuple[str, ...]
    files: tuple[str, ...]
    seen: str


class Recipe(BaseModel, ABC):
    """Everything that decides a trained model; whatever is not said has a default in code.

    Each task has a recipe of its own, with a section for each layer of the library, which is documented
    there. All randomness follows from `seed`; it is training's seed too, unless that is given.

    Training begins from the weights (and the vocabulary) of `start`, if one is named: a model folder or
    a model that ships. Its `model` and `tokenizer` then stand where the recipe says nothing else. `keep` is
    the share of those first weights in the finished ones, which are the mean of them and what was learnt:
    some of what the run forgot comes back (Wortsman et al. 2022).

    Example:
        >>> recipe = parse_recipe({"task": "translation", "data": {"name": "multi30k"}})
        >>> recipe.seed, recipe.weights, recipe.start
        (1, 'float32', None)
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    task: str
    seed: int = Field(default=1, ge=0, lt=1 << 63)
    weights: Literal["float32", "float16"] = "float32"
    """How the finished weights are stored; they are computed with in float32 either way."""
    start: str | None = None
    keep: float = Field(default=0.0, ge=0.0, lt=1.0)
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _kept_of_something(self) -> Self:
        if self.keep and self.start is None:
            raise ValueError(f"keep is {self.keep}, a share of the weights of `start`, and there is no start")
        return self

    @property
    @abstractmethod
    def about(self) -> "About":
        """What its model's card says of it."""

    @property
    def tokenizer_names(self) -> tuple[str, ...]:
        """Names of the tokenizers that its model needs; see `regard.tasks.layout.tokenizer_file`."""
        return ()

    @property
    def after_training(self) -> dict[str, Any]:
        """Keys that matter only once the weights are found, as pydantic's `exclude` takes them."""
        return {"weights": True, "keep": True}

    def refuse_ignored(self) -> None:
        """Raise where the recipe says what nothing would read.

        Of recipes to train by alone: in the folders of trained models it may stand from a time when nobody
        asked.

        Raises:
            ValueError: with what to say instead.
        """

    def resolved(self) -> dict[str, Any]:
        """Every key with its value, defaults included, as plain values.

        Example:
            >>> parse_recipe({"task": "translation", "data": {"name": "multi30k"}}).resolved()["seed"]
            1
        """
        return self.model_dump(mode="json")

    def to_toml(self) -> str:
        """The resolved recipe as TOML; reading it back gives an equal recipe.

        Example:
            >>> parse_recipe({"task": "translation", "data": {"name": "multi30k"}}).to_toml()[:20]
            'task = "translation"'
        """
        return dump_toml(self.resolved())

    def decisive(self) -> dict[str, Any]:
        """What decides the trained weights, flat (``model.layers``): a run resumed must agree in all of it.

        Example:
            >>> table = {"task": "translation", "data": {"name": "multi30k"}}
            >>> parse_recipe(table, ["model.layers=6"]).decisive()["model.layers"]
            6
        """
        return flat(self.model_dump(mode="json", exclude=self.after_training))


def flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with the keys of its sections joined by points.

    Example:
        >>> flat({"seed": 1, "model": {"attention": {"score": "dot"}}})
        {'seed': 1, 'model.attention.score': 'dot'}
    """
    joined: dict[str, Any] = {}
    for key, value in table.items():
        inner = flat(value) if isinstance(value, Mapping) else {"": value}
        joined |= {f"{key}.{rest}" if rest else key: value for rest, value in inner.items()}
    return joined


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from a TOML file, then apply overrides.

    A recipe may begin with ``extends = "other.toml"`` (relative to its own folder): it then only says
    what it changes. What excludes a key is changed with it: `training.updates` takes the place of
    `training.epochs`, `data.name` that of `data.train`, and the other way round. Paths of data files are
    relative to the folder that the command runs in.

    Args:
        path: the TOML file.
        overrides: texts such as ``"model.layers=6"``, applied in order.

    Raises:
        RecipeError: no such file, not TOML, an unknown key, a value of the wrong type, or a metric that the
            task does not validate by; the message names the key, the file and the nearest valid key.
        ModelFolderError: there is no model to `start` from.

    Example:
        >>> load_recipe("no-such-recipe.toml")
        Traceback (most recent call last):
        ...
        regard.tasks.recipe.RecipeError: no-such-recipe.toml: there is no such recipe file
    """
    path = Path(path)
    try:
        return parse_recipe(_read(path), overrides, origin=str(path))
    except RecursionError:
        raise RecipeError(f"{path}: {_TOO_DEEP}") from None


def read_resolved(path: Path) -> Recipe:
    """Read the recipe that a run wrote, which says everything: the model that it started from may be gone.

    Raises:
        RecipeError: as `load_recipe`.
    """
    return _checked(_read(path), {}, str(path))


def parse_recipe(
    table: Mapping[str, Any], overrides: Sequence[str] = (), *, origin: str = "recipe"
) -> Recipe:
    """Check a table of values against the schema, after applying overrides; see `load_recipe`.

    Example:
        >>> parse_recipe({"task": "translation", "data": {"name": "multi30k"}, "sede": 3})
        Traceback (most recent call last):
        ...
        regard.tasks.recipe.RecipeError: recipe: unknown key 'sede' (nearest valid key: 'seed')
    """
    raw: dict[str, Any] = json.loads(json.dumps(table, default=str))
    said = [_split_override(override) for override in overrides]
    _make_room(raw, (".".join(keys) for keys, _ in said))
    for keys, text in said:
        _assign(raw, keys, _parse_value(text))
    texts = dict(said)
    recipe = _checked(_begun(raw, origin), texts, origin)
    _check_metric(recipe, "--set training.metric" if ("training", "metric") in texts else origin)
    try:
        recipe.refuse_ignored()
    except ValueError as error:
        raise RecipeError(f"{origin}: {error}") from None
    return recipe


def _begun(raw: dict[str, Any], origin: str) -> dict[str, Any]:
    """The table with the sections of the model that it starts from below its own."""
    start, vocabulary = raw.get("start"), raw.get("tokenizer", {})
    if not isinstance(start, str) or not isinstance(vocabulary, dict):
        return raw
    _schema(raw, origin)  # a task that there is not is told first
    before = _read(find_model(start) / RECIPE)
    if before.get("task") != raw["task"]:
        raise RecipeError(
            f"{origin}: 'start' = {json.dumps(start)}: that is a model for {before.get('task')}, and this "
            f"recipe is for {raw['task']}; start from one for that"
        )
    below: dict[str, Any] = {
        section: before[section] for section in ("model", "tokenizer") if section in before
    }
    known = below.get("tokenizer", {})  # a model of images has none, and the schema says so
    for key, value in vocabulary.items():
        if key != "dropout" and value != (learnt := known.get(key, value)):
            raise RecipeError(
                f"{origin}: 'tokenizer.{key}' = {json.dumps(value)}: the vocabulary is that of the model to "
                f"start from, {start}, where it is {json.dumps(learnt)}; leave it out"
            )
    return _merged(below, raw)


def _checked(raw: dict[str, Any], texts: Mapping[tuple[str, ...], str], origin: str) -> Recipe:
    """The recipe that a table says, once it fits the schema; `texts` are what overrides said."""
    schema = _schema(raw, origin)
    try:
        return _validate(schema, raw)
    except ValidationError as error:
        # A text that happens to look like a number is still a text where the schema wants one.
        mended = False
        for fault in error.errors():
            keys = _present(fault["loc"], raw)
            if fault["type"] in ("string_type", "literal_error") and keys in texts:
                _assign(raw, keys, texts[keys])
                mended = True
        if mended:
            try:
                return _validate(schema, raw)
            except ValidationError as again:
                error = again
        raise RecipeError(_explain(error, raw, origin, set(texts), schema)) from None


def _check_metric(recipe: Recipe, where: str) -> None:
    """Refuse a metric that the task does not know, before its data is read."""
    known = KINDS[recipe.task].task.metrics
    if (metric := recipe.training.metric) not in known:
        raise RecipeError(
            f"{where}: 'training.metric' = {json.dumps(metric)}: a model for {recipe.task} is validated by: "
            f"{', '.join(known)}"
        )


def _schema(raw: Mapping[str, Any], origin: str) -> type[Recipe]:
    """What a recipe of this task may say."""
    task = raw.get("task")
    if task is None:
        raise RecipeError(f"{origin}: the key 'task' is missing; there are {', '.join(KINDS)}")
    if not isinstance(task, str) or task not in KINDS:
        near = difflib.get_close_matches(str(task), KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KINDS)}"
        raise RecipeError(f"{origin}: 'task' = {json.dumps(task)}: there is no such task; {hint}")
    return KINDS[task].recipe


def _validate(schema: type[Recipe], raw: dict[str, Any]) -> Recipe:
    # Through JSON, so that strictness allows what TOML cannot say otherwise (tuples, paths).
    recipe = schema.model_validate_json(json.dumps(raw), strict=True)
    if "seed" in raw and "seed" not in raw.get("training", {}):
        training = recipe.training.model_copy(update={"seed": recipe.seed})
        return recipe.model_copy(update={"training": training})
    return recipe


def _read(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path.resolve() in seen:
        raise RecipeError(f"{path}: this recipe extends itself")
    try:
        table = _parsed(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such recipe file") from None
    except IsADirectoryError:
        raise RecipeError(f"{path}: this is a folder; name a recipe file (.toml)") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text (byte {error.start}); a recipe is a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not valid TOML: {error}") from None
    except ValueError:
        most = sys.get_int_max_str_digits()
        raise RecipeError(f"{path}: a number in it has more than {most:,} digits") from None
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise RecipeError(f"{path}: 'extends' must be the name of a recipe file, not {parent!r}")
    below = _read(path.parent / parent, (*seen, path.resolve()))
    _make_room(below, flat(table))
    return _merged(below, table)


def _make_room(table: dict[str, Any], said: Iterable[str]) -> None:
    """Take out of a table what is displaced by keys that are said above it."""
    for displaced in (other for key in said for other in _DISPLACED.get(key, ())):
        section, _, key = displaced.partition(".")
        if isinstance(there := table.get(section), dict) and there.pop(key, None) is not None:
            for about in _SAID_OF.get(displaced, ()):
                there.pop(about.partition(".")[2], None)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _split_override(override: str) -> tuple[tuple[str, ...], str]:
    key, equals, text = override.partition("=")
    keys = tuple(part.strip() for part in key.split("."))
    if not equals or not all(keys):
        raise RecipeError(
            f"--set {override}: write --set section.key=value, for example --set model.layers=6"
        )
    return keys, text.strip()


def _parse_value(text: str) -> Any:
    """A TOML value where the text is one, else the text itself: `6`, `true`, `[1, 2]`, `fr`.

    A date is text: no key takes one, but folders are called so.
    """
    try:
        value = _parsed(f"value = {text}")["value"]
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return text
    return value


def _parsed(text: str) -> dict[str, Any]:
    """The table that a text of TOML says.

    Raises:
        ValueError: it is not TOML (then a `tomllib.TOMLDecodeError`), or it has a number of more digits than
            Python reads and writes.
    """
    table = tomllib.loads(text)
    json.dumps(table, default=str)  # digits of other bases are read without a bound
    return table


def _assign(raw: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    table = raw
    for depth, key in enumerate(keys[:-1]):
        below = table.get(key)
        if not isinstance(below, dict):
            # A section may replace a word: model.attention = "none", then model.attention.score = "dot".
            if depth == 0 and below is not None:
                raise RecipeError(f"--set {'.'.join(keys)}: '{key}' is a value, not a section")
            below = table[key] = {}
        table = below
    table[keys[-1]] = value


def _present(location: tuple[int | str, ...], raw: Any) -> tuple[str, ...]:
    """The keys of an error's location, without the names of union members that pydantic adds."""
    keys: list[str] = []
    for part in location:
        items = dict(enumerate(raw)) if isinstance(raw, list) else raw
        if not isinstance(items, dict) or part not in items:
            continue
        raw = items[part]
        keys.append(str(part))
    return tuple(keys)


def _explain(
    error: ValidationError,
    raw: dict[str, Any],
    origin: str,
    overridden: set[tuple[str, ...]],
    schema: type[Recipe],
) -> str:
    lines: list[str] = []
    depths = [_present(fault["loc"], raw) for fault in error.errors()]
    for fault, keys in zip(error.errors(), depths, strict=True):
        if any(len(other) > len(keys) and other[: len(keys)] == keys for other in depths) and keys:
            continue  # another member of a union; the member that got further says more
        if fault["type"] == "missing" and isinstance(fault["loc"][-1], str):
            keys = (*keys, str(fault["loc"][-1]))
        where = f"--set {'.'.join(keys)}" if keys in overridden else origin
        line = f"{where}: {_fault(fault, '.'.join(keys), schema)}"
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)


def _fault(fault: Any, key: str, schema: type[Recipe]) -> str:
    kind, value = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        if key in valid_keys(schema):  # of another member of a union
            return f"the key '{key}' does not go with what else '{key.rpartition('.')[0]}' says"
        return f"unknown key '{key}'{_nearest(key, schema)}"
    if kind == "missing" and isinstance(fault["loc"][-1], str):
        return f"the key '{key}' is missing"
    message = str(fault["msg"])
    if kind == "missing":
        message = f"value {fault['loc'][-1] + 1} of this list is missing"
    if "recursion limit" in message:
        return _TOO_DEEP
    if kind == "model_type":
        first = next(name for name in valid_keys(schema) if name.startswith(f"{key}."))
        message = f"this is a section, which needs keys, such as '{first}'"
    message = message.removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if not key:
        return message
    shown = "" if isinstance(value, dict) else f" = {json.dumps(value, ensure_ascii=False)}"
    return f"'{key}'{shown}: {message}"


def _nearest(key: str, schema: type[Recipe]) -> str:
    known = list(valid_keys(schema))
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if not near:  # the right name in the wrong section, or a shorter name of it
        last = key.rpartition(".")[2]
        names = {name.rpartition(".")[2]: name for name in known}
        near = [names[found] for found in difflib.get_close_matches(last, names, n=1, cutoff=0.6)]
    if near:
        return f" (nearest valid key: '{near[0]}')"
    section = key.rpartition(".")[0]
    siblings = [name for name in known if name.rpartition(".")[0] == section]
    return f" (valid keys: {', '.join(siblings)})" if siblings else ""


def valid_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """All dotted keys of a schema, sections included.

    Example:
        >>> "training.updates" in set(valid_keys(Recipe))
        True
    """
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        for inner in _models(field.annotation):
            yield from valid_keys(inner, f"{prefix}{name}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _models(typing.get_args(annotation)[0])
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for argument in typing.get_args(annotation):
            yield from _models(argument)
