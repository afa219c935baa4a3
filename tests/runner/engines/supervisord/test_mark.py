from runner.engines.supervisord.mark import Mark


def test_a_mark_stays_until_something_changes_and_never_comes_back() -> None:
    mark = Mark()
    seen = [str(mark)]
    assert str(mark) == seen[0]

    for _ in range(2):
        mark.change()
        seen.append(str(mark))
    mark.begin()
    seen.append(str(mark))
    mark.change()
    seen.append(str(mark))

    assert len(set(seen)) == len(seen)
