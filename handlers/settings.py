"""Everything an operator can set, read once from the environment.

    SEAMARK_DATABASE_URL=postgresql+psycopg://seamark@db/seamark SEAMARK_JOB_TIMEOUT_S=600 seamark serve

Names carry their unit (`_s`, `_bytes`). `README.md` lists every variable, and `tests/test_settings.py` fails when it
does not.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
RUNTIME_PATH_BYTES = 80  # leaves 27 for the names of the sockets
OPERATING = frozenset({"invoke", "dep6"})  # the APIs that run operations
KEEPER_CONTRACTS = (
    "AgreementStoreManager",
    "ConditionStoreManager",
    "AccessSecretStoreCondition",
    "ComputeExecutionCondition",
)


def default_home() -> Path:
    """Return the folder that holds all state unless SEAMARK_HOME names another."""
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "seamark"


class Settings(BaseSettings):
    """Settings of one process; frozen after start."""

    model_config = SettingsConfigDict(env_prefix="SEAMARK_", frozen=True)

    home: Path = Field(default_factory=default_home, description="Folder that holds all local state.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the home folder.")
    redis_url: str = Field("", description="Redis that holds the queues; empty: a server of our own.")
    blob_url: str = Field("", description="fsspec URL of the blobs; empty: a folder in the home folder.")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8030, ge=0, le=65535, description="Port to listen on.")
    public_url: str = Field("", description="Address of the server as clients see it; empty: as each request says.")
    trusted_proxies: NonNegativeInt = Field(0, description="Number of proxies whose X-Forwarded-* headers count.")
    cors_origins: str = Field(
        "", description="Origins that browsers may call from, with commas; * for all; empty: as each API says."
    )
    apis: str = Field("", description="APIs to serve, separated by commas; empty: all.")
    mounts: str = Field("", description="Where to serve APIs, such as invoke=/,ops=/v2; empty: as their specs say.")

    operations_dir: Path | None = Field(None, description="Folder of further operations: NAME.yaml and NAME.py.")
    mock: bool = Field(False, description="Whether every operation is answered from its examples.")

    web_processes: PositiveInt = Field(1, description="Web processes.")
    web_threads: PositiveInt = Field(8, description="Threads of each web process.")
    workers: PositiveInt = Field(1, description="Worker processes that `seamark up` and `seamark work` start.")
    operation_processes: PositiveInt = Field(1, description="Warm processes for invokesync, per web process.")

    invoke_open: bool = Field(False, description="Whether strangers from other machines may invoke operations.")
    manage_open: bool = Field(False, description="Whether management needs no token; only on loopback.")
    login_s: PositiveInt = Field(3600, description="How long the token of a login lasts, in seconds.")
    signer_scopes: str = Field("", description="Scopes of signers without an account, such as invoke; empty: no entry.")

    chain_url: SecretStr | None = Field(
        None, description="JSON-RPC endpoints of one chain, with commas, the first asked first; empty: no chain."
    )
    chain_id: PositiveInt | None = Field(
        None, description="Number of that chain (EIP-155); endpoints of another are not believed; empty: the first's."
    )
    chain_timeout_s: PositiveFloat = Field(10.0, description="Longest a question to the chain may take, in seconds.")
    chain_confirmations: NonNegativeInt = Field(
        0, description="Blocks that must follow an order, or the granting of an agreement, before it counts."
    )
    chain_final_blocks: PositiveInt = Field(
        64, description="Blocks after which an order's receipt is kept and the chain no longer asked for it."
    )
    chain_factory: str = Field(
        "", description="Address of the chain's DTFactory contract, which makes datatokens; empty: make none."
    )
    keeper_contracts: str = Field(
        "", description="Addresses of the contracts of Brizo's agreements, NAME=0x…, with commas; empty: no agreements."
    )
    provider_key: SecretStr | None = Field(
        None, description="Private keys, with commas: the first seals files, all open them; empty: the keystore."
    )
    provider_keystore: Path | None = Field(
        None, description="Keystore file (Web3 Secret Storage), or a folder of them; empty: keys in the home folder."
    )
    provider_password: SecretStr | None = Field(
        None, description="Password of the keystore; empty: what the file password beside the keys says."
    )

    sync_timeout_s: PositiveFloat = Field(30.0, description="Longest an invokesync may take, in seconds.")
    job_timeout_s: PositiveFloat = Field(3600.0, description="Longest one job may run, in seconds.")
    job_attempts: PositiveInt = Field(3, description="How often a job is tried when its worker dies.")
    job_heartbeat_s: PositiveFloat = Field(2.0, description="Seconds between two signs of life of a running job.")
    job_stale_s: PositiveFloat = Field(15.0, description="Silence after which a worker counts as dead, in seconds.")
    job_retention_s: PositiveInt = Field(604800, description="How long an ended job is kept, in seconds.")
    job_log_bytes: PositiveInt = Field(1 << 20, description="Most that one job may log, in bytes.")
    queue_limit: PositiveInt = Field(10_000, description="Jobs that may wait before new ones are refused.")
    sweep_s: PositiveFloat = Field(5.0, description="Seconds between two sweeps for lost or stale jobs.")

    event_streams: NonNegativeInt = Field(
        4, description="Callers of a web process that may wait for a job's events at a time; three threads stay free."
    )
    callback_attempts: PositiveInt = Field(8, description="How often a callbackUrl is tried.")
    callback_retry_s: PositiveFloat = Field(
        5.0, description="Seconds before a callback is tried again; each further wait is four times as long."
    )
    allowed_networks: str = Field(
        "", description="Networks that are not public and may be called all the same, such as 10.0.0.0/8, with commas."
    )

    metadata_url: str = Field(
        "", description="Metadata store (Aquarius) that knows the assets which this server does not; empty: none."
    )
    metadata_timeout_s: PositiveFloat = Field(
        5.0, description="How long that metadata store may keep this server waiting, in seconds."
    )
    metadata_fresh_s: PositiveFloat = Field(
        60.0, description="How long what it says of an asset counts without being asked for again, in seconds."
    )
    metadata_stale_s: PositiveFloat = Field(
        86400.0, description="How long what it has said stands in for it while it does not answer, in seconds."
    )
    fetch_timeout_s: PositiveFloat = Field(
        20.0, description="How long the server of a file may keep this one waiting, in seconds."
    )
    spool_limit_bytes: PositiveInt = Field(
        1 << 30, description="Largest file of unknown length that is handed on, in bytes."
    )
    calls_per_minute: PositiveInt = Field(
        120,
        description="How often in a minute a stranger may have files probed, quoted or sealed, or submit a job.",
    )
    signed_calls_per_minute: PositiveInt = Field(
        600, description="How often in a minute an Ethereum address may have what it signs: files, seals, jobs."
    )
    failures_per_minute: PositiveInt = Field(
        60, description="How often in a minute a client may send a wrong signature, or an order that is none."
    )
    ipfs_gateway: str = Field("https://ipfs.io", description="Gateway through which files of IPFS are fetched.")
    s3_buckets: str = Field(
        "", description="S3 buckets that are read with this server's credentials, with commas; others as a stranger."
    )
    auth_token_s: PositiveInt = Field(86400, description="How long a signed authentication token is good, in seconds.")

    sandbox_memory_bytes: PositiveInt = Field(
        1 << 30, description="Memory that a program of others may take, in bytes."
    )
    sandbox_cpus: PositiveFloat = Field(1.0, description="Processors that a program of others may take.")
    sandbox_processes: PositiveInt = Field(
        128, description="Processes and threads that a program of others may have at a time."
    )
    sandbox_open_files: int = Field(
        1024, ge=16, description="Files that each process of a program of others may have open."
    )
    sandbox_disk_bytes: PositiveInt = Field(1 << 30, description="Most that a program of others may write, in bytes.")
    sandbox_scratch_bytes: PositiveInt = Field(
        64 << 20, description="Size of a program's /tmp, and of its /dev/shm; both are memory, in bytes."
    )
    sandbox_log_bytes: PositiveInt = Field(1 << 20, description="Most that is kept of what a program prints, in bytes.")
    sandbox_network: bool = Field(
        False,
        description="Whether programs that may have it get this machine's network, with loopback; containers a bridge.",
    )
    sandbox_off: bool = Field(
        False, description="Whether programs of others run without a sandbox; they can read all that this server can."
    )
    sandbox_uid: PositiveInt = Field(
        0x70000000, description="First of the users, and the group, that programs run as where this server is root."
    )
    sandbox_cgroup: Path | None = Field(
        None, description="Delegated cgroup (version 2) for the programs of others; empty: below that of this server."
    )
    compute_time_s: PositiveFloat = Field(1800.0, description="Longest one algorithm may run, in seconds.")
    compute_input_bytes: PositiveInt = Field(
        10 << 30, description="Most that all data of a compute job may have together, in bytes."
    )
    compute_output_bytes: PositiveInt = Field(
        1 << 30, description="Most that all outputs of a compute job may have together, in bytes."
    )
    compute_output_files: PositiveInt = Field(1000, description="Most outputs of a compute job.")
    compute_jobs_per_order: PositiveInt = Field(
        100, description="Most compute jobs under one order or service agreement."
    )
    compute_images: str = Field(
        "python=python3,node=node",
        description="Programs of this machine that stand for images in the sandbox: IMAGE=PROGRAM, with commas.",
    )
    docker_socket: Path | None = Field(
        None, description="Socket of Docker or Podman, in whose containers algorithms run; empty: in the sandbox."
    )
    compute_registries: str = Field(
        "docker.io", description="Registries whose images may be run in containers, or parts of them, with commas."
    )
    compute_image_bytes: PositiveInt = Field(10 << 30, description="Largest image of a container, in bytes.")
    compute_pull_s: PositiveFloat = Field(600.0, description="Longest that pulling an image may take, in seconds.")
    compute_stores: str = Field(
        "", description="Metadata stores that are told of results which name them (metadataUri), URLs with commas."
    )
    ops_capabilities: str = Field(
        "info,discover,manage,run,download,metadata",
        description="Parts of the Open Prediction Service that are served, with commas.",
    )
    ops_closed: str = Field(
        "", description="Parts of it, and of the V2 protocol, that need a token with the scope models: discover, run."
    )
    model_formats: str = Field(
        "pickle,joblib,pmml,bst,onnx,skops", description="Formats of model files that may be uploaded, with commas."
    )
    model_classes: str = Field(
        "", description="Further names that pickles may use, such as mylib.models.Risk, with commas; they are trusted."
    )
    model_other_versions: bool = Field(
        False, description="Take models that another version of scikit-learn has written, which may say other things."
    )
    model_memory_bytes: PositiveInt = Field(2 << 30, description="Memory that one loaded model may take, in bytes.")
    models_memory_bytes: PositiveInt = Field(
        4 << 30, description="Memory beyond which loaded models that are asked least are unloaded, in bytes."
    )
    model_load_s: PositiveFloat = Field(60.0, description="Longest that loading a model may take, in seconds.")
    upload_wait_s: float = Field(
        5.0, ge=0, description="How long the answer to the upload of a model waits for it to be loaded, in seconds."
    )
    predict_timeout_s: PositiveFloat = Field(30.0, description="Longest that a prediction may take, in seconds.")
    table_rows: PositiveInt = Field(100_000_000, description="Most rows of one table that is predicted.")
    table_bytes: PositiveInt = Field(
        16 << 30, description="Most that one table that is predicted may have unpacked, where it says so, in bytes."
    )
    remote_metadata_s: PositiveFloat = Field(
        3600.0, description="Age at which what another server says of its model is read again, in seconds."
    )
    audit_log: Path | None = Field(
        None, description="File that gets a line for each prediction, with its inputs and outputs; empty: none is kept."
    )
    audit_bytes: PositiveInt = Field(
        64 << 20, description="Size at which the audit log becomes FILE.1, and the older one is lost, in bytes."
    )
    audit_masked: str = Field(
        "", description="Names of inputs and outputs, with commas, whose values the audit log must not hold."
    )
    konduit: Path | None = Field(
        None, description="Configuration of the pipeline that Konduit's API runs, YAML or JSON; empty: there is none."
    )
    result_link_s: PositiveInt = Field(3600, description="How long the address of a result is good, in seconds.")
    status_dialect: Literal["contract", "operator"] = Field(
        "contract", description="Numbers of compute statuses: 1 to 8 of the contract, or 10 to 70 of operator-service."
    )
    dates: Literal["iso", "unix"] = Field("iso", description="Times of compute jobs: ISO 8601, or Unix seconds.")

    body_limit_bytes: PositiveInt = Field(8 << 20, description="Largest JSON or form body, in bytes.")
    upload_limit_bytes: PositiveInt = Field(2 << 30, description="Largest upload, in bytes.")
    asset_limit_bytes: PositiveInt = Field(1 << 30, description="Largest asset that an operation reads, in bytes.")
    disk_reserve_bytes: NonNegativeInt = Field(
        256 << 20, description="Free space that uploads, assets and jobs leave on each disk, in bytes."
    )
    asset_quota_bytes: NonNegativeInt = Field(
        0, description="Most that the files of all assets together may have, in bytes; 0: no bound."
    )
    json_depth: PositiveInt = Field(64, description="Deepest nesting of a JSON body.")
    drain_s: PositiveFloat = Field(
        20.0, description="How long a process may finish its work after SIGTERM, in seconds."
    )

    validate_responses: bool = Field(False, description="Whether answers are checked against the spec.")
    log_format: Literal["json", "text"] = Field("text", description="Form of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        """Refuse what is no network at once, and not when it is first needed."""
        networks_of(text)
        return text

    @field_validator("keeper_contracts")
    @classmethod
    def _are_contracts(cls, text: str) -> str:
        """Refuse a name that is wrong or missing, or what is no address, at once."""
        keeper_contracts_in(text)
        return text

    @field_validator("metadata_url")
    @classmethod
    def _is_address(cls, text: str) -> str:
        """Refuse what is no address at once."""
        return server_in(text)

    @field_validator("compute_stores")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        """Refuse what is no address at once."""
        return ",".join(server_in(url) for url in text.split(","))

    @cached_property
    def sql_url(self) -> str:
        """URL of the database, the default filled in."""
        return self.database_url or f"sqlite:///{self.home.resolve()}/seamark.sqlite"

    @cached_property
    def queue_url(self) -> str:
        """URL of Redis, the default filled in."""
        return self.redis_url or f"unix://{self.runtime_dir}/redis.sock"

    @cached_property
    def store_url(self) -> str:
        """URL of the blobs, the default filled in."""
        return self.blob_url or f"file://{self.home.resolve()}/blobs"

    @cached_property
    def keystore(self) -> Path:
        """Keystore file or folder, the default filled in."""
        return self.provider_keystore or self.home / "keys"

    @cached_property
    def chain_urls(self) -> tuple[str, ...]:
        """Return the endpoints of `chain_url`, one by one; they may hold keys of their own, so show none."""
        listed = self.chain_url.get_secret_value() if self.chain_url else ""
        return tuple(url.strip() for url in listed.split(",") if url.strip())

    @cached_property
    def keeper_addresses(self) -> Mapping[str, str]:
        """Return the addresses of `keeper_contracts` by the names of the contracts; empty: none are set."""
        return keeper_contracts_in(self.keeper_contracts)

    @cached_property
    def runtime_dir(self) -> Path:
        """Folder for sockets: in the home, or in the system's folder for temporary files where the home's path is long.

        A unix socket's path must stay below 108 bytes. The folder depends on the home alone, so that a command that is
        run by another program finds the sockets that `seamark up` made.
        """
        inside = self.home.resolve() / "run"
        if len(os.fsencode(inside)) <= RUNTIME_PATH_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:12]
        return Path("/tmp") / f"seamark-{os.getuid()}-{digest}"  # noqa: S108 - its owner and mode are checked

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """Return the origins of `cors_origins`, one by one."""
        return tuple(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())

    @cached_property
    def scopes_of_signers(self) -> tuple[str, ...]:
        """Return the scopes of `signer_scopes`, one by one."""
        return tuple(scope.strip() for scope in self.signer_scopes.split(",") if scope.strip())

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """Return the networks of `allowed_networks`, one by one."""
        return networks_of(self.allowed_networks)

    @cached_property
    def result_stores(self) -> tuple[str, ...]:
        """Return the addresses of `compute_stores`, one by one."""
        return tuple(url.strip().rstrip("/") for url in self.compute_stores.split(",") if url.strip())

    @cached_property
    def mount_points(self) -> Mapping[str, str]:
        """Return the paths of `mounts` by the names of the APIs."""
        pairs = (pair.partition("=") for pair in self.mounts.split(",") if pair.strip())
        return {name.strip(): "/" + path.strip().strip("/") for name, _, path in pairs}

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Return the parts of `ops_capabilities`, one by one."""
        return words_of(self.ops_capabilities)

    @property
    def closed_parts(self) -> tuple[str, ...]:
        """Return the parts of `ops_closed`, one by one."""
        return words_of(self.ops_closed)

    @property
    def formats(self) -> tuple[str, ...]:
        """Return the formats of `model_formats`, one by one."""
        return words_of(self.model_formats)

    @property
    def trusted_classes(self) -> tuple[str, ...]:
        """Return the names of `model_classes`, one by one."""
        return words_of(self.model_classes)

    @property
    def masked_names(self) -> tuple[str, ...]:
        """Return the names of `audit_masked`, one by one."""
        return words_of(self.audit_masked)

    @property
    def runs_operations(self) -> bool:
        """Return whether an API that is served runs operations, for which processes are kept ready."""
        served = {name.partition("/")[0] for name in words_of(self.apis)}
        return not self.mock and (not served or bool(served & OPERATING))

    @property
    def opens_management(self) -> bool:
        """Return whether these settings let other machines manage this one without a token."""
        return self.manage_open and not is_loopback(self.host)

    @property
    def wants_proxy(self) -> bool:
        """Return whether other machines reach this one, and nothing in front waits for slow bodies in its stead."""
        return not is_loopback(self.host) and not self.trusted_proxies


def words_of(text: str) -> tuple[str, ...]:
    """Return the words that *text* lists with commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def networks_of(text: str) -> tuple[Network, ...]:
    """Return the networks that *text* lists.

    Raises:
        ValueError: One is none.
    """
    return tuple(ipaddress.ip_network(word.strip()) for word in text.split(",") if word.strip())


def server_in(text: str) -> str:
    """Return the address of a metadata store without what clients put behind it: the path of the API.

    Raises:
        ValueError: It is none.
    """
    url = text.strip().partition("/api/v1/aquarius")[0].rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        raise ValueError("It is not the address of a server, with http or https and without a password")
    return url


def keeper_contracts_in(text: str) -> dict[str, str]:
    """Return the addresses that *text* gives the contracts of Brizo's agreements, by their names; none for no text.

    Raises:
        ValueError: A name is no contract's, stands there twice or is missing, or an address is none.
    """
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    found = {name.strip(): address.strip() for name, _, address in pairs}
    if pairs and sorted(name.strip() for name, _, _ in pairs) != sorted(KEEPER_CONTRACTS):
        raise ValueError(f"name each of these once: {', '.join(KEEPER_CONTRACTS)}")
    for name, address in found.items():
        if re.fullmatch(r"0x[0-9a-fA-F]{40}", address) is None:
            raise ValueError(f"{name} needs an address: 0x and 40 hexadecimal digits")
    return found


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach *host*; a name other than localhost may lead anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
