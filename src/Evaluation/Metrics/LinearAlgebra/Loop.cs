using DiffusionQuant.Engine;

namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>Loops that run in threads where the work is worth it.</summary>
internal static class Loop
{
    /// <summary>Runs a body for 0 to <paramref name="count"/> − 1, whose turns do not depend on each other.</summary>
    public static void For(int count, bool threaded, Action<int> body)
    {
        if (threaded && count > 1)
        {
            Workers.For(0, count, body);
            return;
        }

        for (var i = 0; i < count; i++)
        {
            body(i);
        }
    }
}
