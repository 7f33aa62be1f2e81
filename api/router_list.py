"""Every router of the service, in the order of the OpenAPI document."""

from api.routes import events, people, plans, policies, replies, snapshots

ALL = (
    policies.router,
    snapshots.router,
    events.router,
    plans.router,
    people.router,
    replies.router,
)
