"""The providers of one state of the files: what is declared, and what needs no declaration."""

import os
from collections.abc import Mapping

from seawall.core.errors import SpecConflict
from seawall.core.ports import Provider
from seawall.plugins.providers.capabilities import VENDORS
from seawall.runtime.registry import Registry
from seawall.spec.places import Target
from seawall.spec.plan import Provider as Declared
from seawall.transport.client import HttpClient


class Providers:
    """Makes each provider when it is first needed, and keeps the connections they use."""

    def __init__(self, declared: Mapping[str, Declared], environ: Mapping[str, str] = os.environ) -> None:
        self._declared = declared
        self._environ = environ
        self._registry = Registry("provider")
        self._made: dict[str, Provider] = {}
        self.clients: list[HttpClient] = []

    def known(self, name: str) -> bool:
        """Whether *name* is declared, or a vendor usable as it is: its key is there, or it needs none."""
        if name in self._declared:
            return True
        vendor = VENDORS.get(name)
        return vendor is not None and bool(vendor.base_url) and (vendor.keyless or self._key(name) != "")

    @property
    def usable(self) -> list[str]:
        """Those declared, and vendors whose key is in the environment."""
        keyed = [name for name, vendor in VENDORS.items() if not vendor.keyless and self._key(name)]
        return sorted({*self._declared, *keyed})

    def vendor(self, name: str) -> str:
        """Whose dialect and prices are those of provider *name*."""
        declared = self._declared.get(name)
        if declared is None:
            return name
        return declared.vendor or (name if name in VENDORS else "compatible")

    def model_id(self, target: Target) -> str:
        """What is sent upstream for *target*: the version is part of it the way its vendor writes it."""
        joint = VENDORS[self.vendor(target.provider)].version_joint
        return f"{target.model}{joint}{target.version}" if target.version and joint else target.model

    def get(self, name: str) -> Provider:
        """The provider *name*. Raises `SpecConflict` when it cannot be used as it is declared."""
        provider = self._made.get(name)
        if provider is None:
            provider = self._made[name] = self._make(name)
        return provider

    def _make(self, name: str) -> Provider:
        declared = self._declared.get(name)
        vendor = self.vendor(name)
        base_url = (declared.base_url if declared else "") or VENDORS[vendor].base_url
        if not base_url:
            raise SpecConflict(
                f"provider {name!r} has no address",
                hint=f"Set base_url under providers: {name}: in seawall.yaml",
            )
        try:
            client = HttpClient(
                base_url,
                connect_timeout=declared.connect_timeout if declared else 3.0,
                ca_file=(declared.ca_file or None) if declared else None,
            )
        except ValueError as error:
            raise SpecConflict(f"provider {name!r}: {error}") from error
        self.clients.append(client)
        made: Provider = self._registry.load(declared.kind if declared else "openai")(
            client=client, base_url=base_url, api_key=self._key_for(name, declared, vendor), vendor=vendor
        )
        return made

    def _key_for(self, name: str, declared: Declared | None, vendor: str) -> str:
        if declared is not None and declared.key is not None:
            return declared.key.reveal()
        at_home = declared is None or not declared.base_url or declared.base_url == VENDORS[vendor].base_url
        # A key from the environment belongs to its vendor: it is never sent to another address.
        return self._key(vendor) if at_home else ""

    def _key(self, vendor: str) -> str:
        variable = VENDORS[vendor].key_variable
        return self._environ.get(variable, "").strip() if variable else ""
