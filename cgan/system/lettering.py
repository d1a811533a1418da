"""Words of others in pictures: Matplotlib would read dollars as mathematics, and warn of glyphs.

A class `$x$` is set as it is written, one of 200 letters does not push the axes out of the picture,
and a character that the font lacks is written as its number.
"""

from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from cgan.system.legible import plain, shortened

AT_MOST = 48
"""Most characters of a line; a longer text is shortened in its middle."""


def lettered(text: str, at_most: int = AT_MOST) -> str:
    """A line of text for a title, a label or a legend of Matplotlib's, whatever is in it."""
    line = "".join(map(_drawable, plain(text)))
    return shortened(line, at_most).replace("$", r"\$")


@cache
def _drawable(character: str) -> str:
    font = get_font(findfont(FontProperties()))
    has_it = font.get_char_index(ord(character)) != 0
    return character if has_it else character.encode("ascii", "backslashreplace").decode()
