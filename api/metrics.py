"""What monitors are told, in the form of Prometheus: requests, plans, who waits. Of all processes of one `serve`.

With several server processes every one writes its figures to files in a folder that they share, and whichever is asked
adds them up. Nothing here names an organisation, a person or a price.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.jobs.waiting import Waiting
from api.refusals import Refused
from optimizer.errors import BadInput

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Ends of the buckets of durations: from a light read to the longest plan."""


class Metrics:
    """The figures of one application."""

    def __init__(self, folder: str = "") -> None:
        """A folder where several processes add up; none: this process alone."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads
        self._folder = folder
        self.registry = CollectorRegistry()
        of = self.registry
        self._requests = Counter("jinheng_requests", "Requests answered.", ["method", "route", "status"], registry=of)
        self._seconds = Histogram(
            "jinheng_request_seconds",
            "From the head of a request to its answer.",
            ["route"],
            registry=of,
            buckets=SECONDS,
        )
        self._running = Gauge(
            "jinheng_requests_running", "Requests being worked on.", registry=of, multiprocess_mode="livesum"
        )
        self._plans = Counter("jinheng_plans", "Plans and quotes computed, by outcome.", ["outcome"], registry=of)
        self._plan_seconds = Histogram(
            "jinheng_plan_seconds", "From asking for a plan to having it.", registry=of, buckets=SECONDS
        )
        self._planning = Gauge(
            "jinheng_plans_waiting",
            "Plans being made or waiting for a process.",
            registry=of,
            multiprocess_mode="livesum",
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request is being worked on in the block."""
        self._running.inc()
        try:
            yield
        finally:
            self._running.dec()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the route's template: ids in it would make endless series."""
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    @contextmanager
    def planning(self) -> Iterator[None]:
        """A plan is being made, or waits, in the block."""
        began, outcome = time.perf_counter(), "failed"
        self._planning.inc()
        try:
            yield
            outcome = "made"
        except BadInput:
            outcome = "bad_input"
            raise
        except Refused as error:
            outcome = error.code
            raise
        finally:
            self._planning.dec()
            self._plans.labels(outcome).inc()
            self._plan_seconds.observe(time.perf_counter() - began)

    def text(self, waits: Waiting | None) -> bytes:
        """Every figure, as Prometheus reads it; without those of the database where it does not answer."""
        stored = b"" if waits is None else generate_latest(_stored(waits))
        if not self._folder:
            return generate_latest(self.registry) + stored
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together, path=self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(together) + stored

    def close(self) -> None:
        """Takes what this process was doing out of the sums."""
        if self._folder:
            multiprocess.mark_process_dead(os.getpid(), path=self._folder)  # type: ignore[no-untyped-call]


def _stored(waits: Waiting) -> CollectorRegistry:
    """What the database knows, the same whichever process is asked."""
    of = CollectorRegistry()
    jobs = Gauge("jinheng_jobs", "Jobs that have not ended, by state.", ["state"], registry=of)
    jobs.labels("queued").set(waits.queued)
    jobs.labels("running").set(waits.running)
    oldest = Gauge("jinheng_jobs_oldest_queued_seconds", "How long the oldest queued job has waited.", registry=of)
    oldest.set(waits.oldest_queued_seconds)
    Gauge("jinheng_holds", "Holds that keep stock.", registry=of).set(waits.holds)
    return of
