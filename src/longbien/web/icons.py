"""Own 16-unit line icons, inline, in the colour of the text. Beside a word, or with a label."""

from __future__ import annotations

from markupsafe import Markup

ICONS = {
    "alert": '<path d="M8 2 1.8 13.5h12.4zM8 6.5v3M8 11.5v.1"/>',
    "bed": ('<path d="M1.5 3v10M1.5 10.5h13V13M14.5 10.5V8a1.5 1.5 0 0 0-1.5-1.5H6.5v4"/><circle cx="4" cy="8" r="1.3"/>'),
    "bell": '<path d="M3.5 11.5V7a4.5 4.5 0 0 1 9 0v4.5l1 1h-11zM6.5 14h3"/>',
    "calendar": '<rect x="2" y="3" width="12" height="11" rx="1"/><path d="M2 6.5h12M5 1.5v3M11 1.5v3"/>',
    "card": (
        '<rect x="1.5" y="3" width="13" height="10" rx="1.2"/><circle cx="5.2" cy="7.2" r="1.5"/><path d='
        '"M3 11c.4-1.3 1.2-1.7 2.2-1.7s1.8.4 2.2 1.7M9.5 6.5h3M9.5 9h3"/>'
    ),
    "check": '<path d="m3 8.5 3.2 3.2L13 4.8"/>',
    "clock": '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.5 1.5"/>',
    "cross": '<path d="m4 4 8 8M12 4l-8 8"/>',
    "down": '<path d="m3.5 6 4.5 4.5L12.5 6"/>',
    "drop": '<path d="M8 2s4.5 4.8 4.5 7.8a4.5 4.5 0 0 1-9 0C3.5 6.8 8 2 8 2z"/>',
    "eye": ('<path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="2"/>'),
    "face": (
        '<path d="M2 5V3a1 1 0 0 1 1-1h2M11 2h2a1 1 0 0 1 1 1v2M14 11v2a1 1 0 0 1-1 1h-2M5 14H3a1 1 0 0 1'
        '-1-1v-2"/><path d="M5.8 6v.8M10.2 6v.8M8 6v2.5h-.8M5.8 10.5c1.3 1.1 3.1 1.1 4.4 0"/>'
    ),
    "flask": '<path d="M6 2h4M6.7 2v4L3 13a1 1 0 0 0 .9 1.5h8.2A1 1 0 0 0 13 13L9.3 6V2M4.7 10h6.6"/>',
    "heart": '<path d="M8 13.5S2 10 2 6a3 3 0 0 1 6-.8A3 3 0 0 1 14 6c0 4-6 7.5-6 7.5z"/>',
    "help": '<circle cx="8" cy="8" r="6.2"/><path d="M6 6.2a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1.1M8 11.4v.1"/>',
    "home": '<path d="M2 7.5 8 2.5l6 5V14h-4v-4H6v4H2z"/>',
    "image": (
        '<rect x="2" y="2.5" width="12" height="11" rx="1"/><circle cx="5.5" cy="6" r="1.2"/><path d="m2.'
        '5 12 3.5-3.5 2.5 2.5 2-2 3 3"/>'
    ),
    "key": '<circle cx="5" cy="8" r="3"/><path d="M8 8h6.5M12 8v2.5M14 8v1.5"/>',
    "left": '<path d="m10 3-5 5 5 5"/>',
    "lock": '<rect x="3.5" y="7" width="9" height="7" rx="1"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>',
    "menu": '<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>',
    "note": '<path d="M3.5 2h6l3 3v9h-9zM9.5 2v3h3M5.5 8h5M5.5 10.5h5"/>',
    "okc": '<circle cx="8" cy="8" r="6.2"/><path d="m5.2 8.2 2 2 3.6-4"/>',
    "pay": (
        '<rect x="2" y="2" width="5" height="5"/><rect x="9" y="2" width="5" height="5"/><rect x="2" y="9'
        '" width="5" height="5"/><path d="M9 9h2v2M14 9v2M9 14h2M13.5 13.5v.5"/>'
    ),
    "phone": ('<path d="M3 2.5h3l1 3-1.5 1.2a8 8 0 0 0 3.8 3.8L10.5 9l3 1v3a1 1 0 0 1-1 1C7 14 2 9 2 3.5a1 1 0 0 1 1-1z"/>'),
    "pill": ('<rect x="1.8" y="5.2" width="12.4" height="5.6" rx="2.8" transform="rotate(-40 8 8)"/><path d="m6.2 6.2 3.6 3.6"/>'),
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "print": '<path d="M4 6V2h8v4M4 12H2V6h12v6h-2M4 9.5h8V14H4z"/>',
    "qc": '<path d="M2 8h2l2-5 3 10 2-5h3"/>',
    "right": '<path d="m6 3 5 5-5 5"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>',
    "swap": '<path d="M2 5.5h11L10 2.5M14 10.5H3l3 3"/>',
    "user": '<circle cx="8" cy="5" r="3"/><path d="M2.5 14c.5-3.2 2.8-4.5 5.5-4.5s5 1.3 5.5 4.5"/>',
    "video": '<rect x="1.5" y="4" width="9" height="8" rx="1"/><path d="m10.5 7 4-2v6l-4-2z"/>',
}

BRIDGE = Markup(
    '<svg viewBox="0 0 38 22" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" aria-hidden="true">'
    '<path d="M1 19h36M3 19 11 5l8 14 8-14 8 14M11 5h16"/></svg>'
)


def icon(name: str, label: str | None = None, cls: str = "") -> Markup:
    """An icon; with a label it is an image of that name, without it is decoration. Raises KeyError for an unknown one."""
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="i {}" viewBox="0 0 16 16" {}>{}</svg>').format(cls, said, Markup(ICONS[name]))  # noqa: S704 - our own drawings
