"""Which app a command means."""

from stratum.cli.which import HOW

URL_HINT = "stratum -E MyProdEnv ps"


def meant(terminal, *arguments):
    """The app whose releases a command lists, by their commits."""
    said = terminal(*arguments, "releases", "--json")
    return said.rows[0]["commit"] if said.code == 0 else said.err


def apps(side, *names):
    for name in names:
        environment, _, app = name.partition("/")
        side.release(side.app(app, environment), commit=app.ljust(40, "0"))


def test_in_a_repository_its_remote_says_which(side, terminal, repo):
    apps(side, "MyProdEnv/one", "MyProdEnv/two")

    said = terminal("associate", "myprodenv", "TWO")

    assert said.code == 0
    assert said.err == (
        "MyProdEnv/two is associated as MyProdEnv: stratum -E MyProdEnv ps\n"
        f"The git remote catalyze is {terminal.url}/MyProdEnv/two.git. "
        "Deploy with: git push catalyze master\n"
    )
    assert terminal.git("remote", "get-url", "catalyze") == f"{terminal.url}/MyProdEnv/two.git"
    assert meant(terminal).startswith("two")
    assert meant(terminal, "-E", "MyProdEnv", "-A", "one").startswith("one")


def test_git_asks_us_for_the_token_and_nobody_else(side, terminal, repo):
    apps(side, "MyProdEnv/one")
    terminal("associate", "MyProdEnv", "one")

    helpers = terminal.git("config", "--local", "--get-all", f"credential.{terminal.url}.helper")
    filled = terminal.git(
        "credential", "fill", stdin=f"protocol=http\nhost={terminal.url.removeprefix('http://')}\n\n"
    )

    assert helpers.startswith('!f() { test "$1" = store || ')
    assert helpers.endswith('stratum git-credential "$@"; }; f')
    assert f"password={terminal.admin}" in filled


def test_associating_again_moves_the_remote_and_says_so(side, terminal, repo):
    apps(side, "MyProdEnv/one", "MyProdEnv/two")
    terminal("associate", "MyProdEnv", "one")

    said = terminal("associate", "MyProdEnv", "two", "other")

    assert f"The remote catalyze pointed at {terminal.url}/MyProdEnv/one.git before.\n" in said.err
    assert meant(terminal).startswith("two")


def test_an_alias_works_from_anywhere(side, terminal):
    apps(side, "MyProdEnv/one", "MyProdEnv/two", "Other/three")

    said = terminal("associate", "MyProdEnv", "two", "short")

    assert said.err.endswith("There is no git repository here, so no remote was added.\n")
    assert meant(terminal, "-E", "short").startswith("two")
    assert meant(terminal, "-E", "MyProdEnv-two").startswith("two"), "as the old documents write it"
    assert meant(terminal).startswith("two"), "the only one associated"
    terminal("associate", "Other", "three")
    assert meant(terminal) == f"It is not clear which app you mean.\n{HOW}\n"


def test_an_environment_with_one_app_is_enough(side, terminal):
    apps(side, "MyProdEnv/one", "Other/two", "Other/three")

    assert meant(terminal, "-E", "myprodenv").startswith("one")
    assert meant(terminal, "-E", "Other") == (
        "The environment 'Other' has 2 apps that you may use: three, two.\n"
        "Say which: stratum -E Other -A APP …\n"
    )
    assert meant(terminal, "-E", "Nope").startswith("The environment 'Nope' has 0 apps that you may use.\n")
    assert meant(terminal, "-A", "two") == f"-A needs -E, the environment.\n{HOW}\n"


def test_the_app_may_be_named_after_the_command(side, terminal):
    apps(side, "MyProdEnv/one", "MyProdEnv/two")

    assert terminal("releases", "-E", "MyProdEnv", "-A", "two", "--json").rows[0]["commit"].startswith("two")


def test_what_does_not_exist_cannot_be_associated(terminal, repo):
    said = terminal("associate", "MyProdEnv", "nope")

    assert (said.code, said.err) == (1, "There is no app 'MyProdEnv/nope' here that you may use.\n")
    assert terminal.git("remote") == ""
