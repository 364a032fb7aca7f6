"""What erasure takes away, in tables of its own: names behind pseudonyms, and the private fields of events."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "details",
        sa.Column("id", sa.String(24), sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("fields", sa.Text, nullable=False),
    )
    op.create_table(
        "officers",
        sa.Column("pseudonym", sa.String(32), primary_key=True),
        sa.Column("officer", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
    )
    op.create_index("officers_officer", "officers", ["officer"])


def downgrade() -> None:
    """Names and private fields go; forwarding the journal again brings them back."""
    op.drop_table("officers")
    op.drop_table("details")
