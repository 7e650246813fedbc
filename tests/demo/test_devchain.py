"""A chain of one's own, as a command and over HTTP."""

import json
import signal
import socket
import subprocess
from contextlib import closing

import httpx
import pytest
from eth_utils.address import is_checksum_address

from handlers.chain.agreements import Agreements, Kind
from handlers.chain.client import Chain
from handlers.demo.contracts import TOKEN, Contract, create_datatoken
from handlers.demo.keeper import Keeper
from handlers.keys import recursion_limit_kept
from handlers.settings import Settings
from tests.nodes import SEAMARK, devchain


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A chain that the tests of this module share."""
    with devchain(tmp_path_factory.mktemp("devchain")) as node:
        node.described = json.loads(node.file.read_text())
        yield node


def test_clients_find_what_they_look_for(node):
    """The chain's id is that of `development`, contracts have code, and each account has its tokens."""
    described = node.described
    token = Contract(node.ask, "DataTokenTemplate", described["datatoken"])

    assert ("0x539", "1337") == (node.ask("eth_chainId"), node.ask("net_version"))
    assert {"DTFactory", "Metadata", "FixedRateExchange", "Dispenser"} <= set(described["contracts"])
    for address in [*described["contracts"].values(), described["datatoken"]]:
        assert is_checksum_address(address)
        assert "0x" != node.ask("eth_getCode", address, "latest")
    for account in described["accounts"]:
        call = {"to": token.address, "data": token.data("balanceOf", account["address"])}
        assert 1000 * TOKEN == int(node.ask("eth_call", call, "latest"), 16)
        assert int(node.ask("eth_getBalance", account["address"], "latest"), 16) > 10**20


def test_a_transaction_that_a_wallet_signed_is_mined(node):
    """The keys that are shown are those of the accounts, and signatures name this chain."""
    with recursion_limit_kept():
        from eth_account import Account
    payer, payee = node.described["accounts"][2:4]
    transaction = {
        "to": payee["address"],
        "value": 7,
        "gas": 21_000,
        "gasPrice": int(node.ask("eth_gasPrice"), 16),
        "nonce": int(node.ask("eth_getTransactionCount", payer["address"], "latest"), 16),
        "chainId": 1337,
    }
    signed = Account.sign_transaction(transaction, payer["key"]).raw_transaction

    tx = node.ask("eth_sendRawTransaction", "0x" + bytes(signed).hex())

    receipt = node.ask("eth_getTransactionReceipt", tx)
    assert ("0x1", payer["address"]) == (receipt["status"], receipt["from"])


def test_a_datatoken_is_the_real_one(node):
    """Its interface is the one that the clients of the ecosystem were written for: startOrder has their selector."""
    owner = node.described["accounts"][0]["address"]

    token = create_datatoken(node.ask, node.described["contracts"]["DTFactory"], owner, "Shells", "SHELL")

    minter = node.ask("eth_call", {"to": token.address, "data": token.data("minter")}, "latest")
    assert token.data("startOrder", owner, 1, 2, owner).startswith("0xab63d2b2")
    assert owner.lower() == "0x" + minter[-40:]


def test_agreements_can_be_made_on_it(node, tmp_path):
    """The contracts of a keeper are there, and the setting that it shows is the one under which a server finds them."""
    contracts, accounts = node.described["contracts"], [one["address"] for one in node.described["accounts"]]
    owner, provider, consumer, *_, minter = accounts
    keeper = Keeper(node.ask, contracts, minter)
    did = keeper.register(owner, provider)
    deal = keeper.agree(Kind.COMPUTE, did, consumer, provider)
    keeper.pay(deal)
    keeper.grant(deal)
    settings = Settings(home=tmp_path, chain_url=node.described["url"], keeper_contracts=node.described["keeper"])

    with closing(Chain(settings.chain_urls, timeout_s=10.0)) as chain:
        found = Agreements(lambda: chain, settings).check(deal.id, consumer, did, deal.kind, timeout_s=0, now_s=0)

    assert deal.id == found.id


def test_quantities_are_hexadecimal_and_blooms_whole(node):
    """Blocks and receipts have the standard's forms, which other clients check."""
    block = node.ask("eth_getBlockByNumber", "latest", False)

    assert all(block[name].startswith("0x") for name in ("number", "timestamp", "gasUsed", "baseFeePerGas"))
    assert 2 + 512 == len(block["logsBloom"])


def test_a_batch_is_answered_in_order(node):
    """Several requests may come as one."""
    batch = [{"jsonrpc": "2.0", "id": number, "method": "eth_chainId", "params": []} for number in (3, 1)]

    assert [3, 1] == [answer["id"] for answer in httpx.post(node.url, json=batch).json()]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[" * 500_000, -32700),
        (b"7", -32600),
        (b"{}", -32600),
        (b'{"id": 1, "method": 7}', -32600),
        (b'{"id": 1, "method": "eth_nonsense"}', -32601),
        (b'{"id": 1, "method": "eth_getBalance", "params": []}', -32603),
        (b'{"id": 1, "method": "eth_getBalance", "params": 7}', -32603),
        (b'{"id": 1, "method": "eth_getTransactionReceipt", "params": ["x"]}', -32603),
    ],
)
def test_nonsense_gets_an_error_of_json_rpc(node, body, code):
    """Whatever comes, the answer is JSON-RPC, and the chain stays up."""
    answer = httpx.post(node.url, content=body)

    assert (200, code) == (answer.status_code, answer.json()["error"]["code"])
    assert "0x539" == node.ask("eth_chainId")


def test_browsers_may_call(node):
    """A page of any origin can ask."""
    answer = httpx.options(
        node.url, headers={"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    )

    assert "*" == answer.headers["Access-Control-Allow-Origin"]


def test_a_revert_says_why(node):
    """The contract's own words come with the standard's code."""
    token = Contract(node.ask, "DataTokenTemplate", node.described["datatoken"])
    call = {"to": token.address, "data": token.data("transfer", token.address, 10**40)}

    with pytest.raises(RuntimeError, match="exceeds balance"):
        node.ask("eth_call", call, "latest")


def test_ctrl_c_ends_it_quietly(tmp_path):
    """Interrupted, the command ends with 0 and says nothing of it."""
    process = subprocess.Popen(
        [SEAMARK, "devchain", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)

    assert 0 == process.returncode
    assert "Traceback" not in rest
    assert any("SEAMARK_CHAIN_URL=http://127.0.0.1:" in line for line in lines)


def test_a_port_that_is_taken_is_said_in_one_line():
    """Somebody else's port is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([SEAMARK, "devchain", "--port", port], capture_output=True, text=True, check=False)

    assert 1 == done.returncode
    assert [f"Error: The port {port} cannot be used: Address already in use."] == done.stderr.splitlines()
