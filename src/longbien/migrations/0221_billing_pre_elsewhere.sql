-- An account for what another system took before this ledger began: bills that are brought in as paid. Safe while old code runs.
INSERT INTO money_account (code, kind, subject, sign) VALUES ('elsewhere', 'asset', 'bill', 0);
