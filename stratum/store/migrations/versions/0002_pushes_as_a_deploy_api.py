"""Options of pushes, gated builds, an app's own limits, former names, tokens that expire."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("apps", sa.Column("gate", sa.String(16), nullable=False, server_default=""))
    op.add_column("apps", sa.Column("protected", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("apps", sa.Column("max_push_bytes", sa.Integer(), nullable=True))
    op.add_column("apps", sa.Column("max_repo_bytes", sa.Integer(), nullable=True))
    op.add_column("tokens", sa.Column("expires_at", sa.DateTime(), nullable=True))
    op.add_column("tokens", sa.Column("created_by", sa.String(63), nullable=False, server_default=""))
    op.execute("update grants set right = 'admin' where right = 'write'")
    op.add_column("pushes", sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("builds", sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("builds", sa.Column("gate", sa.String(64), nullable=False, server_default=""))
    op.add_column("builds", sa.Column("slug", sa.String(64), nullable=False, server_default=""))
    op.add_column("builds", sa.Column("targets", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("builds", sa.Column("superseded_by", sa.Integer(), nullable=True))
    op.add_column("releases", sa.Column("app_name", sa.String(63), nullable=False, server_default=""))
    op.execute("update releases set app_name = (select name from apps where apps.id = releases.app_id)")
    op.create_table(
        "former_names",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("name_key", sa.String(length=63), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_former_names_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_former_names_app_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_former_names"),
        sa.UniqueConstraint("environment_id", "name_key", name="uq_former_names_environment_id_name_key"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("former_names")
    op.drop_column("releases", "app_name")
    for column in ("superseded_by", "targets", "slug", "gate", "options"):
        op.drop_column("builds", column)
    op.drop_column("pushes", "options")
    op.execute("update grants set right = 'write' where right != 'read'")
    for column in ("created_by", "expires_at"):
        op.drop_column("tokens", column)
    for column in ("max_repo_bytes", "max_push_bytes", "protected", "gate"):
        op.drop_column("apps", column)
