"""The page that a study's results stand on, between two lines that name the study."""

from pathlib import Path

from cgan.config import ConfigError
from cgan.system import files


def markers(name: str) -> tuple[str, str]:
    """The two lines on a page between which the results of a study stand."""
    return f"<!-- study {name}: begin -->", f"<!-- study {name}: end -->"


def replace_between(page: Path, name: str, text: str) -> None:
    """Put a text between the study's markers on a page.

    Raises:
        ConfigError: a page that can't be read, or without the markers.
    """
    begin, end = markers(name)
    before, found_begin, rest = read_page(page, name).partition(begin)
    _, found_end, after = rest.partition(end)
    assert found_begin
    assert found_end
    files.replace(page, f"{before}{begin}\n\n{text}\n\n{end}{after}".encode())


def read_page(page: Path, name: str) -> str:
    """Read a page that has the study's markers.

    Raises:
        ConfigError: a page that can't be read, or without the markers.
    """
    begin, end = markers(name)
    try:
        text = page.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"page = {str(page)!r}: can't be read ({error})") from None
    if not (begin in text and end in text.partition(begin)[2]):
        raise ConfigError(f"page = {str(page)!r}: must hold the lines {begin} and {end}")
    return text
