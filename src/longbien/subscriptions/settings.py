"""The settings of subscriptions."""

from __future__ import annotations

from longbien.base.config import Settings, setting


class SubscriptionSettings(Settings):
    seconds: float = setting("LONGBIEN_SUBSCRIPTION_SECONDS", 10.0, "Seconds that a subscriber may take to answer a notification.")
    tries: int = setting(
        "LONGBIEN_SUBSCRIPTION_TRIES", 20, "Times that one notification is tried before it goes to the dead letters."
    )
    hours: float = setting("LONGBIEN_SUBSCRIPTION_HOURS", 72.0, "Hours after which a notification that was not taken is dead.")
    first_wait: float = setting(
        "LONGBIEN_SUBSCRIPTION_FIRST_WAIT", 1.0, "Seconds to wait after a first failed notification; doubles with each further one."
    )
    longest_wait: float = setting("LONGBIEN_SUBSCRIPTION_LONGEST_WAIT", 900.0, "Seconds to wait at most between two tries.")
    keep_days: float = setting(
        "LONGBIEN_SUBSCRIPTION_KEEP_DAYS", 14.0, "Days that past events can be asked for ($events, Last-Event-ID, dead letters)."
    )
    most: int = setting("LONGBIEN_SUBSCRIPTIONS_MOST", 2000, "Subscriptions that may be on at the same time.")
    connections: int = setting(
        "LONGBIEN_SUBSCRIPTION_CONNECTIONS", 500, "Open connections (websockets, server-sent events) that one web process keeps."
    )
