"""``python -m service.fronts.probe``: check that the service on this machine is alive, for the HEALTHCHECK of the image.

The exit code is 0 where ``/livez`` answers at the address of the settings. It runs every few seconds on the service's machine
and therefore loads as little as possible: settings only where the environment alone does not have them.
"""

import os
import ssl
import sys
import urllib.request

from service.protocol.addresses import reachable_host

SECONDS = 2.0
"""Seconds to wait for the response."""


def url_of_liveness() -> str:
    """Return the URL of the liveness probe. Raises SettingsError."""
    host, port = os.environ.get("MINTMARK_HOST", "127.0.0.1"), os.environ.get("MINTMARK_PORT", "8080")
    speaks_tls = bool(os.environ.get("MINTMARK_TLS_CERTIFICATE_FILE"))
    if os.environ.get("MINTMARK_CONFIG") or os.environ.get("MINTMARK_SECRETS_DIR") or "://" in port:
        from service.settings import load

        settings = load()
        host, port = settings.host, str(settings.port)
        speaks_tls = settings.tls_certificate_file is not None
    return f"{'https' if speaks_tls else 'http'}://{reachable_host(host)}:{port}/livez"


def main() -> int:
    """Return the exit code."""
    anybody = ssl._create_unverified_context()  # noqa: S323 (the certificate is for another host name)
    never_by_a_proxy = urllib.request.ProxyHandler({})
    opener = urllib.request.build_opener(never_by_a_proxy, urllib.request.HTTPSHandler(context=anybody))
    try:
        with opener.open(url_of_liveness(), timeout=SECONDS) as response:
            return 0 if response.status == 200 else 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
