"""The patient's own door: pages for a phone, in large plain words, for people of seventy."""
