"""Sending visitors on from HTTP to HTTPS, as soon as there is a certificate that their browsers trust.

Looked for at each request that is to be sent on: a name of a new app would else lead to nothing until its
certificate is there, or for good where its DNS leads elsewhere. Pure.
"""

from dataclasses import dataclass

from runner.router.caddy import Json, is_one_of, subroute

# Folders of authorities that browsers trust are called after their addresses, such as
# acme-v02.api.letsencrypt.org-directory and acme.zerossl.com-v2-dv90 (Caddy 2.11). Caddy's own is "local".
_AUTHORITIES = "acme*"
_CHALLENGES = "/.well-known/acme-challenge/*"
_HOST = "{http.request.host}"
# Permanent, so that search engines follow, but browsers ask again, since it can be taken back.
_KEPT = "max-age=300"
_USUAL_PORT = 443


@dataclass(frozen=True, slots=True)
class Https:
    """How HTTPS is served.

    Attributes:
        port: of its public address.
        certificates: absolute path of Caddy's folder.
    """

    port: int
    certificates: str


def sent_on(https: Https, flag: str) -> Json:
    """Render the route that sends a request on.

    Whoever terminates TLS in front of the router, and says so, has been asked by HTTPS; a client that claims
    it harms only itself.

    Args:
        flag: what Caddy fills in with `https` where an app's visitors are to be sent on.
    """
    there = f"/{_AUTHORITIES}/{_HOST}/{_HOST}.crt"
    by_http: Json = {
        "protocol": "http",
        "not": [{"header": {"X-Forwarded-Proto": ["https"]}}, {"path": [_CHALLENGES]}],
        **is_one_of(flag, "https"),
    }
    certified: Json = {"file": {"root": https.certificates, "try_files": [there]}}
    port = "" if https.port == _USUAL_PORT else f":{https.port}"
    headers = {"Location": [f"https://{_HOST}{port}{{http.request.uri}}"], "Cache-Control": [_KEPT]}
    answer = {"handler": "static_response", "status_code": 308, "headers": headers}
    # Only then is there a look into folders, since Caddy goes through matchers of one route in any order.
    look = subroute([{"match": [certified], "handle": [answer], "terminal": True}])
    return {"match": [by_http], "handle": [look]}
