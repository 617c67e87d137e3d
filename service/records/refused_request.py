"""A request that was refused lately, as operators look at it: no credential, and nothing long that a request carried."""

from service.records.json import Record


class RefusedRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """``at``: epoch milliseconds; ``endpoint``: as metrics call it; ``reason``: of the table of refusals; ``detail``: in words;
    ``client_id``: of a client that exists, "" = none was named; ``address``: IP address; ``request_id``: of its log lines.
    """

    at: int
    endpoint: str
    error: str
    reason: str
    detail: str = ""
    client_id: str = ""
    address: str = ""
    request_id: str = ""
