"""What an executor is: it does the jobs of a study."""

import threading
from collections.abc import Callable, Generator, Sequence

from eval.study.declare import Study
from eval.study.plan import Job
from eval.study.results import Row

FindStudy = Callable[[], Study]
"""Finds a study in any process: what it changes are functions, which can't be handed over."""

Executor = Callable[[Sequence[Job], threading.Event], Generator[Row, None, None]]
"""A function that does jobs, and yields their rows as they end.

Once the event is set it begins no more of them, and what is in flight still comes home.
"""
