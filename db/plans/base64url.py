"""Base64url in SQL, without padding, as clients see ids and cursors."""


def base64url(text: str) -> str:
    """The expression for a text expression; `replace` because `translate` takes ten times as long."""
    encoded = f"encode(convert_to({text}, 'UTF8'), 'base64')"
    # Postgres breaks lines after 76 characters, also where the text ends there.
    return f"rtrim(replace(replace(replace({encoded}, E'\\n', ''), '+', '-'), '/', '_'), '=')"


def base64url_of_plain(text: str) -> str:
    """The same where the text is ASCII without `>`, `?` and `~`: only of those base64 makes + or /."""
    return f"rtrim(replace(encode(convert_to({text}, 'UTF8'), 'base64'), E'\\n', ''), '=')"


def base64url_of_id(prefix: str, id_: str) -> str:
    """The same for a plain prefix before a UUID, most of it decided here: such text has neither + nor / in base64."""
    encoded = f"encode(convert_to('{prefix}' || {id_}, 'UTF8'), 'base64')"
    length = len(prefix) + 36
    if length >= 57:
        encoded = f"replace({encoded}, E'\\n', '')"
    return encoded if length % 3 == 0 else f"rtrim({encoded}, '=')"
