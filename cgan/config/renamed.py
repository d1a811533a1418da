"""Settings and values that had other names once: a config of before is read with those of now."""

from typing import Any

RENAMED_SETTINGS = {"objective.normalise": "normalize", "augment.colour": "color"}
"""What a setting is called now, by the dotted name that it had."""
RENAMED_VALUES = {"data.background": {"grey": "gray"}}
"""What values of a setting are called now."""


def renamed(values: Any) -> Any:
    """The values of a config.json by the names of now; what is no config is left as it is."""
    if not isinstance(values, dict):
        return values
    found = {name: dict(of) if isinstance(of, dict) else of for name, of in values.items()}
    for dotted, new in RENAMED_SETTINGS.items():
        section, _, old = dotted.partition(".")
        inside = found.get(section)
        if isinstance(inside, dict) and old in inside and new not in inside:
            inside[new] = inside.pop(old)
    for dotted, names in RENAMED_VALUES.items():
        section, _, name = dotted.partition(".")
        inside = found.get(section)
        if isinstance(inside, dict) and isinstance(value := inside.get(name), str):
            inside[name] = names.get(value, value)
    embedding = found.get("embedding")
    if isinstance(embedding, dict):
        _complete(embedding)
    return found


def _complete(embedding: dict[str, Any]) -> None:
    """Add what the game on embeddings was before it had a name, and before it had a tolerance."""
    if embedding.get("weight"):
        embedding.setdefault("game", "mirrored")
    if "tolerance" in embedding:
        return
    if embedding.get("weight") and embedding.get("game") == "neighbor":
        embedding.setdefault("graded", False)
        if embedding["graded"] or embedding.get("coupling", "sample") == "sample":
            embedding["tolerance"] = 0.0
    elif embedding.get("graded") is False:  # a default of then that nothing read
        del embedding["graded"]
