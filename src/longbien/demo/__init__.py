"""The demo city: invented people in invented hospitals, for trying, teaching and measuring. city.fill writes it into the record."""
