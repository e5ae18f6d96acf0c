"""Loggers: where the figures of a run are sent, besides its files. Importing this imports none."""

from nasdsl.train.loggers.logger import (
    LOGGERS,
    LoggedRun,
    Logger,
    find,
    require_usable,
    watchers_of,
)
from nasdsl.train.loggers.scalars import Scalars, ScalarWatcher

__all__ = [
    "LOGGERS",
    "LoggedRun",
    "Logger",
    "ScalarWatcher",
    "Scalars",
    "find",
    "require_usable",
    "watchers_of",
]
