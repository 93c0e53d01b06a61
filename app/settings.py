"""Everything that can be set from outside, read from environment variables."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

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
    # Keys the hashes of suppressed addresses. None: `wayfare run` keeps one in the state folder.
    secret: SecretStr | None = Field(default=None, min_length=32, validation_alias="WAYFARE_SECRET")

    host: str = Field(default="127.0.0.1", validation_alias="WAYFARE_HOST")
    port: int = Field(default=8000, ge=1, le=65535, validation_alias="WAYFARE_PORT")
    state: Place = Field(default=CHECKOUT / "var", validation_alias="WAYFARE_STATE")

    # The key that GraphiQL starts with; `wayfare run` sets it for the API it starts, nobody else should.
    dev_key: str | None = Field(default=None, validation_alias="WAYFARE_DEV_KEY")

    # A folder with initdb and postgres; a valkey-server or redis-server, or the folder of one.
    embed_pg_bin: Place | None = None
    embed_redis_bin: Place | None = None

    @property
    def admin_url(self) -> str | None:
        """The address migrations use."""
        return self.database_admin_url or self.database_url

    @property
    def pooled(self) -> bool:
        """Whether a pooler hands connections out by the transaction, so that nothing may be kept in a session."""
        return self.database_pooler == "transaction"
