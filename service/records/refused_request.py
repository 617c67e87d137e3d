"""A request that was refused lately, for operators: no credential, and nothing long from the request."""

from service.records.json import Record


class RefusedRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """A refusal with the known facts of its request."""

    at: int  # epoch milliseconds
    endpoint: str  # as metrics call it
    error: str
    reason: str  # of the table of refusals
    detail: str = ""  # in words
    client_id: str = ""  # of a client that exists; "": none was named
    address: str = ""  # IP address
    request_id: str = ""  # of its log lines
