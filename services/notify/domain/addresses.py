"""Where webhooks may go."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import IllegalTransition, Malformed, Text


class UnsafeUrl(Malformed):
    """The address is not one this service calls."""

    code = "unsafe_url"
    title = Text("Địa chỉ webhook không được phép", "This webhook address is not allowed")


class SubscriptionEnded(IllegalTransition):
    """The subscription was deleted, or its receiver said 410."""

    code = "subscription_ended"
    title = Text("Đăng ký nhận tin đã kết thúc", "The subscription has ended")


@dataclass(frozen=True)
class AddressRule:
    """Where webhooks may go: in local mode the loopback address, else https to public addresses.

    *trusted_hosts* are the exceptions of an operator: names inside the government's network.
    """

    is_local: bool
    trusted_hosts: frozenset[str] = frozenset()

    def check_url(self, url: str) -> str:
        """Return the host of *url*; UnsafeUrl if it can be refused without looking its name up."""
        host = _host(url)
        scheme = urlsplit(url).scheme
        if not (scheme == "https" or (scheme == "http" and (self.is_local or host in self.trusted_hosts))):
            raise UnsafeUrl(Text("Chỉ chấp nhận https", "only https is accepted"))
        literal = _literal(host)
        if literal is not None:
            self.check_address(host, literal)
        elif self.is_local and host not in {"localhost", *self.trusted_hosts}:
            raise UnsafeUrl(Text("Chế độ cục bộ chỉ gọi địa chỉ loopback", "local mode only calls loopback"))
        return host

    def check_address(self, host: str, address: str) -> None:
        """Refuse what a name was found to stand for: anything inside, or in local mode anything outside."""
        if host in self.trusted_hosts:
            return
        found = ipaddress.ip_address(address)
        found = getattr(found, "ipv4_mapped", None) or found
        if self.is_local != found.is_loopback or (not self.is_local and (not found.is_global or found.is_multicast)):
            raise UnsafeUrl(Text("Địa chỉ nội bộ không được phép", "the address is not a public one"))


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        is_plain = url.isascii() and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        host, is_plain = "", False
    if not host or not is_plain:
        raise UnsafeUrl(Text("URL không hợp lệ", "not a URL this service calls"))
    return host


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
