"""People, groups, datasets and layers, and who may do what."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from emqs.annotations.migrations.schema_0001.columns import (
    flag,
    id_column,
    json_column,
    metadata,
    one_of,
    only,
    text_column,
    time_column,
    to,
)
from emqs.annotations.migrations.schema_0001.words import LAYER_KINDS, ROLES

users = Table(
    "users",
    metadata,
    id_column(),
    text_column("name", 100, unique=True),  # as typed at login, small letters
    text_column("display_name", 200),
    text_column("email", 320, nullable=True),
    text_column("password_hash", nullable=True),  # None: no local password
    flag("is_admin"),
    flag("is_active"),
    json_column("settings"),
    time_column("created"),
    time_column("last_login", nullable=True),
)
identities = Table(
    "identities",
    metadata,
    id_column(),
    to("users", cascade=True, index=True),
    text_column("issuer", 500),
    text_column("subject", 255),
    text_column("email", 320, nullable=True),
    time_column("created"),
    UniqueConstraint("issuer", "subject"),
)
sessions = Table(
    "sessions",
    metadata,
    id_column(),
    to("users", cascade=True, index=True),
    text_column("token_hash", 64, unique=True),
    text_column("kind", 16),
    text_column("name", 200),
    json_column("scopes"),  # list of words
    time_column("created"),
    time_column("expires", nullable=True),
    time_column("last_used", nullable=True),
    time_column("revoked", nullable=True),
    one_of("kind", ("cookie", "api", "one_time")),
)
oidc_logins = Table(  # begun on one process, finished on another
    "oidc_logins",
    metadata,
    text_column("state_hash", 64, primary_key=True),
    text_column("provider", 100),
    text_column("nonce", 200),
    text_column("verifier", 200),
    text_column("next_path", 2000),
    time_column("created"),
    time_column("expires"),
)
rate_windows = Table(  # e.g. failed logins of a name or an address
    "rate_windows",
    metadata,
    text_column("key", 400, primary_key=True),
    time_column("started"),
    Column("count", Integer, nullable=False),
)
server_settings = Table(
    "server_settings",
    metadata,
    text_column("key", 100, primary_key=True),
    json_column("value"),
)
groups = Table(
    "groups",
    metadata,
    id_column(),
    text_column("name", 100, unique=True),
    text_column("description"),
    time_column("created"),
)
group_members = Table(
    "group_members",
    metadata,
    to("groups", cascade=True, primary_key=True),
    to("users", cascade=True, primary_key=True, index=True),
    flag("is_owner"),  # may add and remove members
    time_column("created"),
)

datasets = Table(
    "datasets",
    metadata,
    id_column(),
    text_column("name", 100, unique=True),
    text_column("title", 400),
    text_column("description"),
    text_column("visibility", 16),
    json_column("settings"),  # "voxel_size_nm" and "shape" (Z Y X), stores, view ...
    Column("revision", Integer, nullable=False),
    Column("changes", BigInteger, nullable=False),  # counts writes of annotations, see annotations
    to("users", "created_by", nullable=True),
    time_column("created"),
    time_column("changed"),
    one_of("visibility", ("private", "public")),
)
layers = Table(
    "layers",
    metadata,
    id_column(),
    to("datasets", cascade=True),
    text_column("name", 100),
    text_column("kind", 16),
    text_column("source"),
    text_column("version", 100),
    to("users", "owner_id", nullable=True, index=True),  # None: of everybody who may read
    json_column("settings"),
    time_column("created"),
    time_column("changed"),
    one_of("kind", LAYER_KINDS),
    UniqueConstraint("dataset_id", "owner_id", "name"),
    Index(
        "ix_layers_shared_name",
        "dataset_id",
        "name",
        unique=True,
        **only("owner_id IS NULL"),
    ),
)
grants = Table(
    "grants",
    metadata,
    id_column(),
    to("datasets", cascade=True),
    to("users", cascade=True, nullable=True, index=True),
    to("groups", cascade=True, nullable=True, index=True),
    text_column("role", 16),
    to("users", "created_by", nullable=True),
    time_column("created"),
    one_of("role", ROLES),
    CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="user_or_group"),
    UniqueConstraint("dataset_id", "user_id"),
    UniqueConstraint("dataset_id", "group_id"),
)
data_links = Table(
    "data_links",
    metadata,
    id_column(),
    text_column("token_hash", 64, unique=True),
    to("datasets", cascade=True, index=True),
    to("layers", cascade=True, nullable=True, index=True),  # None: every layer of the dataset
    to("users", "created_by"),
    text_column("name", 200),
    time_column("created"),
    time_column("expires"),
    time_column("last_used", nullable=True),
    time_column("revoked", nullable=True),
)
