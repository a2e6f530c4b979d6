"""Where models are: the files of a model folder, and the models that ship by name."""

from importlib import resources
from pathlib import Path

from regard.errors import UserError

WEIGHTS = "model.safetensors"
RECIPE = "recipe.toml"
METRICS = "metrics.json"
CARD = "README.md"
HASHES = "SHA256SUMS"


class ModelFolderError(UserError):
    """A model folder that is missing, incomplete, altered, or of another task."""


def is_finished(folder: Path) -> bool:
    """Whether a whole model was written into a folder: its hashes are written last.

    Example:
        >>> is_finished(shipped_models()["en-fr"]), is_finished(Path("no-such-model"))
        (True, False)
    """
    return (folder / HASHES).is_file()


def find_model(path_or_name: str | Path) -> Path:
    """The folder of a model given by path or by the name of a shipped model.

    A folder on disk wins over a shipped name; its path may always be written as ``./NAME``.

    Raises:
        ModelFolderError: there is no such model; the message lists those that ship.
    """
    path = Path(path_or_name)
    if (path / RECIPE).exists() or (path / WEIGHTS).exists() or (path / HASHES).exists():
        return path
    shipped = shipped_models()
    if str(path_or_name) in shipped:
        return shipped[str(path_or_name)]
    if path.is_dir():
        raise ModelFolderError(
            f"{path}: no model in this folder ({WEIGHTS}, {RECIPE} and {HASHES} are missing)"
        )
    names = ", ".join(sorted(shipped)) or "none"
    raise ModelFolderError(
        f"{path_or_name}: neither a model folder nor a model that ships (these ship: {names})"
    )


def shipped_models() -> dict[str, Path]:
    """Names and folders of the models that are part of the installed package.

    Example:
        >>> isinstance(shipped_models(), dict)
        True
    """
    root = Path(str(resources.files("regard"))) / "pretrained"
    return {child.name: child for child in sorted(root.glob("*")) if is_finished(child)}


def tokenizer_file(name: str) -> str:
    """The file that holds a tokenizer of this name.

    Example:
        >>> tokenizer_file(""), tokenizer_file("source")
        ('tokenizer.json', 'source-tokenizer.json')
    """
    return f"{name}-tokenizer.json" if name else "tokenizer.json"
