"""Names and words of others made fit to be shown: one visible line, whatever is in them.

A file's name may hold line ends, escape sequences of terminals, signs that turn the direction of
writing, bytes that are no UTF-8, or nothing but spaces. JSON keeps names as they are. What people
read is passed through `plain`; `cgan.system.terminal`, `cgan.system.lettering` (pictures) and
`eval.report.html.escape` do so, and add what their medium needs besides.
"""

import unicodedata

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control, format and surrogate characters and of ends of lines."""
JOINERS = "\u200c\u200d"
"""Format characters that some scripts, and emoji of several parts, can't be written without."""


def plain(text: str) -> str:
    r"""A text in one line, with what can't be seen in it written out, as in `\x1b`.

    Text of nothing but spaces is put in quotes.
    """
    if not text.isprintable():
        text = "".join(map(_visible, text))
    return repr(text) if text and not text.strip() else text


def _visible(character: str) -> str:
    hidden = unicodedata.category(character) in INVISIBLE and character not in JOINERS
    return character.encode("unicode_escape").decode() if hidden else character


def shortened(text: str, at_most: int) -> str:
    """A text cut in its middle to at most so many characters."""
    if len(text) <= at_most:
        return text
    kept = at_most - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
