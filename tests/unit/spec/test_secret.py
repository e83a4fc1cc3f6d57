import copy
import pickle

import msgspec
import pytest

from seawall.spec.secret import Secret


def test_a_secret_is_given_only_when_asked_for():
    secret = Secret("sk-1", "${KEY}")
    shown = f"{secret} {secret!r} {secret:>40} %s" % secret
    assert "sk-1" not in shown
    assert "${KEY}" in shown
    assert secret.reveal() == "sk-1"


def test_a_secret_cannot_be_encoded_pickled_or_copied():
    for leave in (msgspec.json.encode, msgspec.to_builtins, pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leave(Secret("sk-1"))
