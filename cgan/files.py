"""Files written whole: a reader, or a crash, sees the old content or the new, never a part."""

from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
