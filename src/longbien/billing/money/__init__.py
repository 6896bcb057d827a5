"""Money: the ledger, bills paid by QR, cash and card, what the bank says, shifts of the cashiers."""
