"""Sending visitors on from HTTP to HTTPS, as soon as there is a certificate that their browsers trust.

To the usual port, whatever the router listens on: authorities ask there, too, before a name gets its
certificate. That is looked for at each request: a name of a new app would else lead to nothing until it has
one, or for good where its DNS leads elsewhere. Pure.
"""

from dataclasses import dataclass, field

from runner.router.caddy import Json, is_one_of, subroute
from stratum.authority import Authority

_ZEROSSL = "https://acme.zerossl.com/v2/DV90"
_CHALLENGES = "/.well-known/acme-challenge/*"
_HOST = "{http.request.host}"
# Permanent, so that search engines follow, but browsers ask again, since it can be taken back.
_KEPT = "max-age=300"
# Several proxies in a row may have added to it, each its own.
_BY_HTTPS = ["https", "HTTPS", "https,*"]


@dataclass(frozen=True, slots=True)
class Https:
    """How HTTPS is served.

    Attributes:
        certificates: absolute path of Caddy's folder.
        authority: who is asked for them.
    """

    certificates: str
    authority: Authority = field(default_factory=Authority)


def automation(https: Https) -> Json:
    """Render who is asked for certificates; names that cannot be public have Caddy's own all the same.

    Nothing where Caddy is to ask those whom it asks by itself.
    """
    asked = https.authority
    if not (asked.directory or asked.email):
        return {}
    roots: Json = {"trusted_roots_pem_files": [asked.roots]} if asked.roots else {}
    email: Json = {"email": asked.email} if asked.email else {}
    addresses = [asked.directory] if asked.directory else ["", _ZEROSSL]  # as Caddy 2.11 does with an address
    named: list[Json] = [{"ca": one} if one else {} for one in addresses]
    issuers = [{"module": "acme", **one, **roots, **email} for one in named]
    return {"tls": {"automation": {"policies": [{"issuers": issuers}]}}}


def sent_on(https: Https, flag: str) -> Json:
    """Render the route that sends a request on.

    Whoever terminates TLS in front of the router, and says so, has been asked by HTTPS; a client that claims
    it harms only itself.

    Args:
        flag: what Caddy fills in with `https` where an app's visitors are to be sent on.
    """
    there = f"/{https.authority.folder}/{_HOST}/{_HOST}.crt"
    by_http: Json = {
        "protocol": "http",
        "not": [{"header": {"X-Forwarded-Proto": _BY_HTTPS}}, {"path": [_CHALLENGES]}],
        **is_one_of(flag, "https"),
    }
    certified: Json = {"file": {"root": https.certificates, "try_files": [there]}}
    headers = {"Location": [f"https://{_HOST}{{http.request.uri}}"], "Cache-Control": [_KEPT]}
    answer = {"handler": "static_response", "status_code": 308, "headers": headers}
    # Only then is there a look into folders, since Caddy goes through matchers of one route in any order.
    look = subroute([{"match": [certified], "handle": [answer], "terminal": True}])
    return {"match": [by_http], "handle": [look]}
