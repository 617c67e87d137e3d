"""The signature of SHA256SUMS by gpg, with the same key as the chart's."""

import tempfile
from pathlib import Path

from release.chart import Wanted
from release.commands import run


def sign(sums: Path, wanted: Wanted) -> Path:
    """Sign a file, with a detached signature in ASCII armour in the same folder.

    Args:
        sums: The file to sign.
        wanted: Names the key, and the file of secret keys.

    Returns:
        The path of the signature.

    Raises:
        ReleaseError: gpg is not installed, or the key or its passphrase is wrong.
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
