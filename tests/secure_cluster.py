"""A broker that demands a password or a certificate, and allows only what its ACLs allow.

Its open listener, where everybody is `ANONYMOUS` and may do all, is for the test that sets it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import trustme
from cryptography.hazmat.primitives import serialization as s

from services.local.broker import EmbeddedBroker
from services.ports import LOOPBACK, choose_port

PREFIX: Final = "sayso-"
_JAAS: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


class SecureCluster(NamedTuple):
    """`scram`: passwords in the clear; `tls`: within TLS; `certified`: a certificate instead of
    a password."""

    open: str
    scram: str
    tls: str
    certified: str
    folder: Path

    def environment(self, service: str, security: str = "sasl_ssl") -> dict[str, str]:
        """The environment variables of this service."""
        ca = {"SAYSO_KAFKA_CA": str(self.folder / "ca.pem")} if security.endswith("ssl") else {}
        return {
            "SAYSO_KAFKA_SECURITY": security,
            "SAYSO_KAFKA_USER": PREFIX + service,
            "SAYSO_KAFKA_PASSWORD": f"{service}-secret",
            **ca,
        }

    def certificate(self, service: str) -> dict[str, str]:
        """One file with its key and its certificate."""
        file = self.folder / f"{service}.pem"
        return {
            "SAYSO_KAFKA_SECURITY": "ssl",
            "SAYSO_KAFKA_CA": str(self.folder / "ca.pem"),
            "SAYSO_KAFKA_CERT": str(file),
        }


@contextmanager
def run_secure_cluster(
    folder: Path, services: Sequence[str], certified: str
) -> Iterator[SecureCluster]:
    """`certified`: the one who has a certificate."""
    folder.mkdir()
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    _keep(ca.issue_cert(LOOPBACK), folder / "broker.pem")
    _keep(
        ca.issue_cert("client.invalid", common_name=PREFIX + certified), folder / f"{certified}.pem"
    )
    listeners = {name: f"{LOOPBACK}:{choose_port()}" for name in ("SCRAM", "TLS", "CERTIFIED")}
    passwords = {PREFIX + service: f"{service}-secret" for service in services}
    with EmbeddedBroker(
        folder, ephemeral=True, more=_properties(listeners, folder), users=passwords
    ) as broker:
        yield SecureCluster(broker.bootstrap, *listeners.values(), folder)


def _properties(listeners: dict[str, str], folder: Path) -> dict[str, str]:
    where = ",".join(f"{name}://{address}" for name, address in listeners.items())
    return {
        "listeners": where,
        "advertised.listeners": where,
        "listener.security.protocol.map": "SCRAM:SASL_PLAINTEXT,TLS:SASL_SSL,CERTIFIED:SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": _JAAS,
        "listener.name.tls.scram-sha-512.sasl.jaas.config": _JAAS,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.certified.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+),.*$/$1/,DEFAULT",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }


def _keep(issued: trustme.LeafCert, file: Path) -> None:
    """The key in PKCS#8, the only form that Java reads."""
    key = s.load_pem_private_key(issued.private_key_pem.bytes(), None)
    written = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    file.write_bytes(written + b"".join(blob.bytes() for blob in issued.cert_chain_pems))
