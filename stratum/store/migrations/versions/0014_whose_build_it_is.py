"""Deliveries say of which app their build is: a pull request's is one of its review app."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("deliveries", sa.Column("build_app_id", sa.Integer(), nullable=True))
    op.execute("UPDATE deliveries SET build_app_id = app_id WHERE build IS NOT NULL")


def downgrade() -> None:
    """Take back."""
    op.execute("UPDATE deliveries SET build = NULL WHERE build_app_id != app_id")
    op.drop_column("deliveries", "build_app_id")
