"""Logs and traces."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from service.protocol.addresses import check_web_url
from service.settings.group import SettingsGroup, Share, checked_by

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "text"]


def _check_collector(endpoint: str | None) -> None:
    if endpoint is None:
        return
    check_web_url(endpoint)
    parts = urlsplit(endpoint)
    if parts.query or parts.fragment:
        raise ValueError("must be an http(s) URL without query and fragment, such as http://collector:4318")
    if "@" in parts.netloc:
        raise ValueError("must be without user name and password: put credentials into OTEL_EXPORTER_OTLP_HEADERS")


class ObservingSettings(SettingsGroup):
    """Logs and traces."""

    log_level: LogLevel = "INFO"
    """Least level that is logged."""
    log_format: LogFormat = "json"
    """Format of log lines: json (an object a line), text (for reading in a terminal)."""
    access_log_sample: Share = 0.0
    """Share of requests that get a log line, and then every refused one, too. 0: none."""
    otlp_endpoint: Annotated[str | None, checked_by(_check_collector)] = None
    """URL of the OpenTelemetry collector that gets traces (OTLP/HTTP), such as http://collector:4318. Needs
    the extra tracing."""
    trace_sample: Share = 0.01
    """Share of requests that are traced, unless a trusted proxy decided already."""
