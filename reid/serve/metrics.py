"""What the server did, for Prometheus."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts requests by endpoint and status, and how long they took; and reads what is given when it is asked.

    Args:
        gauges: name and a function that gives its value now.
    """

    def __init__(self, gauges: Mapping[str, Callable[[], float]]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "reid_requests", "Requests that were answered", ["endpoint", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "reid_request_seconds", "Time to the answer", ["endpoint"], buckets=_SECONDS, registry=self._registry
        )
        for name, read in gauges.items():
            gauge = Gauge(f"reid_{name}", name.replace("_", " ").capitalize(), registry=self._registry)
            gauge.set_function(read)

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
