"""The application as a whole."""

from inspect import iscoroutinefunction

from tests.webside import WebSide


def test_nothing_that_it_calls_is_a_coroutine(tmp_path):
    """It does not look whether one is; Flask would, five times a request."""
    side = WebSide.make(tmp_path / "data")
    with side.client() as client:
        app = client.application
        hooks = [app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs]
        called = [call for hook in hooks for calls in hook.values() for call in calls]
        handlers = [by_code[None] for by_code in app.error_handler_spec.values()]
        called += [call for by_error in handlers for call in by_error.values()]
        called += app.view_functions.values()
    side.close()

    assert len(called) > 50
    assert not any(map(iscoroutinefunction, called))
