"""Broken and unusual certificate signing requests, API services and events."""

from __future__ import annotations

from typing import Any

from tests.master.admission.corpus.case import (
    DUPLICATE,
    FORBIDDEN,
    INVALID,
    REQUIRED,
    TOO_LONG,
    UNSUPPORTED,
    Broken,
    BrokenUpdate,
)
from tests.master.admission.requests import certificate, signing_request

CSR = "CertificateSigningRequest"
SIGNER = "spec.signer_name"
FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
LONG = ".".join(["a" * 63] * 4)
TOLD = {
    "event_time.seconds": 1,
    "reporting_component": "example.com/watcher",
    "reporting_instance": "watcher-1",
    "action": "Watching",
    "reason": "Seen",
}
APPROVED = {"type": "Approved", "status": "True"}
DENIED = {"type": "Denied", "status": "True"}
FAILED = {"type": "Failed", "status": "True"}


def signer(name: str, text: str, says: str) -> Broken:
    return Broken(name, CSR, {SIGNER: text}, "spec.signerName", INVALID, says)


def garbled(text: bytes) -> bytes:
    """The same with another signature."""
    lines = text.splitlines()
    lines[-2] = (b"B" if lines[-2][:1] == b"A" else b"A") + lines[-2][1:]
    return b"\n".join(lines)


def service(name: str, changes: dict[str, Any], field: str, says: str = "") -> Broken:
    return Broken(name, "APIService", changes, field, INVALID, says)


def told(name: str, changes: dict[str, Any], field: str, reason: str, says: str = "") -> Broken:
    return Broken(name, "Event", {**TOLD, **changes}, field, reason, says)


REQUESTS = [
    Broken("no PEM", CSR, {"spec.request": b"jo"}, "spec.request", INVALID,
           "PEM block type must be CERTIFICATE REQUEST"),
    Broken("a certificate", CSR, {"spec.request": certificate()}, "spec.request", INVALID,
           "PEM block type must be CERTIFICATE REQUEST"),
    Broken("no request inside", CSR,
           {"spec.request": b"-----BEGIN CERTIFICATE REQUEST-----\nYQ==\n"
                            b"-----END CERTIFICATE REQUEST-----\n"}, "spec.request", INVALID),
    Broken("signature", CSR, {"spec.request": garbled(signing_request())}, "spec.request", INVALID),
    Broken("administrators", CSR,
           {"spec.request": signing_request("system:masters"),
            SIGNER: "kubernetes.io/kube-apiserver-client"},
           "spec.request", FORBIDDEN, "signer with system:masters group is not allowed"),
    Broken("no usages", CSR, {"spec.usages": []}, "spec.usages", REQUIRED),
    Broken("usage", CSR, {"spec.usages": ["fun"]}, "spec.usages[0]", UNSUPPORTED,
           '"client auth", "code signing"'),
    Broken("usage twice", CSR, {"spec.usages": ["any", "any"]}, "spec.usages[1]", DUPLICATE),
    Broken("no signer", CSR, {SIGNER: ""}, "spec.signerName", REQUIRED),
    signer("legacy signer", "kubernetes.io/legacy-unknown",
           "the legacy signerName is not allowed via this API version"),
    signer("signer without path", "example.com", FORM),
    signer("signer with two paths", "example.com/a/b", FORM),
    signer("signer in one label", "example/a",
           "should be a domain with at least two segments separated by dots"),
    signer("signer's domain", "exa_mple.com/a", 'validating label "exa_mple": a lowercase'),
    signer("signer's path", "example.com/a_b", 'validating label "a_b": a lowercase'),
    Broken("long domain", CSR, {SIGNER: f"{LONG}/a"}, "spec.signerName", TOO_LONG, "253"),
    Broken("soon over", CSR, {"spec.expiration_seconds": 599}, "spec.expirationSeconds", INVALID,
           "may not specify a duration less than 600 seconds (10 minutes)"),
]  # fmt: skip
SERVICES = [
    service("name", {"metadata.name": "v1.other"}, "metadata.name",
            'must be `spec.version+"."+spec.group`: "v1.example.com"'),
    Broken("no group", "APIService", {"spec.group": "", "spec.version": "v2",
                                      "metadata.name": "v2."}, "spec.group", REQUIRED,
           "only v1 may have an empty group and it better be legacy kube"),
    service("group", {"spec.group": "a_b", "metadata.name": "v1.a_b"}, "spec.group"),
    service("version", {"spec.version": "1", "metadata.name": "1.example.com"}, "spec.version"),
    service("group's priority", {"spec.group_priority_minimum": 20_001},
            "spec.groupPriorityMinimum", "must be positive and less than 20000"),
    service("version's priority", {"spec.version_priority": 0}, "spec.versionPriority",
            "must be positive and less than 1000"),
    service("local with certificate", {"spec.service": None, "spec.ca_bundle": b"x"},
            "spec.caBundle", "local APIServices may not have a caBundle"),
    service("local without check", {"spec.service": None, "spec.insecure_skip_tls_verify": True},
            "spec.insecureSkipTLSVerify",
            "local APIServices may not have insecureSkipTLSVerify"),
    service("both", {"spec.ca_bundle": b"x", "spec.insecure_skip_tls_verify": True},
            "spec.insecureSkipTLSVerify", "may not be true if caBundle is present"),
    Broken("no namespace", "APIService", {"spec.service.namespace": ""}, "spec.service.namespace",
           REQUIRED),
    Broken("no service", "APIService", {"spec.service.name": ""}, "spec.service.name", REQUIRED),
    service("port", {"spec.service.port": 0}, "spec.service.port", "port is not valid: "),
]  # fmt: skip
EVENTS = [
    told("nobody", {"reporting_component": ""}, "reportingComponent", REQUIRED),
    told("who", {"reporting_component": "a b"}, "reportingComponent", INVALID),
    told("instance", {"reporting_instance": "x" * 129}, "reportingInstance", INVALID,
         "can have at most 128 characters"),
    told("no action", {"action": ""}, "action", REQUIRED),
    told("no reason", {"reason": ""}, "reason", REQUIRED),
    told("much to say", {"message": "x" * 1025}, "message", INVALID,
         "can have at most 1024 characters"),
    told("about nothing here", {"involved_object": {"kind": "Node"}, "metadata.namespace": "a"},
         "involvedObject.namespace", INVALID, "does not match event.namespace"),
]  # fmt: skip
CASES = [*REQUESTS, *SERVICES, *EVENTS]


def judged(
    name: str,
    before: list[dict[str, str]],
    after: list[dict[str, str]],
    field: str,
    reason: str,
    says: str = "",
) -> BrokenUpdate:
    """By the subresource "approval"."""
    return BrokenUpdate(
        name,
        CSR,
        {"status": {"conditions": before}},
        {"status": {"conditions": after}},
        field,
        reason,
        says,
        "approval",
    )


def issued(name: str, before: bytes, after: bytes, reason: str, says: str) -> BrokenUpdate:
    """By the subresource "status"."""
    return BrokenUpdate(
        name,
        CSR,
        {"status": {"certificate": before}},
        {"status": {"certificate": after}},
        "status.certificate",
        reason,
        says,
        "status",
    )


UPDATES = [
    judged("no longer approved", [APPROVED], [], "status.conditions", FORBIDDEN,
           'updates may not remove a condition of type "Approved"'),
    BrokenUpdate("no longer failed", CSR, {"status": {"conditions": [FAILED]}}, {},
                 "status.conditions", FORBIDDEN, 'of type "Failed"', subresource="status"),
    judged("approved and denied", [], [APPROVED, DENIED], "status.conditions[1].type", INVALID,
           "Approved and Denied conditions are mutually exclusive"),
    judged("denied after approval", [APPROVED], [APPROVED, DENIED], "status.conditions[1].type",
           INVALID),
    judged("not approved", [], [{"type": "Approved", "status": "False"}],
           "status.conditions[0].status", UNSUPPORTED, 'supported values: "True"'),
    judged("approved somehow", [], [{"type": "Approved"}], "status.conditions[0].status",
           REQUIRED),
    judged("approved twice", [], [APPROVED, APPROVED], "status.conditions[1].type", DUPLICATE),
    BrokenUpdate("condition", CSR, {}, {"status": {"conditions": [{"type": "", "status": "No"}]}},
                 "status.conditions[0].status", UNSUPPORTED, '"False", "True", "Unknown"',
                 subresource="status"),
    issued("another certificate", certificate(), certificate() + certificate(), FORBIDDEN,
           "updates may not modify existing certificate content"),
    issued("no certificate", b"", b"jo", INVALID,
           "must contain at least one CERTIFICATE PEM block"),
    issued("a request", b"", signing_request(), INVALID,
           'only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"'),
    issued("headers", b"", b"-----BEGIN CERTIFICATE-----\nA: b\n\nYQ==\n-----END CERTIFICATE-----",
           INVALID, "no PEM block headers are permitted"),
    issued("no certificate inside", b"",
           b"-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----", INVALID, ""),
    BrokenUpdate("port", "APIService", {}, {"spec.service.port": -1}, "spec.service.port",
                 INVALID),
    BrokenUpdate("condition", "APIService", {},
                 {"status": {"conditions": [{"type": "Available", "status": "Maybe"}]}},
                 "status.conditions[0].status", UNSUPPORTED, subresource="status"),
]  # fmt: skip
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "request of any name": (CSR, {"metadata.name": "Node:n1_x"}),
    "request with text around it": (
        CSR,
        {"spec.request": b"of jo\n" + signing_request() + b"\n", "spec.expiration_seconds": 600},
    ),
    "administrators of others": (CSR, {"spec.request": signing_request("system:masters")}),
    "local API": ("APIService", {"spec.service": None}),
    "legacy API": (
        "APIService",
        {"metadata.name": "v1.", "spec.group": "", "spec.service": None},
    ),
    "event told in the newer way": ("Event", TOLD),
}
VALID_UPDATES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "another service": ("APIService", {}, {"spec.service.name": "new"}),
}
