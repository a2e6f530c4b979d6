"""Tables of the documentation that are made from the code, so that they are never out of date."""

from regard.cli.doctor import kernel_rows


def on_page_markdown(markdown: str, **_: object) -> str:
    """Puts the table of kernels where a page asks for it."""
    if "<!-- kernels -->" not in markdown:
        return markdown
    head, *rows = kernel_rows()
    lines = [head, ["---"] * len(head), *rows]
    return markdown.replace("<!-- kernels -->", "\n".join(f"| {' | '.join(line)} |" for line in lines))
