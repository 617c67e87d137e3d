"""SHA256SUMS signed by gpg, by the same key as the chart."""

import tempfile
from pathlib import Path

from release.chart import Wanted
from release.commands import run


def sign(sums: Path, wanted: Wanted) -> Path:
    """Write the detached signature of a file beside it, in ASCII armour.

    Args:
        sums: What is signed.
        wanted: Says by which key, in which file of secret keys.

    Returns:
        Where the signature is.

    Raises:
        ReleaseError: gpg is not there, or the key or its passphrase is not that.
    """
    signature = sums.with_name(f"{sums.name}.asc")
    secret = ("--passphrase-file", str(wanted.passphrase.absolute())) if wanted.passphrase else ("--passphrase", "")
    with tempfile.TemporaryDirectory(prefix="mm-gpg-") as home:  # the agent's socket is in it: its path must be short
        gpg = ("gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", *secret)
        try:
            run(*gpg, "--import", str(wanted.keyring))
            run(*gpg, "--local-user", wanted.key, "--armor", "--output", str(signature), "--detach-sign", str(sums))
        finally:
            run("gpgconf", "--homedir", home, "--kill", "all")
    return signature
