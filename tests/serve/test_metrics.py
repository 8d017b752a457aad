"""What Prometheus reads."""

from prometheus_client.parser import text_string_to_metric_families

from reid.serve.metrics import Metrics


def test_requests_and_gauges():
    """Requests are counted by endpoint and status with their times; gauges are read when they are asked for."""
    values = iter([1.0, 2.0])
    metrics = Metrics({"waiting": lambda: next(values)})
    metrics.answered("/search", 200, 0.02)
    metrics.answered("/search", 200, 3.0)
    metrics.answered("/search", 429, 0.001)

    def read():
        families = text_string_to_metric_families(metrics.text().decode())
        return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}

    first, second = read(), read()
    assert first["reid_requests_total", "/search", "200"] == 2
    assert first["reid_requests_total", "/search", "429"] == 1
    assert first["reid_request_seconds_bucket", "/search", "0.025"] == 2
    assert (first["reid_waiting",], second["reid_waiting",]) == (1.0, 2.0)
    assert first["process_resident_memory_bytes",] > 1e6


def test_of_a_server(served):
    """Its own requests are in it, by the pattern of the path and not by the path."""
    served.ask("GET", "/images/1/thumbnail")
    served.ask("GET", "/no/such/path")
    text = served.ask("GET", "/metrics").content.decode()

    assert 'reid_requests_total{endpoint="/images/{id}/thumbnail",status="200"}' in text
    assert 'endpoint="other",status="404"' in text
    assert "such" not in text
    assert "reid_search_waiting 0.0" in text
