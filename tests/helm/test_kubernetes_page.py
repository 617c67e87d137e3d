"""The values of docs/how-to/kubernetes.md, rendered by the real helm."""

from pathlib import Path

from tests.helm.chart import CHART, documents, helm
from tests.pages import Page


def test_the_values_make_what_the_page_says(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(Page("how-to/kubernetes.md").block("yaml"))
    done = helm("template", "mintmark", str(CHART), "--namespace", "identity", "-f", str(values))
    assert done.returncode == 0, done.stderr
    objects = documents(done.stdout)
    kinds = [one["kind"] for one in objects]
    assert {"Deployment", "Ingress", "Job"} <= set(kinds)
    assert any("invoices" in str(one) for one in objects if one["kind"] == "Job")
    assert "sentinel-0.redis" in done.stdout
