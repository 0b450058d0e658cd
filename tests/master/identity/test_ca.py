from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from master.identity.ca import (
    MAX_REQUEST_BYTES,
    Authority,
    alternative_names,
    pin_of,
    remaining_share,
)
from master.identity.user import User, netproxy_user, node_user
from pilothouse.objects.errors import BadRequest, Forbidden
from tests.master.identity.certificates import NOW, request_for

HOUR = timedelta(hours=1)
N1 = node_user("n1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("test", NOW)


def test_signed_certificate_proves_the_user_to_clients_only(authority: Authority) -> None:
    request, _ = request_for(N1)
    certificate = x509.load_pem_x509_certificate(authority.sign(request, N1, HOUR, NOW))
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pem))
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not constraints.ca
    assert certificate.not_valid_after_utc == NOW + HOUR
    assert certificate.subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(node_user("n2"), id="another node"),
        pytest.param(netproxy_user("n1"), id="the netproxy"),
        pytest.param(User("system:node:n1", ("system:nodes", "system:masters")), id="more groups"),
        pytest.param(User("system:node:n1", ("system:masters",)), id="another group"),
        pytest.param(User("admin", ("system:masters",)), id="the administrator"),
        pytest.param(User("system:node:n1", ()), id="no group"),
    ],
)
def test_request_for_another_subject_is_refused(authority: Authority, asked: User) -> None:
    request, _ = request_for(asked)
    with pytest.raises(Forbidden, match="subject"):
        authority.sign(request, N1, HOUR, NOW)


@pytest.mark.parametrize(
    "request_pem",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\x00 nonsense", id="no PEM"),
        pytest.param(b"x" * (MAX_REQUEST_BYTES + 1), id="too large"),
        pytest.param(
            request_for(N1, ec.generate_private_key(ec.SECP192R1()))[0], id="short EC key"
        ),
        pytest.param(request_for(N1, rsa.generate_private_key(65537, 1024))[0], id="short RSA key"),
    ],
)
def test_bad_request_is_refused(authority: Authority, request_pem: bytes) -> None:
    with pytest.raises(BadRequest, match="csr"):
        authority.sign(request_pem, N1, HOUR, NOW)


def test_request_signed_by_another_key_is_refused(authority: Authority) -> None:
    mine = x509.load_pem_x509_csr(request_for(N1)[0]).public_bytes(serialization.Encoding.DER)
    forged = bytearray(mine)
    forged[-1] ^= 1
    body = x509.load_der_x509_csr(bytes(forged)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(BadRequest, match="csr"):
        authority.sign(body, N1, HOUR, NOW)


def test_server_certificate_has_names_and_addresses(authority: Authority) -> None:
    server = authority.issue_server(["localhost", "127.0.0.1", "::1"], HOUR, NOW)
    assert alternative_names(server.certificate) == {"localhost", "127.0.0.1", "::1"}


def test_authority_survives_storing(authority: Authority) -> None:
    again = Authority.load(authority.credential)
    assert again.pin == authority.pin == pin_of(authority.pem)
    assert authority.pin.startswith("sha256:")
    assert len(authority.pin) == len("sha256:") + 64


def test_authority_refuses_a_key_that_is_not_its_own(authority: Authority) -> None:
    other = Authority.create("other", NOW).credential
    from master.identity.ca import Credential

    with pytest.raises(ValueError, match="does not belong"):
        Authority.load(Credential(authority.pem, other.key))


def test_remaining_share_falls_from_one_to_zero(authority: Authority) -> None:
    certificate = authority.issue_client(N1, HOUR, NOW).certificate
    assert remaining_share(certificate, NOW + HOUR) == 0
    assert 0.4 < remaining_share(certificate, NOW + HOUR / 2) < 0.6
