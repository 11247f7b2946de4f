"""Notify owns templates, subscriptions, messages and attempts: it tells people and systems what happened, once."""
