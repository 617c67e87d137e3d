"""Hooks: the operator's own code, which decides before tokens are made and users signed in, and is notified afterwards.

A hook gets facts, never a credential. Its answers are checked like any input from outside.
"""

from service.hooks.answers import NOTHING_ADDED, Added
from service.hooks.hooks import Hooks

__all__ = ["NOTHING_ADDED", "Added", "Hooks"]
