"""Every router of the service, in the order of the OpenAPI document."""

from api.routes import (
    audit,
    disclosures,
    entering,
    events,
    health,
    job_progress,
    jobs,
    keys,
    people,
    plans,
    policies,
    replies,
    retirements,
    scenario_sets,
    snapshots,
)

ALL = (
    policies.router,
    snapshots.router,
    events.router,
    plans.router,
    jobs.router,
    job_progress.router,
    jobs.sweeps,
    scenario_sets.router,
    retirements.router,
    disclosures.router,
    people.router,
    keys.router,
    entering.router,
    replies.router,
    audit.router,
    health.router,
)
