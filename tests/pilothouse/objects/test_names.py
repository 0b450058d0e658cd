from collections.abc import Callable

import pytest

from pilothouse.objects import names

VALID: list[tuple[Callable[[str], list[str]], list[str]]] = [
    (names.dns1123_label, ["a", "1", "my-name", "123-abc", "a" * 63]),
    (names.dns1123_subdomain, ["a", "example.com", "a.1.b-c", "a" * 253]),
    (names.wildcard_subdomain, ["*.a", "*.example.com"]),
    (names.dns1035_label, ["a", "my-name", "abc-123"]),
    (names.label_value, ["", "MyValue", "my_value", "12345", "a.b"]),
    (names.qualified_name, ["MyName", "my.name", "example.com/x", "a/b"]),
    (names.env_var_name, ["A", "my.env-name", "1", "a b", "-"]),
    (names.config_key, ["key.name", "KEY-NAME", ".dot"]),
    (names.port_name, ["http", "a", "8-a", "a" * 15]),
    (names.http_header_name, ["X-Header", "a"]),
    (names.percent, ["0%", "25%", "100%"]),
    (names.path_segment, ["a", "..."]),
]
INVALID: list[tuple[Callable[[str], list[str]], list[str]]] = [
    (names.dns1123_label, ["", "A", "-a", "a-", "a.b", "a_b", "a" * 64, "é", "a\n"]),
    (names.dns1123_subdomain, ["", ".", "a..b", "A", "a.", "a" * 254, "a\n"]),
    (names.wildcard_subdomain, ["", "*", "*.", "a.*", "a.b", "*a.b", "*.A", "*.*.a"]),
    (names.dns1035_label, ["", "1a", "a.b"]),
    (names.label_value, ["-", "a b", "é", "a" * 64, "a\n"]),
    (names.qualified_name, ["", "/", "a/", "/a", "a/b/c", "A.com/b", "a" * 64]),
    (names.env_var_name, ["", "A=B", "é", "a\n"]),
    (names.config_key, ["", ".", "..", "..a", "a/b", "a" * 254]),
    (names.port_name, ["", "1", "a--b", "-a", "a-", "A", "a" * 16]),
    (names.http_header_name, ["", "a b"]),
    (names.percent, ["", "%", "1", "-1%", "1.5%"]),
    (names.path_segment, [".", "..", "a/b", "a%b"]),
]


@pytest.mark.parametrize(("check", "text"), [(c, text) for c, texts in VALID for text in texts])
def test_valid(check: Callable[[str], list[str]], text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize(("check", "text"), [(c, text) for c, texts in INVALID for text in texts])
def test_invalid(check: Callable[[str], list[str]], text: str) -> None:
    assert check(text)


def test_reasons_are_worded_as_kubernetes_words_them() -> None:
    assert names.dns1123_label("A") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and"
        " must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex"
        " used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    ]
    assert names.label_value("a" * 64) == ["must be no more than 63 bytes"]
    assert names.qualified_name("/a") == ["prefix part must be non-empty"]
    assert names.port_number(0) == ["must be between 1 and 65535, inclusive"]


def test_a_prefix_for_generated_names_may_end_in_a_hyphen() -> None:
    assert names.generated(names.dns1123_subdomain, "web-") == []
    assert names.generated(names.dns1123_subdomain, "Web-")
