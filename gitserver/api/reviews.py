"""Review apps of an app: what is wished for its pull requests, and what was made for them."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import Number, ReviewApproval, ReviewPolicyChange
from gitserver.services import services
from stratum.secrets import seal, unseal
from stratum.store import environments, reviews
from stratum.variables import checked_variables
from stratum.verbs import pulls
from stratum.verbs import reviews as verbs

blueprint = APIBlueprint("reviews", __name__, url_prefix="/api/apps/<environment>/<app>/review-apps")
blueprint.record(Number.tell)


@blueprint.get("")
def list_all(environment: str, app: str) -> rows.Row:
    """Tell what is wished, and list the pull requests that were told of, newest first."""
    with services().database.read() as tx:
        policy, known = verbs.policy_of(tx, app_named()), reviews.list_reviews(tx, app_named().id)
        made = {one.app_id: environments.get_app(tx, one.app_id) for one in known if one.app_id}
    names = unseal(services().instance.layout.config_key, policy.sealed_values)
    pulls = [rows.review(one, made.get(one.app_id or 0), services().instance) for one in known]
    return {**rows.review_policy(policy, sorted(names)), "pull_requests": pulls}


@blueprint.patch("")
@blueprint.input(ReviewPolicyChange, location="json")
def change(environment: str, app: str, json_data: ReviewPolicyChange) -> rows.Row:
    """Change what the body has, for what is made and pushed from now on."""
    given = json_data.given()
    if "variables" in given:
        given["variables"] = tuple(json_data.variables)
    if "values" in given:
        checked = checked_variables(json_data.values)
        del given["values"]
        given["sealed_values"] = seal(services().instance.layout.config_key, checked) if checked else None
    with services().database.write() as tx:
        return done(verbs.change_policy(tx, again(tx), given))


@blueprint.post("/<number:number>/approve")
@blueprint.input(ReviewApproval, location="json")
def approve(environment: str, app: str, number: int, json_data: ReviewApproval) -> tuple[rows.Row, int]:
    """Have the commit built that a pull request from a fork is at."""
    word = pulls.Approval(json_data.commit, json_data.with_variables)
    with services().database.write() as tx:
        pull, outcome = pulls.approve(tx, again(tx), number, word, who=caller().name)
    services().nudges.fetch(app_named().id)
    said = {"changed": True, "commit": pull.commit, "source": pull.source}
    return {**said, "app": outcome.app.label if outcome.app else None, "build": outcome.build}, 202


@blueprint.delete("/<number:number>")
def destroy(environment: str, app: str, number: int) -> rows.Row:
    """Destroy the review app of a pull request; news of that make another."""
    with services().database.write() as tx:
        change = verbs.close(tx, again(tx), number, who=caller().name)
        ends = verbs.find(tx, app_named(), number).app_id
    if change.rollout is not None and ends is not None:
        services().nudges.rollout(ends)
    return {"changed": change.changed, "message": change.message}
