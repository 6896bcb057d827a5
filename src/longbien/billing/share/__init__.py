"""Who pays what: the insurer's share by dated parameters. Pure."""
