import ssl
from pathlib import Path

import pytest

from seawall.transport.tls import require_verification, trusting

from tests.support.raw_server import make_certificates


def test_the_own_context_verifies_and_speaks_nothing_old() -> None:
    context = trusting()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert require_verification(context) is context


def test_a_ca_file_is_believed_and_nobody_else(tmp_path: Path) -> None:
    context = trusting(str(make_certificates(tmp_path).ca))
    assert [dict(pair for names in each["subject"] for pair in names) for each in context.get_ca_certs()] == [
        {"commonName": "Test CA"}
    ]


def test_an_unusable_ca_file_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (str(tmp_path / "missing.pem"), str(empty)):
        with pytest.raises(ValueError, match="ca_file") as refusal:
            trusting(path)
        assert repr(path) in str(refusal.value)


def test_a_context_that_does_not_verify_is_refused() -> None:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    with pytest.raises(ValueError, match="check_hostname"):
        require_verification(careless)
    careless.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="CERT_REQUIRED"):
        require_verification(careless)
    old = ssl.create_default_context()
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.raises(ValueError, match="minimum_version"):
        require_verification(old)
