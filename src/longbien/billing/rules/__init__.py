"""Rules of the insurance asked before an order is signed, and again over a closed visit."""
