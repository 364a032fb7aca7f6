"""The chart counts what the gate did by the hour, which an index answers alone."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index("decisions_hour", "decisions")
    op.create_index("decisions_hour", "decisions", ["hour", "done"])


def downgrade() -> None:
    op.drop_index("decisions_hour", "decisions")
    op.create_index("decisions_hour", "decisions", ["hour", "effect"])
