"""A page that measured results stand on, between two lines that name what measured them."""

from pathlib import Path

from cgan.config import ConfigError
from cgan.system import files


def markers(section: str) -> tuple[str, str]:
    """The two lines on a page between which results stand.

    Args:
        section: what measured them, such as `study points`.
    """
    return f"<!-- {section}: begin -->", f"<!-- {section}: end -->"


def replace_between(page: Path, section: str, text: str) -> None:
    """Put a text between a section's markers on a page.

    Raises:
        ConfigError: a page that can't be read, or without the markers.
    """
    begin, end = markers(section)
    before, found_begin, rest = read_page(page, section).partition(begin)
    _, found_end, after = rest.partition(end)
    assert found_begin
    assert found_end
    files.replace(page, f"{before}{begin}\n\n{text}\n\n{end}{after}".encode())


def read_page(page: Path, section: str) -> str:
    """Read a page that has a section's markers.

    Raises:
        ConfigError: a page that can't be read, or without the markers.
    """
    begin, end = markers(section)
    try:
        text = page.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"page = {str(page)!r}: can't be read ({error})") from None
    if not (begin in text and end in text.partition(begin)[2]):
        raise ConfigError(f"page = {str(page)!r}: must hold the lines {begin} and {end}")
    return text
