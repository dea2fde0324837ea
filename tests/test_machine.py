"""What lesson 00 says about the machine."""

from tlcourse.course import machine


def test_the_report_names_what_matters():
    report = machine.report()
    for name in ("Python", "Keras", "backend", "device", "memory", "disk"):
        assert report[name]
    assert report["device"].split()[0] in ("CPU", "GPU")
    assert "GB free" in report["memory"]


def test_the_speed_is_measured_in_a_plausible_range():
    assert 1e8 < machine.flop_per_second(side=256, repeats=2) < 1e16
