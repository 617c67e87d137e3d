"""The environment variables that lead to a running service (``remote``), beside the options that set them."""

URL_VARIABLE = "MINTMARK_URL"
TOKEN_VARIABLE = "MINTMARK_TOKEN"
TOKEN_FILE_VARIABLE = "MINTMARK_TOKEN_FILE"
CA_VARIABLE = "MINTMARK_CA_FILE"
CERTIFICATE_VARIABLE = "MINTMARK_CERTIFICATE_FILE"
KEY_VARIABLE = "MINTMARK_KEY_FILE"


def named(variable: str) -> str:
    """Return ``--url, or MINTMARK_URL``: a fault of a variable names the option that sets it, as either may have been used."""
    return f"--{variable.removeprefix('MINTMARK_').lower().replace('_', '-')}, or {variable}"
