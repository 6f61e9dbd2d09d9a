using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Progress;

/// <summary>Progress for a terminal: a bar a stage, with the time left.</summary>
internal sealed class TerminalProgress : IProgressView
{
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ProgressContext> started = new();
    private readonly Task drawing;
    private ProgressTask? bar;
    private string? stage;

    public TerminalProgress(IAnsiConsole console) =>
        drawing = console
            .Progress()
            .AutoClear(true)
            .Columns(
                // What changes its width comes last, so that the bar stands still.
                new SpinnerColumn(),
                new ProgressBarColumn(),
                new PercentageColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left }
            )
            .StartAsync(context =>
            {
                started.SetResult(context);
                return done.Task;
            });

    public void Show(ProgressState state)
    {
        if (bar is null || (state.Stage != stage && state.Fraction < bar.Value))
        {
            // The fraction is this stage's own: the former stage is through.
            bar?.Value(1);
            bar = started.Task.GetAwaiter().GetResult().AddTask(Markup.Escape(state.Stage), maxValue: 1);
        }

        stage = state.Stage;
        bar.Value = state.Fraction;
        var left = state.Remaining is { } remaining ? $"  about {Humanize.Time(remaining)} left" : "";
        var detail = state.Detail is null ? "" : $"  {state.Detail}";
        bar.Description = Markup.Escape(state.Stage) + $"[grey]{Markup.Escape(detail + left)}[/]";
    }

    public void Dispose()
    {
        done.TrySetResult();
        drawing.GetAwaiter().GetResult();
    }
}
