"""A receiver of metrics on the loopback: OTLP over HTTP, as a collector takes it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests import posts


@dataclass
class Receiver:
    """`url`: what OTEL_EXPORTER_OTLP_ENDPOINT is set to; `names`: of the metrics that came."""

    url: str = ""
    paths: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def take(self, path: str, body: bytes) -> None:
        self.paths.add(path)
        for of_resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for of_scope in of_resource.scope_metrics:
                self.names |= {metric.name for metric in of_scope.metrics}


@contextmanager
def running() -> Iterator[Receiver]:
    receiver = Receiver()

    def take(path: str, body: bytes, encoding: str | None) -> int:
        receiver.take(path, gzip.decompress(body) if encoding == "gzip" else body)
        return 200

    with posts.server(take) as receiver.url:
        yield receiver
