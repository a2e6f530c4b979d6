"""ES modules of several files as one script, so that a page needs no other file."""

from __future__ import annotations

import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)


def joined_modules(files: Mapping[str, str], main: str) -> str:
    """Each module becomes a function that runs once, after those it imports, and returns what it exports.

    So a module's own names stay its own. Understood are ``import { a, b as c } from "./file.js";`` and
    ``export`` before a function, a class or a constant.

    Args:
        files: the text of each module, by name without ``.js``.
        main: the module that starts the page.

    Raises:
        ValueError: a module that is not there, modules that import each other, or another form of import or
            export.

    Example:
        >>> words, main = "export const word = 1;\\n", 'import { word } from "./words.js";\\nword;\\n'
        >>> print(joined_modules({"words": words, "main": main}, "main"))
        const words_js = (() => {
        const word = 1;
        return { word };
        })();
        const main_js = (() => {
        const { word } = words_js;
        word;
        return {  };
        })();
        <BLANKLINE>
    """
    order: list[str] = []
    _visit(main, files, order, ())
    return "".join(_as_function(name, files[name]) for name in order)


def _visit(name: str, files: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"modules import each other: {' → '.join((*above, name))}")
    if name not in files:
        raise ValueError(f"{above[-1]}.js imports {name}.js, which is not there")
    if name in order:
        return
    for found in _IMPORT.finditer(files[name]):
        _visit(found[2], files, order, (*above, name))
    order.append(name)


def _variable(name: str) -> str:
    return name.replace("-", "_") + "_js"


def _as_function(name: str, text: str) -> str:
    exported = [found[1] for found in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", text)
    body = _IMPORT.sub(
        lambda found: (
            f"const {{ {' '.join(found[1].replace(' as ', ': ').split())} }} = {_variable(found[2])};\n"
        ),
        body,
    )
    left = re.search(r"^(?:import|export)\b.*", body, re.MULTILINE)
    if left:
        raise ValueError(f"{name}.js: this form of import or export cannot be joined: {left[0]}")
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"
