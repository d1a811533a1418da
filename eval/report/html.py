"""The small parts that every section is made of: headings, paragraphs, pictures."""

import base64
import html
import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from cgan.sampling import pictures
from cgan.system.legible import plain
from eval.report import figures


def escape(text: str) -> str:
    """A line of text as the page shows it, whatever is in it."""
    return html.escape(plain(text))


def section(heading: str, *parts: str) -> str:
    """A heading and what stands below it; nothing where nothing does."""
    body = "\n".join(part for part in parts if part)
    return f"<section><h2>{escape(heading)}</h2>\n{body}\n</section>\n" if body else ""


def picture(content: bytes, alternative: str, kind: str = "png", crisp: bool = False) -> str:
    """An image inside the page."""
    data = base64.b64encode(content).decode()
    pixels = ' class="crisp"' if crisp else ""
    mime = {"png": "image/png", "svg": "image/svg+xml"}[kind]
    return f'<img{pixels} alt="{escape(alternative)}" src="data:{mime};base64,{data}">'


def drawn(figure: figures.Figure | None, alternative: str) -> str:
    """A figure; nothing where there is none to draw."""
    return "" if figure is None else picture(figures.svg(figure), alternative, "svg")


def paragraph(text: str) -> str:
    """A paragraph of plain words."""
    return f"<p>{escape(text)}</p>"


def small(image: UInt8[np.ndarray, "height width channels"], alternative: str) -> str:
    """One image as it is stored; the page enlarges its pixels."""
    return picture(pictures.encode_png(image), alternative, crisp=True)


def at_most(content: bytes, width: int) -> bytes:
    """A PNG file, made smaller where it is wider or higher than the page needs.

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
