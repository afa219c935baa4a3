import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.webhooks.ssh.keys import KINDS, fingerprint, known_host_key, new_deploy_key, read_host_key
from stratum.errors import InvalidInput
from tests.sshd import needs_sshd

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@needs_sshd
def test_a_deploy_key_is_what_openssh_takes_for_one(tmp_path):
    made = new_deploy_key("stratum:MyProdEnv/app02")
    file = tmp_path / "key"
    file.write_text(made.private)
    file.chmod(0o600)

    public = subprocess.run(["ssh-keygen", "-y", "-f", str(file)], capture_output=True, check=True, text=True)
    assert public.stdout.split()[:2] == made.public.split()[:2]
    assert made.public.split()[2] == "stratum:MyProdEnv/app02"
    (tmp_path / "key.pub").write_text(made.public)
    argv = ["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")]
    shown = subprocess.run(argv, capture_output=True, check=True, text=True)
    assert shown.stdout.split()[1] == fingerprint(made.public)


@pytest.mark.parametrize(
    ("host", "published"),
    [
        ("github.com", "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"),
        ("gitlab.com", "SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8"),
        ("bitbucket.org", "SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM"),
    ],
)
def test_host_keys_that_are_known_have_the_fingerprints_that_their_operators_publish(host, published):
    """Beside the keys of GitHub and GitLab; of Bitbucket in support.atlassian.com's `Set up SSH keys`."""
    assert fingerprint(known_host_key(host, 22)) == published
    assert read_host_key(known_host_key(host, 22)) == known_host_key(host, 22)
    assert known_host_key(host, 2222) == ""


def test_a_host_key_is_read_as_ssh_keyscan_shows_it():
    for line in (
        ED25519,
        f"{ED25519} root@host",
        f"github.com {ED25519}",
        f"[git.example.com]:7999\t{ED25519}\n",
    ):
        assert read_host_key(line) == ED25519


@needs_sshd
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_all_kinds_of_host_keys_are_read(kind, tmp_path):
    argv = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(argv, check=True)
    line = (tmp_path / "key.pub").read_text()

    assert read_host_key(line) == " ".join(line.split()[:2])


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "ssh-ed25519", "ssh-ed25519 !", "ssh-ed25519 AAAA", f"a b {ED25519}", "\u00e4 " + ED25519),
        *(ED25519.replace("ssh-ed25519", "ssh-rsa"), ED25519[:-4], ED25519 + "A" * 2000),
        "ssh-dss AAAAB3NzaC1kc3MAAACBAA==",
    ],
)
def test_what_is_no_host_key_is_refused(text):
    with pytest.raises(InvalidInput, match="is no host key"):
        read_host_key(text)


@given(st.text() | st.tuples(st.sampled_from(KINDS), st.text("AaC3Nz1lZDI5E=/+ \t")).map(" ".join))
def test_any_text_is_a_host_key_or_refused(text):
    try:
        line = read_host_key(text)
    except InvalidInput:
        return
    assert read_host_key(line) == line
