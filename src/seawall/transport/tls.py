"""Whom to believe. There is no way to switch verification off."""

import ssl


def trusting(ca_file: str | None = None) -> ssl.SSLContext:
    """A context that verifies certificate and host name, TLS 1.2 or newer.

    It believes the system's authorities or, when *ca_file* (PEM) is given, only those in that file.
    Raises `ValueError` when the file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"ca_file {ca_file!r} cannot be used: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def require_verification(context: ssl.SSLContext) -> ssl.SSLContext:
    """Give *context* back if it verifies certificate and host name, TLS 1.2 or newer; else `ValueError`."""
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ValueError("ssl_context must verify certificate and host name (CERT_REQUIRED, check_hostname)")
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise ValueError(f"ssl_context allows {context.minimum_version.name}; set minimum_version to TLSv1_2")
    return context
