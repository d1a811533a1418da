"""TensorBoard's event files, read without TensorBoard."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorboardX.proto import event_pb2


def events(path: Path) -> Iterator[Any]:
    """Of one file, in order; checksums are passed over."""
    content = path.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        yield event_pb2.Event.FromString(content[12 : 12 + length])
        content = content[12 + length + 4 :]
