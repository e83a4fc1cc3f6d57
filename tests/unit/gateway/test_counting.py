from seawall.gateway.counting import HttpMetrics
from seawall.layers.monitoring.metrics import Registry


def test_statuses_are_counted_by_class_and_no_answer_apart():
    registry = Registry()
    metrics = HttpMetrics(registry)
    for route, status in (("/a", 200), ("/a", 204), ("/a", 503), ("", 404), ("/a", 0)):
        metrics.count(route, status)
    rows = [row for row in registry.render().decode().splitlines() if row.startswith("seawall_http")]
    assert sorted(rows) == [
        'seawall_http_responses_total{route="/a",status="2xx"} 2',
        'seawall_http_responses_total{route="/a",status="5xx"} 1',
        'seawall_http_responses_total{route="/a",status="left"} 1',
        'seawall_http_responses_total{route="none",status="4xx"} 1',
    ]
