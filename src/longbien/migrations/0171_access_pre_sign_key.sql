-- Keys that id_tokens are signed with are sealed under a key that is not in the database (access/sealed.py): whoever copies the database
-- can sign nothing. A key that stands there in the clear signs until the next one is made (at once, by the new code), and its private
-- part goes then; its public one stays published for its day. Old code that runs beside the new cannot use a sealed key: for the minute
-- of the change it gives apps no id_token, and they ask again.
ALTER TABLE sign_key ALTER private DROP NOT NULL, ADD sealed bytea;
GRANT UPDATE (private) ON sign_key TO {app};
