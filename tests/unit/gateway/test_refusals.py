import json

from seawall.gateway import refusals
from seawall.gateway.refusals import Refusal, method_refused


def test_every_refusal_is_a_client_error_or_ours_in_the_openai_envelope():
    catalogue = [value for value in vars(refusals).values() if isinstance(value, Refusal)]
    assert len(catalogue) > 10
    for refused in catalogue:
        error = json.loads(refused.body)["error"]
        assert error["message"]
        assert error["code"]
        assert error["type"] == ("api_error" if refused.status >= 500 else "invalid_request_error")
        assert 400 <= refused.status < 600


def test_a_refused_method_is_told_the_others():
    refused = method_refused(frozenset((b"POST", b"GET")))
    assert (refused.status, refused.headers) == (405, b"allow: GET, POST\r\n")
