"""What an adapter counts, for ``/metrics``."""

from prometheus_client import Counter, Gauge

DELIVERIES = Counter("lienthong_adapter_deliveries_total", "Deliveries tried, by answer", ["system", "answer"])
CALLBACKS = Counter("lienthong_adapter_callbacks_total", "Callbacks heard, by verdict", ["system", "verdict"])
LOOKS = Counter("lienthong_adapter_looks_total", "Looks at dossiers, by what was seen", ["system", "seen"])
BREAKER = Gauge("lienthong_adapter_breaker", "0 closed, 1 trying one at a time, 2 pausing", ["system"])
