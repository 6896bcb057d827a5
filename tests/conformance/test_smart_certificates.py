"""RFC 8705 with real TLS: a CA made here, a proxy that ends TLS and passes the client's certificate on (RFC 9440), a
hospital system whose tokens are worth nothing without its certificate."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from longbien.access.apps import registry
from longbien.record.engine import Engine
from real_house import House, free_port, house


class Authority:
    """A small CA in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self.write("ca", self._signed(self.name, self.key, ca=True), self.key)

    def _signed(self, name: x509.Name, key: Any, *, ca: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        made = made.not_valid_after(now + datetime.timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return made.sign(self.key, hashes.SHA256())

    def make(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.write(name, self._signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key), key)

    def write(self, name: str, cert: x509.Certificate, key: Any) -> None:
        (self.folder / f"{name}.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )  # fmt: skip
        (self.folder / f"{name}.key").write_bytes(private)


class Proxy:
    """Ends TLS, asks for a client certificate, and passes it on; what the client itself wrote into that header is dropped."""

    def __init__(self, folder: Path, to: int):
        self.port, self.to, self.folder = free_port(), to, folder
        self.ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        assert self.ready.wait(10)

    async def _serve(self) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.folder / "proxy.pem", self.folder / "proxy.key")
        tls.load_verify_locations(self.folder / "ca.pem")
        tls.verify_mode = ssl.CERT_OPTIONAL
        server = await asyncio.start_server(self._one, "127.0.0.1", self.port, ssl=tls)
        self.ready.set()
        await server.serve_forever()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [x for x in head.split(b"\r\n")[:-2] if not x.lower().startswith((b"client-cert", b"connection"))]
        length = next((int(x.split(b":")[1]) for x in lines if x.lower().startswith(b"content-length")), 0)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if der:
            lines.append(b"Client-Cert: :" + base64.b64encode(der) + b":")
        lines += [b"X-Forwarded-Proto: https", b"X-Forwarded-For: 192.0.2.7", b"Connection: close"]
        up, down = await asyncio.open_connection("127.0.0.1", self.to)
        down.write(b"\r\n".join(lines) + b"\r\n\r\n" + (await reader.readexactly(length) if length else b""))
        writer.write(await up.read(-1))
        await writer.drain()
        writer.close()
        down.close()


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Path, str]]:
    folder = tmp_path_factory.mktemp("ca")
    ca = Authority(folder)
    for name in ("proxy", "lab", "other"):
        ca.make(name)
    with house(
        folder / "d", LONGBIEN_WORKERS="1", LONGBIEN_TRUSTED_PROXIES="127.0.0.1/32", LONGBIEN_APP_REGISTRATION="true"
    ) as running:

        async def register() -> str:
            engine = await Engine.open(running.database_url(), services=True)
            new = registry.NewApp("Lab", "system/Patient.rs", "tls_client_auth", cert=(folder / "lab.pem").read_text())
            client, _ = await registry.register(engine, new)
            await engine.close()
            return client

        yield running, folder, asyncio.run(register())


def _client(folder: Path, name: str | None) -> httpx.Client:
    tls = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if name:
        tls.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return httpx.Client(verify=tls)


def test_a_token_is_bound_to_the_certificate_it_was_given_over(certified: tuple[House, Path, str]) -> None:
    running, folder, client = certified
    at = f"https://localhost:{Proxy(folder, running.port).port}"
    form = {"grant_type": "client_credentials", "client_id": client}
    got = _client(folder, "lab").post(f"{at}/oauth/token", data=form)
    assert got.status_code == 200, got.text
    bearer = {"Authorization": f"Bearer {got.json()['access_token']}"}
    read = _client(folder, "lab").get(f"{at}/fhir/Patient", headers=bearer)
    assert read.status_code == 200, read.text
    assert _client(folder, "other").get(f"{at}/fhir/Patient", headers=bearer).status_code == 401
    assert _client(folder, None).get(f"{at}/fhir/Patient", headers=bearer).status_code == 401
    forged = base64.b64encode(ssl.PEM_cert_to_DER_cert((folder / "lab.pem").read_text())).decode()
    lies = {**bearer, "Client-Cert": f":{forged}:"}
    assert _client(folder, None).get(f"{at}/fhir/Patient", headers=lies).status_code == 401
    for name in ("other", None):
        assert _client(folder, name).post(f"{at}/oauth/token", data=form).status_code == 401
    said = _client(folder, None).get(f"{at}/fhir/.well-known/smart-configuration").json()
    assert said["token_endpoint"] == f"{at}/oauth/token", "https, as the proxy says"


def test_where_the_house_allows_it_an_app_registers_itself_but_no_machine_does(certified: tuple[House, Path, str]) -> None:
    running, _, _ = certified
    at = f"{running.address}/oauth/register"
    new = {"client_name": "An", "redirect_uris": ["https://x.vn/back"], "scope": "launch/patient patient/Observation.rs"}
    made = httpx.post(at, json=new)
    assert made.status_code == 201 and made.json()["client_id"] and "client_secret" not in made.json(), made.text
    assert "client_secret" in httpx.post(at, json=new | {"token_endpoint_auth_method": "client_secret_basic"}).json()
    for bad in ({"redirect_uris": ["http://x.vn/"]}, {"redirect_uris": []}, {"scope": "system/*.rs"}, {"client_name": ""},
                {"token_endpoint_auth_method": "client_secret_post"}, {"client_name": 5}, {"jwks": {"keys": []}}):  # fmt: skip
        refused = httpx.post(at, json=new | bad)
        assert refused.status_code == 400 and refused.json()["error"].startswith("invalid_"), (bad, refused.text)
