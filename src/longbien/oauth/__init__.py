"""The addresses of OAuth that machines call: token, introspection, revocation, keys, registration, discovery. A face beside rest
and web; what is decided is decided in access.apps."""
