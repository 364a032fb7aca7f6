"""The index of the journal: events, decisions with their reasoning, outcomes, releases, activations, positions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

moment = sa.DateTime(timezone=True)


def of_event() -> sa.Column:
    return sa.Column("id", sa.String(24), sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)


def of_decision() -> tuple[sa.Column, sa.Column]:
    return (
        sa.Column("decision", sa.String(24), sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
    )


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("slot", sa.String(100), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("file", sa.String(40), nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("number", sa.String(20)),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("slot", "seq", name="events_slot_seq"),
    )
    op.create_index("events_number", "events", ["number"])
    op.create_index("events_kind_at", "events", ["kind", "at"])

    op.create_table(
        "decisions",
        of_event(),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("moment", moment, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("platform", sa.String(100), nullable=False),
        sa.Column("activity", sa.String(20), nullable=False),
        sa.Column("effect", sa.String(20), nullable=False),
        sa.Column("done", sa.String(20), nullable=False),
        sa.Column("standing", sa.String(20), nullable=False),
        sa.Column("officer", sa.String(32)),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("office", sa.Text, nullable=False),
        sa.Column("device", sa.String(20), nullable=False),
        sa.Column("regime", sa.String(20), nullable=False),
        sa.Column("remedial", sa.Boolean, nullable=False),
        sa.Column("unclaimed", sa.Boolean, nullable=False),
        sa.Column("policy", sa.String(64), nullable=False),
    )
    op.create_index("decisions_moment", "decisions", ["moment", "id"])
    op.create_index("decisions_officer", "decisions", ["officer", "moment", "id"])
    op.create_index("decisions_hour", "decisions", ["hour", "effect"])
    op.create_index("decisions_number", "decisions", ["number"])

    op.create_table(
        "matches",
        *of_decision(),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("clause", sa.Text, nullable=False),
        sa.Column("effect", sa.String(20), nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("exempted_by", sa.Text),
        sa.Column("released_by", sa.Text),
    )
    op.create_index("matches_rule", "matches", ["rule"])

    op.create_table(
        "findings",
        *of_decision(),
        sa.Column("check_id", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("likelihood", sa.String(20), nullable=False),
        sa.Column("text_number", sa.Integer, nullable=False),
        sa.Column("start_at", sa.Integer, nullable=False),
        sa.Column("end_at", sa.Integer, nullable=False),
    )
    op.create_index("findings_category", "findings", ["category"])

    op.create_table(
        "gaps",
        *of_decision(),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("gaps_reason", "gaps", ["reason"])

    op.create_table(
        "outcomes",
        of_event(),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("accepted", sa.Boolean),
    )
    op.create_index("outcomes_number", "outcomes", ["number"])

    op.create_table(
        "releases",
        of_event(),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("number", sa.String(20)),
        sa.Column("moment", moment, nullable=False),
        sa.Column("expires", moment, nullable=False),
        sa.Column("platform", sa.String(100), nullable=False),
        sa.Column("activity", sa.String(20)),
        sa.Column("officer", sa.String(32)),
        sa.Column("single_use", sa.Boolean, nullable=False),
    )
    op.create_index("releases_number", "releases", ["number"])

    op.create_table(
        "activations",
        of_event(),
        sa.Column("moment", moment, nullable=False),
        sa.Column("policy", sa.String(64), nullable=False),
        sa.Column("platforms", sa.String(64), nullable=False),
        sa.Column("calendar", sa.String(64), nullable=False),
        sa.Column("lexicons", sa.String(64), nullable=False),
    )
    op.create_index("activations_moment", "activations", ["moment"])

    op.create_table(
        "positions",
        sa.Column("slot", sa.String(100), primary_key=True),
        sa.Column("file", sa.String(40), nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("the index holds evidence; restore a backup, or drop the database and forward the journal again")
