"""What can be used without any file: keys in the environment, model servers on this machine."""

import http.client
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from seawall.core.errors import SpecError
from seawall.plugins.providers.capabilities import VENDORS
from seawall.spec.load import load_project
from seawall.spec.plan import Project, Provider

LOCAL = ("ollama", "vllm", "llamacpp", "lmstudio")
CONNECT_TIMEOUT = 3.0
PATIENCE = 0.3
"""Seconds a local server has to say that it is there."""


def usable_providers(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Vendors whose key is in the environment, and local servers that answer."""
    keyed = [name for name, each in VENDORS.items() if not each.keyless and environ.get(each.key_variable)]
    return keyed + [name for name in LOCAL if _answers(VENDORS[name].base_url)]


def discovered_project(folder: Path, environ: Mapping[str, str] = os.environ) -> Project:
    """A project without files, for what is usable here. Raises `SpecError` when there is nothing."""
    found = usable_providers(environ)
    if not found:
        raise SpecError(
            f"there is no project in {str(folder)!r}, and no model provider to serve without one",
            hint="Set OPENAI_API_KEY (or another vendor's key), start Ollama or vLLM, "
            "or write a project with: seawall init",
        )
    project = load_project(folder, vendors=VENDORS, environ=environ, bare=True)
    providers = {
        name: Provider(name, "openai", name, VENDORS[name].base_url, None, CONNECT_TIMEOUT, "")
        for name in found
    }
    return msgspec.structs.replace(project, providers=providers)


def _answers(base_url: str) -> bool:
    """Whether there is an API of models at *base_url*. Asks nothing that costs anything."""
    parts = urlsplit(base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", f"{parts.path}/models")
        return connection.getresponse().status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
