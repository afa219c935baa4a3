"""Counts of changes, kept by triggers, so that whoever has read something knows for how long it holds."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_READ_BY_EVERY_REQUEST = ("tokens", "grants", "environments", "apps", "review_apps")
_TRIGGERS = [
    (f"stamp_{table}_{what}", f"{what} ON {table}")
    for table in _READ_BY_EVERY_REQUEST
    for what in ("insert", "update", "delete")
]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "stamps",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_stamps"),
    )
    op.execute("INSERT INTO stamps VALUES ('access', 0)")
    for trigger, when in _TRIGGERS:
        counted = "UPDATE stamps SET number = number + 1 WHERE name = 'access'"
        op.execute(f"CREATE TRIGGER {trigger} AFTER {when} BEGIN {counted}; END")


def downgrade() -> None:
    """Take back."""
    for trigger, _ in _TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger}")
    op.drop_table("stamps")
