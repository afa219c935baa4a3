from stratum.first_scales import first_scales
from stratum.model import Formation, TargetSettings


def test_web_runs_from_the_first_release_and_others_wait():
    scales = first_scales(["web", "worker", "clock"], Formation(), {}, start_all=False)

    assert scales == {"web": 1, "worker": 0, "clock": 0}


def test_an_environment_may_start_all_targets_of_the_first_release():
    assert first_scales(["worker", "clock"], Formation(), {}, start_all=True) == {"worker": 1, "clock": 1}


def test_scales_that_were_wished_stay():
    wished = Formation({"web": 0, "worker": 3})

    assert first_scales(["web", "worker"], wished, {}, start_all=True) == {}


def test_only_new_targets_get_a_scale():
    wished = Formation({"worker": 0})

    assert first_scales(["web", "worker", "clock"], wished, {}, start_all=True) == {"web": 1, "clock": 1}
    assert first_scales(["web", "worker", "clock"], wished, {}, start_all=False) == {"web": 1, "clock": 0}


def test_the_release_phase_is_no_process():
    assert first_scales(["release", "worker"], Formation(), {}, start_all=True) == {"worker": 1}


def test_app_json_says_what_a_new_target_begins_with_and_nothing_of_others():
    asked = {
        "web": TargetSettings(quantity=0),
        "worker": TargetSettings(quantity=3),
        "gone": TargetSettings(),
    }

    found = first_scales(["web", "worker", "clock"], Formation({"worker": 1}), asked, start_all=False)
    assert found == {"web": 0, "clock": 0}
    assert first_scales(["worker"], Formation(), asked, start_all=True) == {"worker": 3}
