"""The certificate that a client sent to a caller's server, as passed on by Authlete's calls."""

from collections.abc import Iterable

from service.fronts.decision_api.body import Text, Words
from service.fronts.decision_api.call import Body
from service.protocol.errors import InvalidRequest
from service.protocol.forwarded_certificates import ClientCertificate, from_pem


class CertificateBody(Body):
    """The certificate of a client's TLS connection."""

    client_certificate: Text = ""
    """The certificate in PEM."""

    def certificate(self, path: Iterable[str] = ()) -> ClientCertificate | None:
        """Return the certificate with those of ``path``, None where the client sent none. Raises InvalidRequest."""
        if not self.client_certificate.strip():
            return None
        try:
            own, *others = from_pem(self.client_certificate)
            chain = [*others, *(one for text in path for one in from_pem(text))]
        except ValueError as error:
            raise InvalidRequest(f"The client certificate cannot be read: {error}") from error
        return ClientCertificate(own, tuple(dict.fromkeys(one for one in chain if one != own)))


class CertificatePathBody(CertificateBody):
    """The certificate of a client's TLS connection, with its chain."""

    client_certificate_path: Words = ()

    @property
    def chain(self) -> ClientCertificate | None:
        """Return the certificate with its chain. Raises InvalidRequest."""
        return self.certificate(self.client_certificate_path)
