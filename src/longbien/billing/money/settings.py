"""What the money's rooms are told by the environment."""

from __future__ import annotations

from longbien.base.config import Settings, setting


class MoneySettings(Settings):
    secret: str = setting(
        "LONGBIEN_BANK_SECRET",
        "",
        "What signed bank notifications are signed with (HMAC-SHA256), 32 characters at least; best in a file. Empty: none.",
    )
    window: float = setting("LONGBIEN_BANK_WINDOW", 300.0, "Seconds that a notification's timestamp may differ from our clock.")
    sepay_key: str = setting("LONGBIEN_SEPAY_KEY", "", "API key that SePay's notifications carry; empty: none are taken.")
    poll_url: str = setting(
        "LONGBIEN_BANK_POLL_URL", "", "Where movements are asked for besides, in case a notification was lost; empty: nowhere."
    )
    poll_seconds: float = setting("LONGBIEN_BANK_POLL_SECONDS", 60.0, "Seconds between two questions there.")
    simulator: str = setting(
        "LONGBIEN_BANK_SIMULATOR",
        "",
        "Address of the bank simulator; the demo's payment pages then offer to pay there. Never set it where money is real.",
    )
    pay_link: str = setting(
        "LONGBIEN_PAY_LINK",
        "",
        "Link on patients' phones that opens their bank's app, with {bin}, {account}, {amount}, {reference}; there is no national "
        "standard for one. Empty: the code can be kept as a picture.",
    )


class EInvoiceSettings(Settings):
    url: str = setting(
        "LONGBIEN_EINVOICE_URL", "", "Where electronic invoices are handed in (unproven layout); empty: none are made."
    )
    token: str = setting("LONGBIEN_EINVOICE_TOKEN", "", "Token for the provider.")
    key: str = setting("LONGBIEN_EINVOICE_KEY", "", "Private key (PEM) that signs electronic invoices; best in a file.")
    certificate: str = setting("LONGBIEN_EINVOICE_CERTIFICATE", "", "Its certificate (PEM).")
    series: str = setting("LONGBIEN_EINVOICE_SERIES", "", "Series of the electronic invoices (KHHDon), such as C26TSN.")
    tax_code: str = setting("LONGBIEN_EINVOICE_TAX_CODE", "", "Tax code of the seller (MST).")
