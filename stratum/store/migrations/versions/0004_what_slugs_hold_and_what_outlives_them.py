"""What a slug holds, how its release phase went, the buildpacks apps are pinned to, and their storage."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("builds", sa.Column("contents", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("releases", sa.Column("contents", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("releases", sa.Column("phase", sa.String(16), nullable=False, server_default=""))
    op.add_column("releases", sa.Column("mounts", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "buildpack_pins",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("ref", sa.String(255), nullable=False),
        sa.Column("commit", sa.String(64), nullable=False),
        sa.Column("pinned_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_buildpack_pins_app_id"),
        sa.UniqueConstraint("app_id", "url", "ref", name="uq_buildpack_pins_app_id_url_ref"),
    )
    op.create_table(
        "volumes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("destroying", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_volumes_app_id"),
        sa.UniqueConstraint("app_id", "name", name="uq_volumes_app_id_name"),
    )
    op.create_table(
        "sites",
        sa.Column("app_id", sa.Integer(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("app_name", sa.String(63), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE", name="fk_sites_app_id"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("sites")
    op.drop_table("volumes")
    op.drop_table("buildpack_pins")
    op.drop_column("releases", "mounts")
    op.drop_column("releases", "phase")
    op.drop_column("releases", "contents")
    op.drop_column("builds", "contents")
