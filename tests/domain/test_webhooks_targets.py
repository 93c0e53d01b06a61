"""Which URLs a webhook may have: the forms in which people hide an address inside one."""

from ipaddress import ip_address

import pytest

from domain.refusals import Refused
from domain.webhooks.targets import is_allowed, parse_networks, read_target

REFUSED = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "//example.com/",
    "example.com/hook",
    "https://",
    "https:///hook",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://x.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://intranet/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:22/",
    "https://example.com:80/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://example.com/#fragment",
    "https://example.com\\@127.0.0.1/",
    "https://exa mple.com/",
    "https://example.com/\r\nHost: inside",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://127.0.0.1%2f@example.com/",
    "https://%31%32%37.0.0.1/",
    "https://exa_mple.com/",
    "https://-example.com/",
    "https://example..com/",
    "https://" + "a" * 64 + ".com/",
    "https://example.com/" + "a" * 2_000,
]
ACCEPTED = [
    "https://example.com",
    "https://example.com/hooks/wayfare?x=1",
    "https://EXAMPLE.com:8443/hooks",
    "https://xn--bcher-kva.example/",
    "https://93.184.215.14/",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
]
LOOPBACK = parse_networks("127.0.0.0/8, ::1/128")


@pytest.mark.parametrize("url", REFUSED)
def test_what_does_not_lead_to_a_public_host_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        read_target(url)
    assert refused.value.code == "INVALID_URL"


@pytest.mark.parametrize("url", ACCEPTED)
def test_public_hosts_are_accepted(url: str) -> None:
    assert read_target(url).scheme == "https"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/hook", "http://localhost:9000/hook", "http://[::1]:9000/"])
def test_the_loopback_is_reached_where_the_operator_allows_it(url: str) -> None:
    assert read_target(url, LOOPBACK).port == 9000
    with pytest.raises(Refused):
        read_target(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://example.com/", "https://10.0.0.1/", "http://127.1/"])
def test_allowing_the_loopback_allows_nothing_else(url: str) -> None:
    with pytest.raises(Refused):
        read_target(url, LOOPBACK)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::", "::8.8.8.8", "fec0::1"]
)
def test_addresses_that_may_lead_inside_are_not_connected_to(address: str) -> None:
    assert not is_allowed(ip_address(address))


def test_the_authority_names_the_port_unless_it_is_the_usual_one() -> None:
    assert read_target("https://example.com/a").authority == "example.com"
    assert read_target("https://example.com:8443/a").authority == "example.com:8443"
    assert read_target("http://[::1]:80/", LOOPBACK).authority == "[::1]"
