"""What the HTTP server answered, as metrics."""

from seawall.layers.monitoring.metrics import Counter, Registry


class HttpMetrics:
    """What the HTTP server answered."""

    def __init__(self, registry: Registry) -> None:
        self._responses = registry.counter(
            "seawall_http_responses_total",
            "Answers by route and class of status; `left`: the client left before one began.",
            ("route", "status"),
        )
        self._children: dict[tuple[str, int], Counter] = {}

    def count(self, route: str, status: int) -> None:
        """Count an answer of *status* (0: none); *route* is its path, or empty where none was found."""
        key = (route, status // 100)
        child = self._children.get(key)
        if child is None:
            child = self._responses.labels(route or "none", f"{status // 100}xx" if status else "left")
            self._children[key] = child
        child.inc()
