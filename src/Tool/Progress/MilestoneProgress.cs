using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Progress;

/// <summary>
/// Progress for logs: a line for a stage that does not pass at once, one at every quarter, and a sign of life when
/// nothing was said for half a minute (as Spectre.Console's fallback renderer does).
/// </summary>
internal sealed class MilestoneProgress : IProgressView
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);
    private static readonly int[] Milestones = [25, 50, 75];

    private readonly Lock gate = new();
    private readonly Action<string> say;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private long lastLine;
    private long stageStart;
    private long lastState;
    private string? saidStage;
    private ProgressState? state;

    public MilestoneProgress(Action<string> say, TimeProvider time)
    {
        this.say = say;
        this.time = time;
        lastLine = time.GetTimestamp();
        timer = time.CreateTimer(_ => OnBeat(), null, Beat, Beat);
    }

    public void Show(ProgressState next)
    {
        lock (gate)
        {
            if (next.Stage != state?.Stage)
            {
                stageStart = time.GetTimestamp();
            }

            var before = state is null || next.Fraction < state.Fraction ? 0 : state.Percent;
            var passed = Array.FindLast(Milestones, m => before < m && m <= next.Percent);
            state = next;
            lastState = time.GetTimestamp();
            if (passed > 0)
            {
                Say($"{next.Stage}: {passed} %{Left(next.Remaining)}");
            }
        }
    }

    public void Dispose() => timer.Dispose();

    private void OnBeat()
    {
        lock (gate)
        {
            if (state is null)
            {
                return;
            }

            if (state.Stage != saidStage && time.GetElapsedTime(stageStart) >= Beat)
            {
                Say(state.Stage + (state.Detail is null ? "" : $": {state.Detail}"));
            }
            else if (time.GetElapsedTime(lastLine) >= Heartbeat)
            {
                var since = time.GetElapsedTime(lastState);
                var left = state.Remaining - since;
                Say(
                    $"{state.Stage}: still at work, {state.Percent} % after {Humanize.Time(state.Elapsed + since)}"
                        + Left(left > TimeSpan.Zero ? left : null)
                );
            }
        }
    }

    private static string Left(TimeSpan? remaining) =>
        remaining is { } left ? $", about {Humanize.Time(left)} left" : "";

    private void Say(string text)
    {
        lastLine = time.GetTimestamp();
        saidStage = state!.Stage;
        say(text);
    }
}
