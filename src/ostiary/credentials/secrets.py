"""A secret of the gate's own, from where the settings say. The rule: a secret that others may read is refused."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ostiary.model.errors import Invalid
from ostiary.settings import Database, Settings, line_in

LONGEST = 64 * 1024


class CredentialUnavailable(Invalid):
    """The gate's own secret is not where the settings say, or not kept as a secret."""

    code = "credential-unavailable"


def password_of(settings: Settings, database: Database) -> str | None:
    """The password of the gate's role in a configured database; an error names where the settings speak of it.

    Raises:
        CredentialUnavailable: as `resolve`.
    """
    try:
        return resolve(database.password_env, database.password_file)
    except CredentialUnavailable as error:
        if error.file:
            raise
        section = f"database.{database.name}"
        raise CredentialUnavailable(
            error.message,
            file=str(settings.file),
            line=line_in(settings.file, section, error.key),
            key=f"{section}.{error.key}",
            hint=error.hint,
        ) from error


def resolve(
    password_env: str | None, password_file: Path | None, environment: Mapping[str, str] | None = None
) -> str | None:
    """The password that the settings name; None when they name none (trust, peer or certificate).

    Raises:
        CredentialUnavailable: both are named, the one named is absent or empty, or others may read the file.
    """
    if password_env is not None and password_file is not None:
        raise CredentialUnavailable(
            "password_env and password_file are both set", key="password_env", hint="keep one of them"
        )
    if password_env is not None:
        return _from_environment(password_env, os.environ if environment is None else environment)
    if password_file is not None:
        return _from_file(password_file)
    return None


def _from_environment(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        raise CredentialUnavailable(
            f"the environment variable {name} is not set",
            key="password_env",
            hint="export it where the gate starts, or name a file with password_file instead",
        )
    return _checked(value, "", "password_env")


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # The descriptor is asked, not the path: what was checked is what is read.
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise CredentialUnavailable("this is not a file", file=str(path), key="password_file")
            if found.st_mode & 0o077 and not _is_mounted_secret(found):
                raise CredentialUnavailable(
                    f"others may read this password (mode {stat.S_IMODE(found.st_mode):04o})",
                    file=str(path),
                    key="password_file",
                    hint=f"chmod 600 {path}",
                )
            text = file.read(LONGEST + 1)
    except OSError as error:
        raise CredentialUnavailable(
            f"cannot be read: {error.strerror}",
            file=str(path),
            key="password_file",
            hint="put the password into it, readable by the gate's user alone",
        ) from error
    if len(text) > LONGEST:
        raise CredentialUnavailable("is too long for a password", file=str(path), key="password_file")
    try:
        # Editors and `echo` end a file with a newline that is not part of the password.
        return _checked(text.decode().removesuffix("\n").removesuffix("\r"), str(path), "password_file")
    except UnicodeDecodeError:
        raise CredentialUnavailable("is not UTF-8", file=str(path), key="password_file") from None


def _is_mounted_secret(found: os.stat_result) -> bool:
    """Whether root owns the file and only our group may read it: how orchestrators mount a secret (mode 0440, fsGroup).

    The same exception as libpq makes for a server's key (fe-secure-openssl.c, "0640 if owned by root").
    """
    return found.st_uid == 0 and not found.st_mode & 0o037


def _checked(value: str, file: str, key: str) -> str:
    if not value or "\0" in value or "\n" in value:
        raise CredentialUnavailable("is empty or holds more than one line", file=file, key=key)
    return value
