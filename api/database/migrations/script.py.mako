"""${message}.

A step of the past: it names its tables itself and never changes once released.
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward."""
    ${upgrades if upgrades else "pass"}
