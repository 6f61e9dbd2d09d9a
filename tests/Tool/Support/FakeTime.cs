namespace DiffusionQuant.Tool.Tests;

/// <summary>A clock that moves only when told to.</summary>
internal sealed class FakeTime : TimeProvider
{
    private readonly List<Timer> timers = [];
    private TimeSpan now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => now.Ticks;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero) + now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state), dueTime, period);
        timers.Add(timer);
        return timer;
    }

    public void Advance(double seconds)
    {
        var end = now + TimeSpan.FromSeconds(seconds);
        while (timers.Where(t => t.Due <= end).MinBy(t => t.Due) is { } next)
        {
            now = next.Due;
            next.Fire();
        }

        now = end;
    }

    private sealed class Timer(FakeTime time, Action callback, TimeSpan dueTime, TimeSpan period) : ITimer
    {
        public TimeSpan Due { get; private set; } = time.now + dueTime;

        public void Fire()
        {
            Due += period;
            callback();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => time.timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
