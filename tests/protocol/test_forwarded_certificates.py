"""Headers in which proxies forward a certificate: as their documents and RFC 9440 have them, and what none of them writes."""

import re
from base64 import b64decode
from hashlib import sha256
from urllib.parse import quote

import pytest
from cryptography import x509

from service.protocol.forwarded_certificates import FORMS, MAX_CHAIN, ClientCertificate, forwarded, from_pem

RFC_9440 = (
    "MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBD"
    "QTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU"
    "/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38l"
    "bEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqG"
    "SM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk="
)
"""The certificate of RFC 9440 appendix A, whose base64 has both ``+`` and ``/`` in it."""
DER = b64decode(RFC_9440)
LINES = "\n".join(re.findall(".{1,64}", RFC_9440))
PEM = f"-----BEGIN CERTIFICATE-----\n{LINES}\n-----END CERTIFICATE-----\n"
OTHER = b"\x30\x82\x01\x02"
OTHER_PEM = "-----BEGIN CERTIFICATE-----\nMIIBAg==\n-----END CERTIFICATE-----\n"
ESCAPED, BOTH = quote(PEM, safe=""), quote(PEM + OTHER_PEM, safe="")
HASH = sha256(DER).hexdigest()


def _read(form: str, *values: str, header: str = "", **others: str) -> ClientCertificate | None:
    found = {
        (header or FORMS[form].header): list(values),
        **{name.replace("_", "-"): [text] for name, text in others.items()},
    }
    return forwarded(form, header, lambda name: found.get(name, []))


WRITTEN = {
    "rfc9440": [f":{RFC_9440}:"],
    "nginx": [ESCAPED, quote(PEM, safe="+/= "), quote(PEM.replace("\n", "\r\n"))],
    "envoy": [
        f'By=http://frontend.lyft.com;Hash={HASH};Cert="{ESCAPED}";'
        'Subject="/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test Client";'
        "URI=http://testclient.lyft.com;DNS=lyft.com;DNS=www.lyft.com",
        f'Hash={HASH};Cert="{ESCAPED}"',
        f'hash={HASH};cert={ESCAPED};Subject=""',
        f'Subject="CN=\\"a;Cert=b,\\"";Cert="{ESCAPED}"',
    ],
    "traefik": [RFC_9440, quote(RFC_9440, safe="")],
}
"""Each form as it is documented, in the spellings that its releases have."""


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in WRITTEN.items() for value in values])
def test_what_a_proxy_writes(form: str, value: str) -> None:
    assert _read(form, value) == ClientCertificate(DER)
    assert _read(form, value, header="X-Mine") == ClientCertificate(DER), "under a name that the operator chose"


@pytest.mark.parametrize("form", FORMS)
def test_no_certificate(form: str) -> None:
    assert _read(form) is None
    assert _read(form, "") is None, "nginx may be told to send it empty"


def test_the_chain_that_came_with_it() -> None:
    both = ClientCertificate(DER, (OTHER,))
    assert _read("rfc9440", f":{RFC_9440}:", Client_Cert_Chain=":MIIBAg==:") == both
    assert _read("rfc9440", f":{RFC_9440}:", Client_Cert_Chain=":MIIBAg==:, :MIIBAg==:") == ClientCertificate(
        DER, (OTHER, OTHER)
    )
    assert _read("envoy", f'Hash={HASH};Cert="{ESCAPED}";Chain="{BOTH}"') == both, "the leaf is in the chain, too"
    assert _read("traefik", f"{RFC_9440},MIIBAg==") == both


LEAF = f'Cert="{ESCAPED}"'
FAULTY: dict[str, tuple[str, ...]] = {
    "rfc9440": (
        *(RFC_9440, f":{RFC_9440}", f"{RFC_9440}:", ":", "::", ":?:", ":MII:", ":MIIé:", f'"{RFC_9440}"', ESCAPED),
        *(f":{RFC_9440}:;a=1", f":{RFC_9440}:, :{RFC_9440}:", f": {RFC_9440}:"),
    ),
    "nginx": (
        *(RFC_9440, "(null)", "%", "%FF", quote(PEM[:-30]), quote("x" + PEM), f":{RFC_9440}:"),
        quote(PEM.replace("M", "é", 1)),
    ),
    "envoy": (
        *(f"Hash={HASH}", "Cert=", 'Cert=""', f'Cert="{ESCAPED}', f'Cert="{RFC_9440}"', ESCAPED),
        *(f"{LEAF};{LEAF}", f"{LEAF},By=x;{LEAF}", f"By=x,{LEAF}", f"{LEAF}x", f'{LEAF};Chain="x"'),
    ),
    "traefik": (ESCAPED, f"{RFC_9440},", f",{RFC_9440}", ",", "x", f":{RFC_9440}:", RFC_9440.replace("+", " ")),
}


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in FAULTY.items() for value in values])
def test_what_no_proxy_writes(form: str, value: str) -> None:
    with pytest.raises(ValueError, match=FORMS[form].header):
        _read(form, value)


@pytest.mark.parametrize("form", FORMS)
def test_a_header_that_comes_twice_is_a_client_s(form: str) -> None:
    """RFC 9110 5.3: a proxy that adds its header to one of the client's."""
    for values in ((WRITTEN[form][0],) * 2, ("", WRITTEN[form][0])):
        with pytest.raises(ValueError, match="once"):
            _read(form, *values)


@pytest.mark.parametrize(("form", "separator"), [("traefik", ","), ("rfc9440", ", ")])
def test_a_chain_has_an_end(form: str, separator: str) -> None:
    longest = [OTHER] * MAX_CHAIN
    one = "MIIBAg==" if form == "traefik" else ":MIIBAg==:"

    def read(count: int) -> ClientCertificate | None:
        chain = separator.join([one] * count)
        return (
            _read(form, f"{RFC_9440},{chain}")
            if form == "traefik"
            else _read(form, f":{RFC_9440}:", Client_Cert_Chain=chain)
        )

    assert read(MAX_CHAIN) == ClientCertificate(DER, tuple(longest))
    with pytest.raises(ValueError, match="further certificates"):
        read(MAX_CHAIN + 1)


def test_pem() -> None:
    assert from_pem(PEM + OTHER_PEM) == [DER, OTHER]
    assert from_pem(f"-----BEGIN CERTIFICATE-----{RFC_9440}-----END CERTIFICATE-----") == [DER], "without line breaks"
    assert x509.load_der_x509_certificate(DER).subject.rfc4514_string() == "CN=BC"


@pytest.mark.parametrize(
    "faulty",
    ["-----BEGIN CERTIFICATE-----" + " " * 200_000, "-----BEGIN CERTIFICATE----- A" + "\n A" * 60_000 + "-----END"],
)
def test_pem_without_an_end_costs_its_length(faulty: str) -> None:
    """Where each blank could belong to several repetitions, this would take years."""
    with pytest.raises(ValueError, match="no certificate in PEM"):
        from_pem(faulty)


def test_pem_has_a_greatest_length() -> None:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    assert from_pem(f"{begin}MIIB{' ' * 262_000}{end}") == [b"\x30\x82\x01"]
    with pytest.raises(ValueError, match="more than 262144 characters"):
        from_pem(f"{begin}MIIB{' ' * 262_144}{end}")
