"""TLS by pyOpenSSL with the interface of the module ``ssl``, for the one thing that ``ssl`` cannot do.

A server has to ask for a certificate and accept any, self-signed ones included (RFC 8705 section 2.2): the handshake proves
that the client holds the key, and the service itself finds the owner of the key. ``ssl`` either asks for no certificate or
fails where an unknown authority issued it. Event loops only need ``wrap_bio`` and the object that it returns.
"""

import ssl
from pathlib import Path
from typing import NoReturn

from OpenSSL import SSL, crypto

from service.protocol.forwarded_certificates import MAX_CHAIN

_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_RECORDS = 65_536
"""The most bytes per read from or write to the connection."""


class AnyCertificate(ssl.SSLContext):
    """The context of a server that accepts any certificate of a client, or none."""

    _context: SSL.Context

    def __new__(cls, certificate: Path, key: Path) -> "AnyCertificate":
        """Make an ``ssl.SSLContext``, whose own settings are not used."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the server's certificate with its chain, and its key, both PEM. Raises OSError, ValueError."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # each connection has to prove possession of its key
        context.set_cipher_list(_CIPHERS)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        for path in (certificate, key):
            path.read_bytes()
        try:
            context.use_certificate_chain_file(str(certificate))
            context.use_privatekey_file(str(key))
            context.check_privatekey()
        except SSL.Error as error:
            raise ValueError("no certificate and its key in PEM") from error
        self._context = context

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a connection."""
        return ClientConnection(self._context, incoming, outgoing)


class ClientConnection(ssl.SSLObject):
    """A connection; its methods are those of ``ssl.SSLObject`` that event loops call."""

    def __init__(self, context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        """Wait for a client, whose encrypted bytes are in ``incoming``; ours go to ``outgoing``."""
        self._connection = SSL.Connection(context)
        self._connection.set_accept_state()
        self._incoming, self._outgoing = incoming, outgoing
        self._holds_more = False
        """Whether there is more to read, or an end of file to report."""
        self._certificates: tuple[bytes, ...] = ()

    @property
    def client_certificates(self) -> tuple[bytes, ...]:
        """Return the client's certificate, of whose key it proved possession, and the others that it sent, in DER."""
        return self._certificates

    def do_handshake(self) -> None:
        """Continue the handshake. Raises SSLWantReadError, SSLError."""
        while True:
            try:
                self._connection.do_handshake()
                break
            except SSL.WantReadError:
                if not self._feed():
                    self._want_read()
            except (SSL.Error, ValueError) as error:
                self._flush()
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, _text_of(error)) from error
        self._flush()
        self._holds_more = True  # data after the handshake may be in OpenSSL already
        # Nothing is parsed here: OpenSSL accepts certificates that other parsers refuse. Only a use of one fails.
        chain = self._connection.get_peer_cert_chain() or []
        own = self._connection.get_peer_certificate()
        if own is not None:
            found = dict.fromkeys(crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in (own, *chain))
            self._certificates = tuple(found)[: MAX_CHAIN + 1]

    def read(self, size: int = 1024) -> bytes:  # type: ignore[override]
        """Read up to ``size`` bytes; none at the end. Raises SSLWantReadError, SSLError."""
        left, found, is_over = size, [], False
        while left > 0:
            try:
                found.append(self._connection.recv(min(left, _RECORDS)))
                left -= len(found[-1])
            except SSL.WantReadError:
                if not self._feed():
                    break
            except SSL.ZeroReturnError:
                is_over = True
                break
            except SSL.Error as error:
                self._flush()
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, _text_of(error)) from error
        self._flush()
        self._holds_more = bool(found) and (is_over or left == 0)
        if not found and not is_over:
            self._want_read()
        return b"".join(found)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write, and return how many bytes were accepted. Raises SSLError."""
        try:
            return self._connection.send(data)
        except SSL.WantReadError:
            self._want_read()
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, _text_of(error)) from error
        finally:
            self._flush()

    def unwrap(self) -> None:
        """Send close_notify and wait for the client's. Raises SSLWantReadError, SSLError."""
        self._feed()
        try:
            if not self._connection.shutdown():
                self._connection.shutdown()
        except SSL.WantReadError:
            self._want_read()
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, _text_of(error)) from error
        finally:
            self._flush()

    def pending(self) -> int:
        """Return roughly how many bytes can be read at once; not 0 where there is data, or an end of file to report."""
        return self._connection.pending() or int(self._holds_more)

    def getpeercert(self, binary_form: bool = False) -> bytes | None:  # type: ignore[override]
        """Return the client's certificate in DER; None where it sent none, or where ``binary_form`` is False."""
        return self._certificates[0] if binary_form and self._certificates else None

    def cipher(self) -> tuple[str, str, int] | None:
        """Return the cipher's name, protocol and bits."""
        name, bits = self._connection.get_cipher_name(), self._connection.get_cipher_bits()
        return None if name is None else (name, self._connection.get_protocol_version_name(), bits or 0)

    def compression(self) -> None:
        """Return None: nothing is compressed."""

    def version(self) -> str | None:
        """Return the version of TLS."""
        return self._connection.get_protocol_version_name()

    def selected_alpn_protocol(self) -> None:
        """Return None: nothing is negotiated, as there is only HTTP/1.1."""

    def _feed(self) -> bool:
        """Give incoming bytes to OpenSSL. Return whether there were any."""
        found = self._incoming.read(_RECORDS)
        if found:
            self._connection.bio_write(found)
        return bool(found)

    def _flush(self) -> None:
        """Move the bytes that OpenSSL wants to send to the outgoing buffer."""
        try:
            while True:
                self._outgoing.write(self._connection.bio_read(_RECORDS))
        except SSL.WantReadError:
            pass  # no more

    def _want_read(self) -> NoReturn:
        self._flush()
        raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "more has to come in")


def _text_of(error: Exception) -> str:
    """Return the message of OpenSSL, which quotes nothing that was sent."""
    found = error.args[0] if error.args else ""
    return "; ".join(str(one[-1]) for one in found) if isinstance(found, list) and found else "TLS failed"
