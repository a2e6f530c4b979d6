"""Words as the Moses tokenizer cuts them, for BLEU as papers on Multi30k report it.

Papers score lowercased text whose punctuation was normalised and that Moses' scripts tokenized
(Koehn et al. 2007); sacreBLEU's own tokens are others, most of all in French, where *l'homme* is one token
instead of two. This follows `tokenizer.perl`, without its lists of abbreviations.
"""

import re

_LETTER, _NUMBER = r"[^\W\d_]", r"\d"

# What `normalize-punctuation.perl` makes plain; French quotation marks lose the space inside them.
_PLAIN = (
    (r"«\s*|\s*»|[“”„‟]|''", '"'),
    (r"[‘’‚`´]", "'"),
    (r"[\u00a0\u202f\u2009]", " "),
    (r"\s?–\s?|\s?—\s?", " - "),
    (r"…", "..."),
)

_APOSTROPHES = {
    "en": r"\1 '\2",
    "fr": r"\1' \2",
    "it": r"\1' \2",
}


def moses_tokens(text: str, language: str) -> str:
    """Tokens joined by spaces.

    Args:
        text: a sentence.
        language: of two letters; English, French and Italian have their own apostrophes.

    Example:
        >>> moses_tokens("L'homme s'assoit, n'est-ce pas ?", "fr")
        "L' homme s' assoit , n' est-ce pas ?"
        >>> moses_tokens("A dog's 3,5 cm (long) tail.", "en")
        "A dog 's 3,5 cm ( long ) tail ."
    """
    for pattern, replacement in _PLAIN:
        text = re.sub(pattern, replacement, text)
    text = f" {' '.join(text.split())} "
    text = re.sub(r"([^\w\s.'`,\-]|_)", r" \1 ", text)
    text = re.sub(r"\.{2,}", r" \g<0> ", text)
    text = re.sub(rf"(?<!{_NUMBER}),|,(?!{_NUMBER})", " , ", text)
    text = _split_apostrophes(text, language)
    words = text.split()
    return " ".join(
        token for i, word in enumerate(words) for token in _final_stop(word, words[i + 1 : i + 2])
    )


def _split_apostrophes(text: str, language: str) -> str:
    if language not in _APOSTROPHES:
        return text.replace("'", " ' ")
    # Between letters it stays with one of them, elsewhere it stands alone (of years, 1990's, with the s).
    kept = re.sub(rf"({_LETTER})'({_LETTER})", _APOSTROPHES[language].replace("'", "\0"), text)
    kept = re.sub(rf"({_LETTER})'({_LETTER})", _APOSTROPHES[language].replace("'", "\0"), kept)
    if language == "en":
        kept = re.sub(rf"({_NUMBER})'(s)", "\\1 \0\\2", kept)
    return kept.replace("'", " ' ").replace("\0", "'")


def _final_stop(word: str, following: list[str]) -> list[str]:
    if not word.endswith(".") or not word.strip("."):  # several stops stay together
        return [word]
    stem = word[:-1]
    inside = "." in stem and any(letter.isalpha() for letter in stem)
    if inside or (following and following[0][:1].islower()):
        return [word]
    return [stem, "."]
