"""Every router of the service, in the order of the OpenAPI document."""

from api.routes import audit, entering, events, keys, people, plans, policies, replies, snapshots

ALL = (
    policies.router,
    snapshots.router,
    events.router,
    plans.router,
    people.router,
    keys.router,
    entering.router,
    replies.router,
    audit.router,
)
