"""The settings of the reception."""

from __future__ import annotations

from longbien.base.config import Settings, setting


class ReceptionSettings(Settings):
    channels: str = setting(
        "LONGBIEN_REMINDERS",
        "",
        "Ways to remind of appointments, comma between, tried in this order: zalo, sms, email. Empty: nobody is reminded.",
    )
    remind_hours: float = setting("LONGBIEN_REMINDER_HOURS", 24.0, "Hours before an appointment at which it is reminded of.")
    smtp_host: str = setting("LONGBIEN_SMTP_HOST", "", "Mail server that takes reminders.")
    smtp_port: int = setting("LONGBIEN_SMTP_PORT", 587, "Its port.")
    smtp_tls: str = setting("LONGBIEN_SMTP_TLS", "starttls", "How the way there is sealed: starttls, tls or none.")
    smtp_user: str = setting("LONGBIEN_SMTP_USER", "", "Name to sign in there with; empty: without.")
    smtp_password: str = setting("LONGBIEN_SMTP_PASSWORD", "", "Its password.")
    smtp_from: str = setting("LONGBIEN_SMTP_FROM", "", "Address that reminders come from.")
    sms_url: str = setting(
        "LONGBIEN_SMS_URL",
        "https://rest.esms.vn/MainService.svc/json/SendMultipleMessage_V4_post_json/",
        "Where text messages are handed in (the protocol of eSMS, customer care messages).",
    )
    sms_key: str = setting("LONGBIEN_SMS_KEY", "", "ApiKey there.")
    sms_secret: str = setting("LONGBIEN_SMS_SECRET", "", "SecretKey there.")
    sms_brand: str = setting("LONGBIEN_SMS_BRAND", "", "Brandname that the message shows.")
    zalo_url: str = setting(
        "LONGBIEN_ZALO_URL", "https://business.openapi.zalo.me/message/template", "Where Zalo notifications (ZNS) are handed in."
    )
    zalo_token: str = setting("LONGBIEN_ZALO_TOKEN", "", "Access token of the official account.")
    zalo_template: str = setting(
        "LONGBIEN_ZALO_TEMPLATE", "", "Id of the template; it is given facility, date, time and room, nothing else."
    )
