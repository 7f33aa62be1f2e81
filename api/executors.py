"""Where many plans are made: in this process, in several, or on a Dask cluster (an extra, imported only here)."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from api.event_files import whole_number
from optimizer.errors import BadInput
from optimizer.findings import fault
from scenarios.runner import processes

WORKERS_MAX = 256
CONNECT_SECONDS = 10


def read_workers(text: str | None) -> int:
    """The number of processes that `--workers` asks for; 1 is this process alone. Raises BadInput."""
    return 1 if text is None else whole_number(text, "--workers", 1, WORKERS_MAX)


@contextmanager
def opened_executor(workers: int, cluster: str | None = None) -> Iterator[Executor | None]:
    """An executor for `runner.run`, shut down afterwards; None: this process. A cluster goes before workers.

    Raises BadInput when the cluster's extra is not installed or nobody answers at its address.
    """
    if cluster is not None:
        with _cluster(cluster) as executor:
            yield executor
    elif workers == 1:
        yield None
    else:
        pool = processes(workers)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        zh, en = "需先安装 Dask: pip install 'jinheng[cluster]'", "needs Dask: pip install 'jinheng[cluster]'"
        raise BadInput([fault("cluster_extra", zh, en, path="--cluster", value=address)]) from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        zh, en = "该地址没有 Dask 调度器应答", "no Dask scheduler answers at this address"
        raise BadInput([fault("cluster_address", zh, en, path="--cluster", value=address)]) from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close()
