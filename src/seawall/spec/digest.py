"""Digests: equal exactly when nothing differs that decides how a call is treated.

They are taken over the plan, not over the text: layout, comments, order of keys and units (`2 s`, `2000 ms`)
do not matter; a default that changes with a version does. Secrets never enter.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from seawall.spec.plan import Feature, Project, Provider, plain

SHOWN = 16
"""How many hex digits are shown to people."""


def feature_digest(feature: Feature, providers: Mapping[str, Provider]) -> str:
    """sha256 in hex over the feature, the bytes of its files, and the entries of the providers it may use."""
    used = {target.provider for target in feature.targets} if feature.targets else providers.keys()
    document = {
        "name": feature.name,
        "version": feature.version,
        "intent": feature.intent,
        "input": feature.input,
        "prompt": feature.prompt
        and {
            "file": feature.prompt.file,
            "variables": feature.prompt.variables,
            "date": feature.prompt.date,
        },
        "llm": feature.llm,
        "validation": feature.validation,
        "monitoring": feature.monitoring,
        "files": feature.files,
        "providers": [_entry(providers[name]) for name in sorted(used) if name in providers],
    }
    return _sha256(document)


def project_digest(project: Project) -> str:
    """sha256 in hex over all features, the default, the providers and the limits.

    Left out is what only says where the process runs (`listen`, `state`, `store`) and every secret: a
    rotated key does not change it.
    """
    document = {
        "features": {name: feature.digest for name, feature in project.features.items()},
        "default": project.default.digest,
        "allow_models": project.allow_models,
        "providers": [_entry(project.providers[name]) for name in sorted(project.providers)],
        "body_limit": project.body_limit,
        "drain": project.drain,
    }
    return _sha256(document)


def file_digest(raw: bytes) -> str:
    """sha256 of a file's bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()


def _entry(provider: Provider) -> dict[str, object]:
    return {
        "name": provider.name,
        "kind": provider.kind,
        "vendor": provider.vendor,
        "base_url": provider.base_url,
        "connect_timeout": provider.connect_timeout,
        "own_ca": bool(provider.ca_file),
    }


def _sha256(document: object) -> str:
    return hashlib.sha256(msgspec.json.encode(document, enc_hook=plain, order="sorted")).hexdigest()
