"""`seamark key`."""

import json
import re
import subprocess

import pytest

from tests.cli.conftest import SEAMARK, environment_for, seamark

SECRET = "11" * 32
ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"


@pytest.fixture
def environment(tmp_path):
    """The environment of a server that has no key yet."""
    return environment_for(tmp_path / "home")


def test_a_key_is_made_shown_and_rotated(environment):
    """After a rotation the new key is in use, and both are kept."""
    first = seamark(environment, "key", "new").stdout.strip()
    second = seamark(environment, "key", "rotate").stdout.strip()

    shown = seamark(environment, "key", "show-address").stdout.split()
    everything = seamark(environment, "key", "show-address", "--all").stdout.split()

    assert re.fullmatch("0x[0-9a-fA-F]{40}", first)
    assert [second] == shown
    assert [second, first] == everything


def test_a_second_new_key_is_refused(environment):
    """`new` is for the first; what was sealed for it is not forgotten by accident."""
    seamark(environment, "key", "new")

    again = seamark(environment, "key", "new")

    assert 1 == again.returncode
    assert "seamark key rotate" in again.stderr


def test_before_the_first_key_there_is_nothing_to_rotate_or_show(environment):
    """Both say how to make one."""
    for command in ("rotate", "show-address"):
        done = seamark(environment, "key", command)

        assert 1 == done.returncode
        assert "seamark key new" in done.stderr


def test_a_key_is_typed_in_and_not_echoed(environment):
    """The key comes over standard input, and stands in nothing that is printed."""
    command = [SEAMARK, "key", "import"]
    done = subprocess.run(command, env=environment, input=SECRET + "\n", capture_output=True, text=True, check=False)

    assert (0, ADDRESS) == (done.returncode, done.stdout.strip())
    assert SECRET not in done.stderr
    assert [ADDRESS] == seamark(environment, "key", "show-address").stdout.split()


def test_a_key_is_read_from_a_file(environment, tmp_path):
    """As hexadecimal text, or as a keystore file with its password."""
    text, folder = tmp_path / "key.txt", tmp_path / "home" / "keys"
    text.write_text(f"0x{SECRET}\n")

    imported = seamark(environment, "key", "import", text)

    (wallet,) = folder.glob("UTC--*")
    elsewhere = environment_for(tmp_path / "elsewhere")
    password = (folder / "password").read_text()
    command = [SEAMARK, "key", "import", str(wallet)]
    moved = subprocess.run(command, env=elsewhere, input=password, capture_output=True, text=True, check=False)
    assert (ADDRESS, ADDRESS) == (imported.stdout.strip(), moved.stdout.strip())
    assert 3 == json.loads(wallet.read_text())["version"]


@pytest.mark.parametrize("text", ["", "12", SECRET + "00", "{}", '{"crypto": {}}'])
def test_a_file_without_a_key_is_refused_in_one_line(environment, tmp_path, text):
    """The message names the file, and repeats nothing of what stands in it."""
    file = tmp_path / "key.txt"
    file.write_text(text)
    command = [SEAMARK, "key", "import", str(file)]
    done = subprocess.run(command, env=environment, input="x\n", capture_output=True, text=True, check=False)

    assert 1 == done.returncode
    assert "key.txt" in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


def test_keys_of_the_environment_are_left_alone(tmp_path):
    """With a key in the environment the keystore would not be used, so that nothing is put there."""
    environment = environment_for(tmp_path / "home", provider_key=SECRET)

    made = seamark(environment, "key", "new")

    assert 1 == made.returncode
    assert "SEAMARK_PROVIDER_KEY" in made.stderr
    assert [ADDRESS] == seamark(environment, "key", "show-address").stdout.split()
