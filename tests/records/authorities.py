"""A certificate authority of its own with everything around it, on this machine: an OCSP responder, a revocation list, a time stamp
service, a signing service that speaks the CSC API (v2.0.0.2: credentials/info, credentials/authorize, signatures/signHash)."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import uvicorn
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from longbien.base import clock

DER = serialization.Encoding.DER


class Authority:
    """ocsp, crl: whether it answers there. revoked: serial numbers. log: what was asked."""

    def __init__(self) -> None:
        self.now = clock.now()
        self.key = rsa.generate_private_key(65537, 2048)
        self.address = ""
        self.ocsp = self.crl = True
        self.revoked: set[int] = set()
        self.log: list[str] = []
        self.pin, self.token = "1234", "access-token"
        name = self.name("Test Root CA")
        self.root = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key()).serial_number(1)
            .not_valid_before(self.now - timedelta(days=400)).not_valid_after(self.now + timedelta(days=7000))
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256())
        )  # fmt: skip

        self.answers = self.responder()

    def name(self, common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.COMMON_NAME, common)])

    def issue(self, common: str, *, stamps: bool = False, days: int = 20) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        key = rsa.generate_private_key(65537, 2048)
        where = [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"{self.address}/ocsp"))]
        listed = [x509.DistributionPoint([x509.UniformResourceIdentifier(f"{self.address}/crl")], None, None, None)]
        built = (
            x509.CertificateBuilder().subject_name(self.name(common)).issuer_name(self.root.subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(self.now - timedelta(days=30))
            .not_valid_after(self.now + timedelta(days=days)).add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.AuthorityInformationAccess(where), False)
            .add_extension(x509.CRLDistributionPoints(listed), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        )  # fmt: skip
        if not stamps:
            built = built.add_extension(x509.KeyUsage(True, True, False, False, False, False, False, False, False), True)
        if stamps:
            built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
        return key, built.sign(self.key, hashes.SHA256())

    def responder(self) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        """Who answers for the authority (RFC 6960, 4.2.2.2): a certificate of its own, which nobody is asked about."""
        key = rsa.generate_private_key(65537, 2048)
        built = (
            x509.CertificateBuilder().subject_name(self.name("Test OCSP")).issuer_name(self.root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(self.now - timedelta(days=399))
            .not_valid_after(self.now + timedelta(days=3000)).add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
            .add_extension(x509.OCSPNoCheck(), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        )  # fmt: skip
        return key, built.sign(self.key, hashes.SHA256())

    def p12(self, common: str, password: str = "mk", **more: Any) -> tuple[bytes, x509.Certificate]:
        key, certificate = self.issue(common, **more)
        sealed = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(b"k", key, certificate, [self.root], sealed), certificate

    def pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    # ---- its services ----

    async def answer(self, request: Request) -> Response:
        self.log.append("ocsp")
        if not self.ocsp:
            return Response(status_code=503)
        asked = ocsp.load_der_ocsp_request(await request.body())
        bad = asked.serial_number in self.revoked
        built = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash, asked.issuer_key_hash, asked.serial_number, asked.hash_algorithm,
                ocsp.OCSPCertStatus.REVOKED if bad else ocsp.OCSPCertStatus.GOOD, clock.now() - timedelta(minutes=1),
                clock.now() + timedelta(hours=1), self.now - timedelta(hours=1) if bad else None, None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.answers[1]).certificates([self.answers[1]])
            .sign(self.answers[0], hashes.SHA256())
        )  # fmt: skip
        return Response(built.public_bytes(DER), media_type="application/ocsp-response")

    async def listed(self, request: Request) -> Response:
        self.log.append("crl")
        if not self.crl:
            return Response(status_code=503)
        built = (
            x509.CertificateRevocationListBuilder().issuer_name(self.root.subject).last_update(clock.now() - timedelta(minutes=1))
            .next_update(clock.now() + timedelta(hours=1))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        )  # fmt: skip
        for serial in self.revoked:
            at = self.now - timedelta(hours=1)
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            built = built.add_revoked_certificate(one)
        return Response(built.sign(self.key, hashes.SHA256()).public_bytes(DER), media_type="application/pkix-crl")

    async def stamp(self, request: Request) -> Response:
        self.log.append("tsa")
        key, certificate = self.tsa
        registry = SimpleCertificateStore()
        registry.register(asn1_x509.Certificate.load(self.root.public_bytes(DER)))
        pkcs8 = key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        made = DummyTimeStamper(
            asn1_x509.Certificate.load(certificate.public_bytes(DER)), asn1_keys.PrivateKeyInfo.load(pkcs8),
            certs_to_embed=registry, fixed_dt=clock.now(),
        )  # fmt: skip
        said = made.request_tsa_response(tsp.TimeStampReq.load(await request.body()))
        return Response(said.dump(), media_type="application/timestamp-reply")

    async def csc(self, request: Request) -> Response:
        """CSC API v2: clauses 11.5, 11.6, 11.10."""
        given, method = await request.json(), request.url.path.partition("/csc/v2/")[2]
        self.log.append(method)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "invalid_token", "error_description": "The token does not hold"}, 401)
        if given.get("credentialID") != "minh":
            return JSONResponse({"error": "invalid_request", "error_description": "Invalid parameter credentialID"}, 400)
        key, certificate = self.held
        if method == "credentials/info":
            chain = [base64.b64encode(c.public_bytes(DER)).decode() for c in (certificate, self.root)]
            return JSONResponse({"key": {"status": "enabled", "algo": ["1.2.840.113549.1.1.11"], "len": 2048},
                                 "cert": {"status": "valid", "certificates": chain}, "multisign": 1, "SCAL": "2"})  # fmt: skip
        if method == "credentials/authorize":
            if {"id": "PIN", "value": self.pin} not in given.get("authData", []):
                return JSONResponse({"error": "invalid_pin", "error_description": "The PIN is not right"}, 400)
            self.allowed = given["hashes"]
            return JSONResponse({"SAD": "sad-1", "expiresIn": 60})
        if given.get("SAD") != "sad-1" or given["hashes"] != self.allowed:
            return JSONResponse({"error": "invalid_request", "error_description": "The SAD does not allow this hash"}, 400)
        digest = base64.b64decode(given["hashes"][0])
        signed = key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        return JSONResponse({"signatures": [base64.b64encode(signed).decode()]})


@contextlib.contextmanager
def running() -> Iterator[Authority]:
    """An authority whose services answer on 127.0.0.1."""
    made = Authority()
    routes = [
        Route("/ocsp", made.answer, methods=["POST"]), Route("/crl", made.listed), Route("/tsa", made.stamp, methods=["POST"]),
        Route("/csc/v2/{method:path}", made.csc, methods=["POST"]),
    ]  # fmt: skip
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    made.address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    made.tsa, made.held = made.issue("Test TSA", stamps=True), made.issue("BS. Lê Hoàng Minh (từ xa)")
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    yield made
    server.should_exit = True
    thread.join(10)
