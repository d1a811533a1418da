"""Small parts of HTML that every section of a report is made of: headings, paragraphs, pictures."""

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from cgan.sampling import pictures
from cgan.system.legible import plain
from eval.report import figures


def escape(text: str) -> str:
    """A line of text made safe to show on the page, whatever is in it."""
    return html.escape(plain(text))


def section(heading: str, *parts: str) -> str:
    """A section of HTML with a heading; empty where it has no parts."""
    body = "\n".join(part for part in parts if part)
    return f"<section><h2>{escape(heading)}</h2>\n{body}\n</section>\n" if body else ""


def picture(content: bytes, alternative: str, kind: str = "png", crisp: bool = False) -> str:
    """An image as HTML, its file inside the page."""
    data = base64.b64encode(content).decode()
    pixels = ' class="crisp"' if crisp else ""
    mime = {"png": "image/png", "svg": "image/svg+xml"}[kind]
    return f'<img{pixels} alt="{escape(alternative)}" src="data:{mime};base64,{data}">'


def drawn(figure: figures.Figure | None, alternative: str) -> str:
    """A figure as HTML; empty where there is none to draw."""
    return "" if figure is None else picture(figures.svg(figure), alternative, "svg")


def paragraph(text: str) -> str:
    """A paragraph of plain words as HTML."""
    return f"<p>{escape(text)}</p>"


def small(image: UInt8[np.ndarray, "height width channels"], alternative: str) -> str:
    """One stored image as HTML, its pixels enlarged by the page."""
    return picture(pictures.encode_png(image), alternative, crisp=True)


def table(corner: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain words as HTML; the first cell of each row is its heading."""
    head = "".join(f"<th>{escape(each)}</th>" for each in (corner, *headings))
    body = "".join(
        f"<tr><th>{escape(first)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"


def at_most(content: bytes, width: int) -> bytes:
    """A PNG file no wider or higher than this, made smaller where it was.

    Raises:
        OSError, SyntaxError, ValueError: no PNG file, or a damaged one.
    """
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        if max(image.size) <= width:
            image.load()
            return content
        image.thumbnail((width, width))
        encoded = io.BytesIO()
        image.save(encoded, "png")
    return encoded.getvalue()
