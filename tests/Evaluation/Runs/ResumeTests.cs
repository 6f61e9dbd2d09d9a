using DiffusionQuant.Evaluation.Runs;

namespace DiffusionQuant.Evaluation.Tests.Runs;

public sealed class ResumeTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    // Of 11 batches the first three are paired. Stopped among those, where they end, and behind them.
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.27)]
    [InlineData(0.6)]
    [InlineData(0.99)]
    public void A_stopped_run_goes_on_and_gives_the_same(double stop)
    {
        var work = tiny.NewFolder();
        using var setup = EvaluationSetup.Of(tiny.Request);
        setup.SaveInterval = TimeSpan.Zero;

        Stop(stop, (progress, cancellation) => tiny.MakeBaseline(setup, work, progress, cancellation));
        var floatProgress = new Heard();
        var baseline = tiny.MakeBaseline(setup, work, floatProgress);
        AssertWentOn(stop, floatProgress);

        Stop(stop, (progress, cancellation) => Evaluator.Measure(setup, baseline, work, progress, cancellation));
        var modelProgress = new Heard();
        var actual = Evaluator.Measure(setup, baseline, work, modelProgress);
        AssertWentOn(stop, modelProgress);

        Agreement.AssertSame(tiny.Whole, actual, 1e-9);
        Agreement.AssertSame(tiny.Assemble([("", tiny.Whole)]), tiny.Assemble([("", actual)]), 1e-9);
        Assert.Empty(Directory.GetFileSystemEntries(work));
    }

    [Fact]
    public void What_another_run_left_is_not_used()
    {
        var work = tiny.NewFolder();
        using var other = EvaluationSetup.Of(tiny.Request with { Seed = 7 });
        other.SaveInterval = TimeSpan.Zero;
        Stop(0.5, (progress, cancellation) => tiny.MakeBaseline(other, work, progress, cancellation));

        using var setup = EvaluationSetup.Of(tiny.Request);
        var progress = new Heard();
        var baseline = tiny.MakeBaseline(setup, work, progress);
        Assert.True(progress.First < 0.1);
        Agreement.AssertSame(tiny.Whole, Evaluator.Measure(setup, baseline, work), 1e-9);
    }

    [Theory]
    [InlineData("float.checkpoint", false)]
    [InlineData("float.checkpoint", true)]
    [InlineData("trajectories.bin", true)]
    public void A_run_whose_leftovers_are_damaged_begins_anew(string name, bool isCut)
    {
        var work = tiny.NewFolder();
        using var setup = EvaluationSetup.Of(tiny.Request);
        setup.SaveInterval = TimeSpan.Zero;
        Stop(0.5, (progress, cancellation) => tiny.MakeBaseline(setup, work, progress, cancellation));
        var file = Path.Combine(work, name);
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 3] ^= 1;
        File.WriteAllBytes(file, isCut ? bytes[..(bytes.Length / 2)] : bytes);

        var progress = new Heard();
        var baseline = tiny.MakeBaseline(setup, work, progress);
        Assert.True(progress.First < 0.1);
        Agreement.AssertSame(tiny.Whole, Evaluator.Measure(setup, baseline, work), 1e-9);
    }

    [Fact]
    public void A_checkpoint_is_not_saved_before_its_time()
    {
        var path = Path.Combine(tiny.NewFolder(), "checkpoint");
        var checkpoint = new Checkpoint(path, "key", TimeSpan.FromHours(1));
        checkpoint.SaveNowAndThen(1, _ => throw new InvalidOperationException("It was saved."));
        Assert.False(File.Exists(path));
    }

    private static void Stop(double fraction, Action<IProgress<EvaluationProgress>, CancellationToken> run)
    {
        using var source = new CancellationTokenSource();
        var progress = new Heard(value =>
        {
            if (value >= fraction)
            {
                source.Cancel();
            }
        });
        Assert.ThrowsAny<OperationCanceledException>(() => run(progress, source.Token));
    }

    /// <summary>It began with the batch in which it was stopped, or the next one, not with the first.</summary>
    private static void AssertWentOn(double stop, Heard progress) =>
        Assert.InRange(progress.First, Math.Max(stop - 0.1, stop > 0.1 ? 0.1 : 0), stop + 0.1);

    /// <summary>Told at once, on the thread that tells: what is heard is in order.</summary>
    private sealed class Heard(Action<double>? then = null) : IProgress<EvaluationProgress>
    {
        public double First { get; private set; } = double.NaN;

        public void Report(EvaluationProgress value)
        {
            First = double.IsNaN(First) ? value.Fraction : First;
            then?.Invoke(value.Fraction);
        }
    }
}
