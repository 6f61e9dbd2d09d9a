using DiffusionQuant.Quantization;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Progress;

/// <summary>Takes progress from the libraries, estimates the time left, and shows it wherever it is wanted.</summary>
internal sealed class ProgressHub : IProgress<QuantizationProgress>, IDisposable
{
    private readonly Lock gate = new();
    private readonly ProgressEstimator estimator;
    private readonly IReadOnlyList<IProgressView> views;

    private readonly Reporter? reporter;

    public ProgressHub(TimeProvider time, IReadOnlyList<IProgressView> views, Reporter? reporter = null)
    {
        estimator = new(time);
        this.views = views;
        this.reporter = reporter;
    }

    /// <summary>Views for a terminal or a log, and for the progress file where one is named.</summary>
    public static ProgressHub Create(ToolHost host, Reporter reporter, string? progressFile)
    {
        var views = new List<IProgressView>();
        if (reporter.Terminal is { } terminal)
        {
            views.Add(new TerminalProgress(terminal));
        }
        else if (reporter.ShowsNotes)
        {
            views.Add(new MilestoneProgress(reporter.Note, host.Time));
        }

        if (progressFile is not null)
        {
            views.Add(new ProgressFile(progressFile, host.Time, reporter));
        }

        return new(host.Time, views, reporter);
    }

    public void Report(QuantizationProgress value)
    {
        if (value.Note is { } note)
        {
            reporter?.Note(note);
        }

        if (value.Warning is { } warning)
        {
            reporter?.Warn(warning);
        }

        Report(value.Stage, value.Fraction, value.Detail);
    }

    public void Report(string stage, double fraction, string? detail = null)
    {
        lock (gate)
        {
            var state = estimator.Next(stage, fraction, detail);
            foreach (var view in views)
            {
                view.Show(state);
            }
        }
    }

    public void Dispose()
    {
        foreach (var view in views)
        {
            view.Dispose();
        }
    }
}
