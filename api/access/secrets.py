"""Passwords and tokens: made, hashed, compared. No plain secret is kept, and none can be read back.

Passwords are few and guessable, so Argon2id makes each guess dear. Tokens (keys, sessions) are 256 random bits, which
nobody guesses, so SHA-256 is enough to look them up by.
"""

import hashlib
import secrets
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 12, 200
"""Characters; length is what makes a password strong (NIST SP 800-63B). The upper end bounds the work of hashing."""
KEY_PREFIX = "jh_"
"""What API keys begin with, so that scanners for leaked secrets know them."""
TOKEN_BYTES = 32
ID_BYTES = 12

_hasher = PasswordHasher()


def new_id() -> str:
    """An identifier that says nothing and cannot be guessed: 96 random bits, 24 hexadecimal digits."""
    return secrets.token_hex(ID_BYTES)


def new_token(prefix: str = "") -> str:
    """A secret of 256 random bits."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def password_hash(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def password_matches(password: str, kept: str | None) -> bool:
    """Whether this is the password; takes the same time whether or not there is one."""
    try:
        _hasher.verify(kept or hash_of_nobody(), password[:PASSWORD_LENGTH_MAX])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None and len(password) <= PASSWORD_LENGTH_MAX


def hash_of_nobody() -> str:
    """What would be kept of a password that nobody has: to verify it takes as long, and tells nobody who exists."""
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    salt, digest = (_plain(secrets.token_bytes(size)) for size in (_hasher.salt_len, _hasher.hash_len))
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def _plain(content: bytes) -> str:
    return b64encode(content).rstrip(b"=").decode()
