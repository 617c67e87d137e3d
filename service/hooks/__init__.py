"""Hooks: the operator's own code, which decides before tokens are made and users signed in, and is notified of what has ended.

A hook gets facts, never a credential. What it answers is checked like anything that others write to us.
"""

from service.hooks.answers import NOTHING_ADDED, Added
from service.hooks.hooks import Hooks

__all__ = ["NOTHING_ADDED", "Added", "Hooks"]
