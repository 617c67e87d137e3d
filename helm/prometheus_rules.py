"""Write the chart's alerts as a rule file of Prometheus, for those without Kubernetes:

``helm template mintmark helm/mintmark -n tokens --set redis.bundled.enabled=true --set prometheusRule.enabled=true
-s templates/prometheusrule.yaml --kube-version 1.33 | python helm/prometheus_rules.py``

The rules look for the labels job=mintmark and namespace=tokens, which examples/deploy/prometheus.yml gives;
``tests/helm`` checks that this was run.
"""

import sys
from pathlib import Path

import yaml  # type: ignore[import-untyped]

PLACE = Path(__file__).parents[1] / "examples" / "deploy" / "prometheus-rules.yml"
HEAD = "# Made from the chart's alerts by helm/prometheus_rules.py.\n"


def written(rendered: str) -> str:
    """The rule file.

    Args:
        rendered: A PrometheusRule object, as YAML.
    """
    rules: str = yaml.safe_dump(yaml.safe_load(rendered)["spec"], sort_keys=False, width=160)
    return HEAD + rules


if __name__ == "__main__":
    PLACE.write_text(written(sys.stdin.read()))
