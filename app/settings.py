"""Everything that can be set from outside, read from environment variables."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.webhooks.targets import Network, parse_networks

CHECKOUT = Path(__file__).resolve().parent.parent
# Servers and processes are started from other folders than the one a relative path was meant in.
Place = Annotated[Path, AfterValidator(Path.absolute)]


class Settings(BaseSettings):
    """The settings of one process; docs/operations.md lists what each of them means to an operator."""

    model_config = SettingsConfigDict(populate_by_name=True, env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: str | None = None
    # The owner of the tables, for migrations; the same server and database as database_url.
    database_admin_url: str | None = None
    database_pooler: Literal["none", "transaction"] = "none"
    redis_url: str | None = None
    # None: `wayfare run` catches all mail in its own inbox.
    smtp_url: str | None = None
    # The address of brands that have none of their own.
    mail_from: str | None = None
    # A domain whose mail is handed to POST /mails: each mail has a sender of its own there, on the envelope. An address
    # has 254 characters, 65 of which are its local part and the @.
    return_domain: str | None = Field(default=None, max_length=189, pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$")
    # Where links in messages point: this API as customers reach it. None: messages carry no links of ours.
    public_url: str | None = None
    # Keys the hashes of suppressed addresses. None: `wayfare run` keeps one in the state folder.
    secret: SecretStr | None = Field(default=None, min_length=32, validation_alias="WAYFARE_SECRET")

    host: str = Field(default="127.0.0.1", validation_alias="WAYFARE_HOST")
    port: int = Field(default=8000, ge=1, le=65535, validation_alias="WAYFARE_PORT")
    # How long a stopping API says that it is not ready and answers on, and then lets requests end; seconds.
    drain: float = Field(default=5, ge=0, le=60, validation_alias="WAYFARE_DRAIN")
    grace: int = Field(default=20, ge=1, le=300, validation_alias="WAYFARE_GRACE")
    # Where Prometheus reads this API's metrics, on a port of its own; none without it.
    metrics_host: str = Field(default="127.0.0.1", validation_alias="WAYFARE_METRICS_HOST")
    metrics_port: int | None = Field(default=None, ge=1, le=65535, validation_alias="WAYFARE_METRICS_PORT")
    # The same for a worker, which has another address on the same machine.
    worker_metrics_port: int | None = Field(
        default=None, ge=1, le=65535, validation_alias="WAYFARE_WORKER_METRICS_PORT"
    )
    # `json`: one line for each request and for each event, for machines.
    log_format: Literal["text", "json"] = Field(default="text", validation_alias="WAYFARE_LOG_FORMAT")
    # Traces of requests, their jobs and mails, sent to OTEL_EXPORTER_OTLP_ENDPOINT.
    traces: bool = Field(default=False, validation_alias="WAYFARE_TRACES")
    state: Place = Field(default=CHECKOUT / "var", validation_alias="WAYFARE_STATE")

    # Origins whose pages may use the API (CORS, WebSockets), and names the API answers to (none: all); with commas.
    listed_origins: str = Field(default="", validation_alias="WAYFARE_ORIGINS")
    listed_hosts: str = Field(default="", validation_alias="WAYFARE_HOSTS")

    # Sign access tokens: the first one signs, all are believed; with commas. None: WAYFARE_SECRET does.
    listed_token_secrets: SecretStr = Field(default=SecretStr(""), validation_alias="WAYFARE_TOKEN_SECRETS")
    # An OpenID Connect issuer whose tokens are believed: `iss` and `aud` as they are in them, and where its keys are.
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    # Seal the secrets of webhooks: the first one seals, all open, as WAYFARE_SECRET does; with commas.
    listed_encryption_keys: SecretStr = Field(default=SecretStr(""), validation_alias="WAYFARE_ENCRYPTION_KEYS")
    # Networks of the operator's own that webhooks may reach, e.g. 10.1.0.0/16; with commas. None: the public internet.
    outbound_allow: str = ""
    # Where people accept invitations, with {token} in it.
    invitation_url: str | None = Field(default=None, validation_alias="WAYFARE_INVITATION_URL")
    # Where people set another password in place of a forgotten one, with {token} in it.
    reset_url: str | None = Field(default=None, validation_alias="WAYFARE_RESET_URL")
    # How many days the audit log goes back; 0: for ever.
    audit_days: int = Field(default=730, ge=0, le=36_500, validation_alias="WAYFARE_AUDIT_DAYS")

    # What one request may ask for (docs/operations.md), and each caller in points: at most so many, and so many come
    # back each second. WAYFARE_RATE_LIMIT=0: no limit.
    max_tokens: int = Field(default=2_000, ge=1, validation_alias="WAYFARE_MAX_TOKENS")
    max_depth: int = Field(default=12, ge=1, validation_alias="WAYFARE_MAX_DEPTH")
    max_aliases: int = Field(default=30, ge=0, validation_alias="WAYFARE_MAX_ALIASES")
    max_root_fields: int = Field(default=20, ge=1, validation_alias="WAYFARE_MAX_ROOT_FIELDS")
    max_fields: int = Field(default=1_000, ge=1, validation_alias="WAYFARE_MAX_FIELDS")
    max_directives: int = Field(default=50, ge=0, validation_alias="WAYFARE_MAX_DIRECTIVES")
    max_cost: int = Field(default=5_000, ge=1, validation_alias="WAYFARE_MAX_COST")
    # Whether queries may come by GET; the page of GraphiQL does in any case.
    get_queries: bool = Field(default=True, validation_alias="WAYFARE_GET_QUERIES")
    # Sockets and event streams that a process holds at once, in all and of each caller.
    max_sockets: int = Field(default=2_000, ge=1, validation_alias="WAYFARE_MAX_SOCKETS")
    max_sockets_of_caller: int = Field(default=100, ge=1, validation_alias="WAYFARE_MAX_SOCKETS_OF_CALLER")
    rate_limit: int = Field(default=50_000, ge=0, validation_alias="WAYFARE_RATE_LIMIT")
    rate_restore: int = Field(default=2_500, ge=1, validation_alias="WAYFARE_RATE_RESTORE")

    # The key that GraphiQL starts with; `wayfare run` sets it for the API it starts, nobody else should.
    dev_key: str | None = Field(default=None, validation_alias="WAYFARE_DEV_KEY")

    # A folder with initdb and postgres; a valkey-server or redis-server, or the folder of one.
    embed_pg_bin: Place | None = None
    embed_redis_bin: Place | None = None

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str | None) -> str | None:
        """Without the slash at its end; raises ValueError for what is not the address of a site."""
        parts = urlsplit(url or "https://none")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("PUBLIC_URL is written as https://host or https://host/path")
        return url and url.rstrip("/")

    @property
    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.listed_origins.split(",") if origin.strip()]

    @property
    def hosts(self) -> list[str]:
        return [host.strip() for host in self.listed_hosts.split(",") if host.strip()]

    @property
    def token_secrets(self) -> list[str]:
        """Newest first."""
        return [secret.strip() for secret in self.listed_token_secrets.get_secret_value().split(",") if secret.strip()]

    @property
    def encryption_keys(self) -> list[str]:
        """Newest first."""
        return [key.strip() for key in self.listed_encryption_keys.get_secret_value().split(",") if key.strip()]

    @property
    def outbound_networks(self) -> tuple[Network, ...]:
        return parse_networks(self.outbound_allow)

    @model_validator(mode="after")
    def _check_outbound(self) -> "Settings":
        """Raises ValueError: what is no network, or a key that can be guessed."""
        parse_networks(self.outbound_allow)
        if any(len(key) < 32 for key in self.encryption_keys):
            raise ValueError("each of WAYFARE_ENCRYPTION_KEYS has 32 characters at least")
        return self

    @model_validator(mode="after")
    def _check_people(self) -> "Settings":
        """Raises ValueError: half an issuer, keys fetched in the clear, or a secret that can be guessed."""
        issuer = [self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url]
        if any(issuer) and not all(issuer):
            raise ValueError("OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS_URL go together")
        keys = urlsplit(self.oidc_jwks_url or "https://")
        if keys.scheme != "https" and keys.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("OIDC_JWKS_URL must be https")
        if any(len(secret) < 32 for secret in self.token_secrets):
            raise ValueError("each of WAYFARE_TOKEN_SECRETS has 32 characters at least")
        return self

    @property
    def admin_url(self) -> str | None:
        """The address migrations use."""
        return self.database_admin_url or self.database_url

    @property
    def pooled(self) -> bool:
        """Whether a pooler hands connections out by the transaction, so that nothing may be kept in a session."""
        return self.database_pooler == "transaction"
