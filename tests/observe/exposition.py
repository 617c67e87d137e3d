"""What a scrape says, as numbers."""

from prometheus_client.parser import text_string_to_metric_families

from service.observe.metrics import Metrics


def counts(metrics: Metrics, series: str) -> dict[tuple[str, ...], float]:
    """Label values → value, of the series of this name."""
    return {
        tuple(sample.labels.values()): sample.value
        for found in text_string_to_metric_families(metrics.exposition().decode())
        for sample in found.samples
        if sample.name == series
    }
