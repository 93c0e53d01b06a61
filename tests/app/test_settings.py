"""Every setting is documented for operators, and empty means unset."""

import pytest

from app.settings import CHECKOUT, Settings

# What `wayfare run` tells the API it starts.
INTERNAL = {"WAYFARE_DEV_KEY"}


def variables() -> set[str]:
    return {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()}


def test_operations_list_every_setting() -> None:
    document = (CHECKOUT / "docs" / "operations.md").read_text()
    assert {name for name in variables() - INTERNAL if f"`{name}`" not in document} == set()


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.setenv(name, "")
    assert Settings() == Settings.model_construct()


def test_a_public_address_is_that_of_a_site() -> None:
    assert Settings(public_url="https://mail.example/we/").public_url == "https://mail.example/we"
    for wrong in ("mail.example", "ftp://mail.example", "https://", "https://mail.example/?a=b"):
        with pytest.raises(ValueError, match="PUBLIC_URL"):
            Settings(public_url=wrong)


def test_migrations_use_the_owners_address_when_there_is_one() -> None:
    assert Settings(database_url="a", database_admin_url=None).admin_url == "a"
    assert Settings(database_url="a", database_admin_url="b").admin_url == "b"
