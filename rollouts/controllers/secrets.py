"""Values of Secrets for analyses: read when a measurement needs one, kept nowhere, named in no log."""

import base64
import binascii

import msgspec

from analysis.providers.base import SecretReader
from rollouts.api.kinds import SECRET
from rollouts.api.meta import Key
from rollouts.kube.client import Client
from rollouts.kube.errors import ApiError, NotFound


class _Secret(msgspec.Struct):
    data: dict[str, str] | None = None


def reader(client: Client) -> SecretReader:
    """Reads one value by namespace, name and key. What it returns raises LookupError that says what is missing."""

    async def read(namespace: str, name: str, key: str) -> str:
        try:
            body = await client.get(SECRET, Key(namespace, name))
        except NotFound:
            raise LookupError(f'secrets "{name}" not found') from None
        except ApiError as error:
            raise LookupError(f'secrets "{name}" cannot be read: {error}') from None
        return _value(body, name, key)

    return read


def _value(body: bytes, name: str, key: str) -> str:
    encoded = (msgspec.json.decode(body, type=_Secret).data or {}).get(key)
    if encoded is None:
        raise LookupError(f"key '{key}' does not exist in secret '{name}'")
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise LookupError(f"key '{key}' in secret '{name}' is not text") from None
