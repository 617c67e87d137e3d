"""Hooks: the operator's own code is asked before tokens are made, a refresh is granted or somebody is signed in, and told
what has ended. A hook gets facts, never a credential; what it answers is checked like anything that others write to us.
"""

from service.hooks.answers import NOTHING_ADDED, Added
from service.hooks.hooks import Hooks
from service.hooks.notices import deliver_due

__all__ = ["NOTHING_ADDED", "Added", "Hooks", "deliver_due"]
