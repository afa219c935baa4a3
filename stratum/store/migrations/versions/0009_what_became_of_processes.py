"""What became of processes, and up to where it has been read."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "events",
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("process", sa.String(255), nullable=False),
        sa.Column("target", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("exit_status", sa.Integer(), nullable=True),
        sa.Column("lived_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_events_app_id"),
        sa.PrimaryKeyConstraint("app_id", "number", name="pk_events"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_marks",
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(63), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_event_marks_app_id"),
        sa.PrimaryKeyConstraint("app_id", name="pk_event_marks"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("event_marks")
    op.drop_table("events")
