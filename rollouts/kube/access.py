"""Where the API server is and who we are there: kubeconfig or service account, TLS, proxy, tokens that expire.

kubernetes_asyncio reads the configuration; connections are ours (transport.py).
"""

import asyncio
import os
import ssl
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import structlog
import yaml

from rollouts.kube import configuration as foreign

log = structlog.get_logger("rollouts.kube")

# a token is looked at again after this many seconds: token files are rotated, exec tokens expire
TOKEN_PERIOD: Final = 60.0
# exec plugins ask other services, and may hang
RENEWAL_DEADLINE: Final = 20.0
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_HOME_KUBECONFIG: Final = "~/.kube/config"

_PARTS: Final = foreign.load()
Configuration: Final = _PARTS.configuration
ConfigException: Final = _PARTS.exception
SERVICE_HOST_ENV_NAME: Final = _PARTS.incluster_config.SERVICE_HOST_ENV_NAME
SERVICE_TOKEN_FILENAME: Final = _PARTS.incluster_config.SERVICE_TOKEN_FILENAME
SERVICE_CERT_FILENAME: Final = _PARTS.incluster_config.SERVICE_CERT_FILENAME
InClusterConfigLoader: Final = _PARTS.incluster_config.InClusterConfigLoader
load_kube_config: Final = _PARTS.kube_config.load_kube_config

# what a configuration makes it raise: one that is missing, cannot be parsed, or lacks a part
_UNUSABLE: Final = (ConfigException, OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError)

# of a kubeconfig that was written anew; where the server is does not change
_RENEWED: Final = ("api_key", "ssl_ca_cert", "cert_file", "key_file")

Refresh = Callable[[], Awaitable[None]]


class AccessError(Exception):
    """The configuration for reaching an API server is missing or wrong."""


class Access:
    """Address, TLS and credentials of one API server."""

    def __init__(self, configuration: Any, namespace: str, refresh: Refresh) -> None:
        self._configuration = configuration
        self._refresh = refresh
        self._renewal_began = self._renewal_ended = asyncio.get_running_loop().time()
        self._lock = asyncio.Lock()
        self.namespace = namespace
        self.host = str(configuration.host).rstrip("/")
        is_secure = self.host.startswith("https:")
        self._shown = _identity(configuration) if is_secure else ()
        self.tls = _tls(configuration) if is_secure else None
        self.server_hostname: str | None = configuration.tls_server_name
        self.proxy: str | None = configuration.proxy or _proxy_of_environment(self.host)

    async def headers(self) -> dict[str, str]:
        """The headers that say who we are, with a token that is renewed every `TOKEN_PERIOD` seconds.

        With it *tls* is renewed, for connections to come: authorities and client certificates are rotated too.
        """
        if asyncio.get_running_loop().time() - self._renewal_began >= TOKEN_PERIOD:
            await self.refresh()
        token = str(self._configuration.api_key.get("BearerToken") or "").strip()
        return {"Authorization": token} if token else {}

    async def refresh(self) -> None:
        """Fetch token and certificates anew, within `RENEWAL_DEADLINE`; where that fails the log says why.

        What cannot be renewed stays as it was.

        Who asks while somebody else does shares what comes of it.
        """
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        async with self._lock:
            if self._renewal_ended > asked_at:
                return
            self._renewal_began = loop.time()
            try:
                async with asyncio.timeout(RENEWAL_DEADLINE):
                    await self._refresh()
                self._renew_tls()
            except (*_UNUSABLE, aiohttp.ClientError) as error:
                log.warning("credentials could not be renewed", error=str(error) or type(error).__name__)
            finally:
                self._renewal_ended = loop.time()

    def _renew_tls(self) -> None:
        """Another context where a file of it has changed, which may be half written: then later."""
        if self.tls is None:
            return
        shown = _identity(self._configuration)
        if shown != self._shown:
            self.tls = _tls(self._configuration)
            self._shown = shown
            log.info("certificates renewed", server=self.host)


async def load_access(kubeconfig: str | None = None, context: str | None = None) -> Access:
    """Read the configuration: *kubeconfig*, else `$KUBECONFIG`, else the pod's account, else `~/.kube/config`.

    Raises AccessError with the way out where none of these will do.
    """
    paths = kubeconfig or os.environ.get("KUBECONFIG", "")
    if not paths and context is None and os.environ.get(SERVICE_HOST_ENV_NAME):
        return _in_cluster()
    return await _from_kubeconfig(paths or _HOME_KUBECONFIG, context)


def _in_cluster() -> Access:
    configuration = Configuration()
    try:
        loader = InClusterConfigLoader(SERVICE_TOKEN_FILENAME, SERVICE_CERT_FILENAME, try_refresh_token=False)
        loader.load_and_set(configuration)
    except (ConfigException, OSError) as error:
        raise AccessError(f"the pod's service account cannot be used: {error}") from error

    async def refresh() -> None:
        loader.load_and_set(configuration)

    return Access(configuration, _pod_namespace(), refresh)


def _pod_namespace() -> str:
    try:
        return _NAMESPACE_FILE.read_text().strip() or "default"
    except OSError:
        return "default"


async def _from_kubeconfig(paths: str, context: str | None) -> Access:
    if not _some_file_in(paths):
        raise AccessError(f"no kubeconfig at {paths}: name one with --kubeconfig or KUBECONFIG")
    configuration, written = Configuration(), _contents(paths)
    try:
        loader = await load_kube_config(paths, context, configuration, persist_config=False)
    except _UNUSABLE as error:
        raise AccessError(f"kubeconfig {paths} cannot be used: {error}") from error

    async def refresh() -> None:
        nonlocal loader, written
        now_written = _contents(paths)
        if now_written == written:
            # it remembers what it was given last: a refresh token may be good for one use
            await loader.load_and_set(configuration)
            return
        fresh = Configuration()
        loader = await load_kube_config(paths, context, fresh, persist_config=False)
        written = now_written
        for name in _RENEWED:
            setattr(configuration, name, getattr(fresh, name))

    return Access(configuration, _context_namespace(loader), refresh)


def _contents(paths: str) -> tuple[bytes, ...]:
    """The files of a kubeconfig as they are now."""
    found = (Path(path).expanduser() for path in paths.split(os.pathsep) if path)
    return tuple(path.read_bytes() for path in found if path.is_file())


def _some_file_in(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def _context_namespace(loader: Any) -> str:
    context = loader.current_context
    return str(context["context"].get("namespace") or "default")


def _identity(configuration: Any) -> tuple[bytes, ...]:
    """What is shown to the server and what is asked of it: the contents of the files that the configuration names."""
    named = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    return tuple(Path(path).read_bytes() if path else b"" for path in named)


def _tls(configuration: Any) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    # clusters' own authorities are often older than the strict rules Python 3.13 turned on
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls


def _proxy_of_environment(host: str) -> str | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for *host*, looked up once at start."""
    url = urllib.parse.urlsplit(host)
    if not url.hostname or urllib.request.proxy_bypass(url.hostname):
        return None
    return urllib.request.getproxies().get(url.scheme)
