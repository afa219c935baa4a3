"""`stratum domains`."""

WHERE = ("-E", "MyProdEnv", "-A", "app02", "domains")


def test_domains_are_added_listed_and_removed(terminal, side):
    side.app()

    said = terminal(*WHERE, "add", "Shop.Example.com")
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("shop.example.com leads to MyProdEnv/app02 within seconds")
    assert terminal(*WHERE).out.split() == ["NAME", "shop.example.com"]
    assert terminal(*WHERE, "list", "--json").rows == [{"name": "shop.example.com"}]
    assert terminal(*WHERE, "remove", "shop.example.com").code == 0
    refused = terminal(*WHERE, "remove", "shop.example.com")
    assert (refused.code, refused.err.splitlines()[-1]) == (1, "These it has: stratum domains")
