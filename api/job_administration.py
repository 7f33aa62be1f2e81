"""What the operator sees and does of jobs on the machine itself, without a running service."""

from typing import Any

from api.access.scope import PAGE_ROWS
from api.administration import opened_records, operator
from api.database.job_tables import jobs
from api.jobs import book
from api.jobs.dispatch import living
from api.refusals import Refused
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.wording import Language


def newest_jobs(database: str | None, organisation: str | None, lang: Language) -> list[dict[str, Any]]:
    """The newest jobs of an organisation. Raises BadInput."""
    with opened_records(database) as records, records.reading(operator(records, organisation)) as scope:
        rows, _ = scope.page(jobs, PAGE_ROWS, None)
        return [book.as_dict(row, lang) for row in rows]


def cancel_job(database: str | None, organisation: str | None, job_id: str, lang: Language) -> dict[str, Any]:
    """Cancels a job of an organisation. Raises BadInput where there is no such job, or where it has ended."""
    with opened_records(database) as records:
        try:
            with records.writing(operator(records, organisation)) as scope:
                return book.as_dict(book.cancel(scope, job_id), lang)
        except Refused as refusal:
            title = refusal.kind.title
            raise BadInput([fault(refusal.code, title.zh, title.en, path="JOB", value=job_id)]) from refusal


def living_workers(database: str | None) -> list[dict[str, Any]]:
    """The workers that have not ended, and how many jobs each has. Raises BadInput."""
    with opened_records(database) as records:
        return living(records.database)
