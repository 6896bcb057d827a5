"""What this house says of its authorization server: .well-known/smart-configuration (SMART 2.2 conformance) and
.well-known/openid-configuration (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from typing import Any

from .client import ALGORITHMS
from .keys import ALGORITHM
from .registry import AUTHS

CAPABILITIES = (
    "launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric",
    "client-confidential-asymmetric", "sso-openid-connect", "context-banner", "context-style", "context-ehr-patient",
    "context-ehr-encounter", "context-standalone-patient", "context-standalone-encounter", "permission-offline",
    "permission-online", "permission-patient",
    "permission-user", "permission-v1", "permission-v2",
)  # fmt: skip
SCOPES = ("openid", "fhirUser", "launch", "launch/patient", "launch/encounter", "online_access", "offline_access", "patient/*.rs",
          "user/*.cruds",
          "system/*.cruds")  # fmt: skip


def smart_configuration(issuer: str, registers: bool) -> dict[str, Any]:
    """issuer: https://host, without a slash at the end. registers: whether apps may register themselves."""
    said: dict[str, Any] = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/oauth/jwks",
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "management_endpoint": f"{issuer}/apps",
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(SCOPES),
        "token_endpoint_auth_methods_supported": list(AUTHS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": True,
        "authorization_response_iss_parameter_supported": True,
        "capabilities": list(CAPABILITIES),
    }
    if registers:
        said["registration_endpoint"] = f"{issuer}/oauth/register"
    return said


def openid_configuration(issuer: str, registers: bool) -> dict[str, Any]:
    said = smart_configuration(issuer, registers)
    return said | {
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser", "name"],
    }
