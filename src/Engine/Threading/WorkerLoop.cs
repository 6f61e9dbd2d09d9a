using System.Runtime.ExceptionServices;

namespace DiffusionQuant.Engine;

/// <summary>One loop: the turns that are left, and who takes them.</summary>
internal sealed class WorkerLoop(int from, int to, Action<int> body, WorkerSlots slots, CancellationToken cancellation)
{
    private readonly object gate = new();

    // Past the end by as many as look for a turn at once, which an int might not hold.
    private long next = from;
    private int waiting;
    private int working;
    private bool isClosed;
    private volatile bool hasFailed;
    private (int Turn, Exception Exception)? failure;

    /// <summary>Takes turns until none is left, and waits for those that others took.</summary>
    public void Run()
    {
        TakeTurns();
        Close();
        cancellation.ThrowIfCancellationRequested();
        if (failure is var (_, exception))
        {
            ExceptionDispatchInfo.Throw(exception);
        }
    }

    private void TakeTurns()
    {
        while (!hasFailed && !cancellation.IsCancellationRequested)
        {
            var turn = Interlocked.Increment(ref next) - 1;
            if (turn >= to)
            {
                return;
            }

            if (turn + 1 < to && slots.TryTake())
            {
                CallHelper();
            }

            try
            {
                body((int)turn);
            }
            catch (Exception e)
            {
                Fail((int)turn, e);
            }
        }
    }

    private void CallHelper()
    {
        lock (gate)
        {
            waiting++;
        }

        ThreadPool.QueueUserWorkItem(static loop => loop.Help(), this, preferLocal: false);
    }

    private void Help()
    {
        lock (gate)
        {
            // The loop did not wait for it, and gave its slot back.
            if (isClosed)
            {
                return;
            }

            waiting--;
            working++;
        }

        TakeTurns();
        slots.Return();
        lock (gate)
        {
            working--;
            Monitor.Pulse(gate);
        }
    }

    /// <summary>Turns that began end; helpers that did not begin are not waited for, since their pool may be busy for long.</summary>
    private void Close()
    {
        lock (gate)
        {
            isClosed = true;
            slots.Return(waiting);
            while (working > 0)
            {
                Monitor.Wait(gate);
            }
        }
    }

    /// <summary>Turns begin in order and end once begun, so the first that fails in the range's order is always seen.</summary>
    private void Fail(int turn, Exception exception)
    {
        lock (gate)
        {
            if (failure is not { } known || turn < known.Turn)
            {
                failure = (turn, exception);
            }
        }

        hasFailed = true;
    }
}
