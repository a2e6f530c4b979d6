"""Sentences of a language of six words."""

WORDS = {"one": "un", "two": "deux", "red": "rouge", "cat": "chat", "dog": "chien", "sees": "voit"}


def sentences() -> list[tuple[str, str]]:
    words = list(WORDS)
    return [
        (f"{a} {b} {c}.", f"{WORDS[a]} {WORDS[b]} {WORDS[c]}.")
        for a in words
        for b in words
        for c in words[:3]
    ]
