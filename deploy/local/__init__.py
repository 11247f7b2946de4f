"""The local launcher: real engines from packages, the services, an issuer, and nothing left behind."""
