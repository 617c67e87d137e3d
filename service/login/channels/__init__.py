"""The channels to a client, one file each: how it learns what its user decided.

To add one: a file with its ``CHANNEL``, and its name in the list below. An interaction that is started on it needs no more.
"""

from service.login.channels import backchannel, device, pushed, redirect
from service.login.channels.channel import Channel

CHANNELS: dict[str, Channel] = {
    module.CHANNEL.name: module.CHANNEL for module in (redirect, pushed, device, backchannel)
}
"""Every channel by its name."""

__all__ = ["CHANNELS", "Channel"]
