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


def samples(exposition: str, name: str, **labels: str) -> list[float]:
    """Numbers of a scrape with this name and these labels."""
    return [
        float(sample.value)
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
