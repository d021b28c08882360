"""What a program written for Prometheus asks, with prometheus-api-client. The data is that of APIClientTests.swift."""
import sys
from datetime import datetime, timedelta, timezone

from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

url = sys.argv[1]
end = datetime.fromtimestamp(1764110000, timezone.utc)
start = end - timedelta(minutes=10)
client = PrometheusConnect(url=url)


def same(found, expected, what):
    assert found == expected, f"{what}: {found!r} instead of {expected!r}"


same(client.check_prometheus_connection(), True, "connection")
same(client.all_metrics(), ["requests_total", "up"], "metrics")
same(client.get_label_names(), ["__name__", "instance", "job"], "names")
same(client.get_label_values("job"), ["api", "web"], "values")
series = client.get_series(start, end, params={"match[]": "up"})
same(series, [{"__name__": "up", "instance": "a", "job": "api"}, {"__name__": "up", "instance": "b", "job": "web"}], "series")

at = {"time": "1764110000"}
current = client.get_current_metric_value("up", label_config={"job": "api"}, params=at)
same([(one["metric"]["instance"], one["value"]) for one in current], [("a", [1764110000, "1"])], "current value")
same(client.custom_query("sum(up)", params=at)[0]["value"][1], "1", "query")

ranged = client.custom_query_range("rate(requests_total[1m])", start, end, "60s")
same(len(ranged), 1, "series of a range")
same({round(float(value), 6) for _, value in ranged[0]["values"]}, {0.5}, "rate")

raw = client.get_metric_range_data("requests_total", start_time=start, end_time=end, chunk_size=timedelta(minutes=5))
same(sum(len(one["values"]) for one in raw), 40, "samples")

same(client.get_scrape_pools(), ["node"], "pools")
same([one["health"] for one in client.get_targets()["activeTargets"]], ["up"], "targets")
same(client.get_target_metadata({"job": "api"}, "up")[0]["type"], "gauge", "target's metadata")
same(client.get_metric_metadata("up")[0]["help"], "Whether it is up.", "metadata")

try:
    client.custom_query("sum(")
except PrometheusApiClientException as error:
    assert "400" in str(error), error
else:
    raise AssertionError("a wrong query was answered")
print("all was answered")
