using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Tests.Progress;

public sealed class MilestoneProgressTests : IDisposable
{
    private readonly FakeTime time = new();
    private readonly List<string> lines = [];
    private readonly ProgressHub hub;

    public MilestoneProgressTests() => hub = new(time, [new MilestoneProgress(lines.Add, time)]);

    public void Dispose() => hub.Dispose();

    [Fact]
    public void Stages_that_pass_at_once_are_not_worth_a_line()
    {
        hub.Report("load", 0);
        hub.Report("fold constants", 0.01);
        time.Advance(0.5);
        hub.Report("calibrate", 0.02, "t = 900");
        Assert.Empty(lines);
        time.Advance(2);
        Assert.Equal(["calibrate: t = 900"], lines);
        time.Advance(10);
        Assert.Single(lines);
    }

    [Fact]
    public void Quarters_are_said_once_with_the_time_left()
    {
        for (var percent = 0; percent <= 100; percent++)
        {
            hub.Report("calibrate", percent / 100.0);
            time.Advance(1);
        }

        Assert.Equal(
            [
                "calibrate",
                "calibrate: 25 %, about 75 s left",
                "calibrate: 50 %, about 50 s left",
                "calibrate: 75 %, about 25 s left",
            ],
            lines
        );
    }

    [Fact]
    public void A_leap_over_several_quarters_is_one_line()
    {
        hub.Report("calibrate", 0.1);
        hub.Report("export", 0.8);
        Assert.Equal(["export: 75 %"], lines);
    }

    [Fact]
    public void A_sign_of_life_comes_after_half_a_minute_of_silence()
    {
        hub.Report("calibrate", 0);
        time.Advance(10);
        hub.Report("calibrate", 0.1);
        time.Advance(60);
        Assert.Equal(
            [
                "calibrate",
                "calibrate: still at work, 10 % after 31 s, about 69 s left",
                "calibrate: still at work, 10 % after 61 s, about 39 s left",
            ],
            lines
        );
    }

    [Fact]
    public void Nothing_is_said_after_the_end()
    {
        hub.Report("calibrate", 0);
        hub.Dispose();
        time.Advance(100);
        Assert.Empty(lines);
    }

    [Fact]
    public void The_estimate_starts_anew_where_the_fraction_falls_back()
    {
        var estimator = new ProgressEstimator(time);
        estimator.Next("first", 0, null);
        time.Advance(10);
        Assert.Equal(10, estimator.Next("first", 0.5, null).Remaining!.Value.TotalSeconds, 3);
        time.Advance(10);
        Assert.Null(estimator.Next("second", 0, null).Remaining);
        time.Advance(4);
        var state = estimator.Next("second", 0.25, null);
        Assert.Equal(12, state.Remaining!.Value.TotalSeconds, 3);
        Assert.Equal(24, state.Elapsed.TotalSeconds, 3);
    }
}
