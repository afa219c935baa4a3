"""When a build began; names, notes, pins and removed slugs of releases."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "apps", sa.Column("supersede_running", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("builds", sa.Column("started_at", sa.DateTime(), nullable=True))
    op.add_column("releases", sa.Column("name", sa.String(63), nullable=False, server_default=""))
    op.add_column("releases", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.add_column("releases", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("releases", sa.Column("slug_gone", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    for column in ("slug_gone", "pinned", "note", "name"):
        op.drop_column("releases", column)
    op.drop_column("builds", "started_at")
    op.drop_column("apps", "supersede_running")
