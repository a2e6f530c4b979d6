"""Pictures on the command line: which are meant, where results go, and what happens to one that is bad."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.errors import UserError

if TYPE_CHECKING:
    from regard.data.images.reading import Picture as Pixels

Pictures = Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", show_default=False)]


@dataclass(frozen=True)
class Picture:
    """A picture that was asked for.

    Attributes:
        path: of its file.
        name: below the folder that was named, so that results keep the order of folders; that of a page has
            its number.
        page: of a TIFF stack, counted from 0.
    """

    path: Path
    name: Path
    page: int | None = None

    @property
    def title(self) -> str:
        """What people call it: the file, and the page where there is one."""
        return str(self.path) if self.page is None else f"{self.path}, page {self.page}"

    def pixels(self) -> Pixels:
        """[height, width, channels], at the file's depth.

        Raises:
            DataError: it cannot be read.
        """
        from regard.data.images.reading import read_picture

        return read_picture(self.path, page=self.page)

    def result(self, out: Path, ending: str = "", suffix: str = "") -> Path:
        """Where a result goes.

        Args:
            out: the folder of all results.
            ending: added to the name.
            suffix: such as ".png"; the picture's own if empty.

        Example:
            >>> picture = Picture(Path("in/a/x.jpg"), Path("a/x.jpg"))
            >>> picture.result(Path("out"), "-objects", ".png").as_posix()
            'out/a/x-objects.png'
        """
        return out / self.name.with_name(self.name.stem + ending + (suffix or self.name.suffix))


def of_pictures(predictor: Any) -> bool:
    """Whether a model, ours or of another library, reads pictures."""
    from regard.tasks.foreign.pictures import ForeignPictureModel
    from regard.tasks.images.predictor import PicturePredictor

    return isinstance(predictor, PicturePredictor | ForeignPictureModel)


def find_pictures(inputs: Sequence[Path]) -> list[Picture]:
    """The pictures that files and folders stand for; of a folder all, sub-folders too, in order of names.

    Of a TIFF stack each page is one.

    Raises:
        UserError: nothing of that name; a folder without pictures, or one that cannot be read.
    """
    from regard.data.images.members import Folder
    from regard.data.images.reading import SUFFIXES, is_picture

    found: list[Picture] = []
    for place in inputs:
        try:
            there, folder = place.exists(), place.is_dir()
        except OSError as error:  # a text, say, which is too long for a name
            raise UserError(f"{str(place)[:60]}…: no file or folder is called so: {error.strerror}") from None
        if folder:
            inside = [Picture(place / name, Path(name)) for name in Folder(place).names if is_picture(name)]
            if not inside:
                raise UserError(f"{place}: no pictures in this folder ({', '.join(SUFFIXES)})")
            found += [page for picture in inside for page in _pages(picture)]
        elif there:
            found += _pages(Picture(place, Path(place.name)))
        else:
            raise UserError(f"{place}: there is no such file or folder")
    return found


def _pages(picture: Picture) -> list[Picture]:
    """A stack's pages, numbered such that their names are in order; else the picture itself."""
    from regard.data.errors import DataError
    from regard.data.images.reading import STACKS, count_pages

    if not picture.path.name.lower().endswith(STACKS):
        return [picture]
    try:
        count = count_pages(picture.path)
    except DataError:  # told when its turn comes, so that the others are done
        return [picture]
    if count == 1:
        return [picture]
    digits = len(str(count - 1))
    name = picture.name
    return [
        Picture(picture.path, name.with_name(f"{name.stem}-{page:0{digits}}{name.suffix}"), page)
        for page in range(count)
    ]


def check_results(results: Sequence[Path], pictures: Sequence[Picture], force: bool) -> None:
    """Makes sure, before any work, that no result takes the place of another or of a file that is there.

    Args:
        results: where they go.
        pictures: what is read: not even by force is one replaced.
        force: replace other files that are there.

    Raises:
        UserError: it would.
    """
    seen: set[Path] = set()
    read = {picture.path.resolve() for picture in pictures}
    for path in results:
        if file := next((above for above in path.parents if above.is_file()), None):
            raise UserError(f"{file}: is a file; --out must be a folder")
        if path.resolve() in read:
            raise UserError(f"{path}: is one of the pictures, and would be lost; choose another --out")
        if path in seen:
            raise UserError(f"{path}: two pictures would have this result; give each an --out of its own")
        seen.add(path)
        if path.exists() and not force:
            raise UserError(f"{path}: is there already; choose another --out, or replace it with --force")


def each_picture(
    pictures: Sequence[Picture],
    work: Callable[[Picture], None],
    done: str,
    end: Callable[[], None] = lambda: None,
) -> None:
    """Does the work for every picture, with a bar on stderr; one that is bad is told and passed over.

    Args:
        pictures: what is worked on.
        work: for one of them.
        done: what happens to pictures, such as "segmented".
        end: what is still to be done behind the last of them.

    Raises:
        UserError: at the end, where pictures were passed over; says how many.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from regard.cli.console import console

    skipped = 0
    columns = (TextColumn(done), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = len(pictures) > 1 and sys.stderr.isatty()
    with Progress(*columns, console=console(stderr=True), transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=len(pictures))
        for picture in pictures:
            try:
                work(picture)
            except UserError as error:
                if len(pictures) == 1:
                    raise
                skipped += 1
                print(f"Skipped: {error}", file=sys.stderr)
            progress.advance(task)
        end()
    if skipped == len(pictures) > 0:
        raise UserError(f"none of the {skipped} pictures could be {done}")
    if skipped:
        raise UserError(f"{skipped} of {len(pictures)} pictures could not be {done}; the others are done")
