"""What officers asked approvers for, how it was answered, and which notice they acknowledged."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "requests",
        sa.Column("id", sa.String(24), sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("moment", moment, nullable=False),
        sa.Column("expires", moment, nullable=False),
        sa.Column("platform", sa.String(100), nullable=False),
        sa.Column("activity", sa.String(20), nullable=False),
        sa.Column("officer", sa.String(32)),
    )
    op.create_index("requests_number", "requests", ["number"])
    op.create_index("requests_moment", "requests", ["moment"])
    op.create_table(
        "answers",
        sa.Column("id", sa.String(24), sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("moment", moment, nullable=False),
        sa.Column("answer", sa.String(20), nullable=False),
        sa.Column("approver", sa.String(32), nullable=False),
        sa.Column("release", sa.Text),
        sa.Column("expires", moment),
    )
    op.create_index("answers_number", "answers", ["number"])
    op.create_table(
        "acknowledgements",
        sa.Column("id", sa.String(24), sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("text", sa.String(64), nullable=False),
        sa.Column("moment", moment, nullable=False),
        sa.Column("officer", sa.String(32)),
    )
    op.create_index("acknowledgements_version", "acknowledgements", ["version", "officer"])


def downgrade() -> None:
    """The journal has it all; forwarding it again brings it back."""
    for table in ("acknowledgements", "answers", "requests"):
        op.drop_table(table)
