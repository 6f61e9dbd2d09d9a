using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class CancellationTests
{
    private const int Size = 512;

    [Fact]
    public void A_run_is_stopped_between_two_operators()
    {
        using var session = ModelSession.Load(TinyModels.LongChain(Size, 3000), new() { Threads = 1 });
        using var x = Tensors.Of(new float[Size * Size], Size, Size);
        using var source = new CancellationTokenSource();
        var inputs = new Dictionary<string, OrtValue> { ["x0"] = x };
        using var starts = new ManualResetEventSlim();
        Exception? thrown = null;
        // A thread of its own, and no timer: on a busy machine the thread pool may be late by longer than the run takes.
        var thread = new Thread(() =>
        {
            starts.Set();
            thrown = Record.Exception(() => session.Run(inputs, null, source.Token).Dispose());
        });
        thread.Start();
        starts.Wait();
        thread.Join(50);
        source.Cancel();
        thread.Join();
        var e = Assert.IsAssignableFrom<OperationCanceledException>(thrown);
        Assert.Equal(source.Token, e.CancellationToken);
    }

    [Fact]
    public void A_cancelled_scope_loads_nothing()
    {
        using var source = new CancellationTokenSource();
        using var workers = Workers.Use(1, source.Token);
        ModelSession.Load(TinyModels.SumAndProduct()).Dispose();
        source.Cancel();
        var e = Assert.Throws<OperationCanceledException>(() => ModelSession.Load(TinyModels.SumAndProduct()));
        Assert.Equal(source.Token, e.CancellationToken);
    }

    [Fact]
    public void A_cancelled_token_starts_nothing_and_the_session_stays_usable()
    {
        using var session = ModelSession.Load(TinyModels.SumAndProduct());
        using var x = Tensors.Of(new float[3], 1, 3);
        var inputs = new Dictionary<string, OrtValue> { ["x"] = x };
        Assert.Throws<OperationCanceledException>(() => session.Run(inputs, null, new(canceled: true)));
        using var binding = session.Bind().BindInput("x", x);
        Assert.Throws<OperationCanceledException>(() => binding.Run(new(canceled: true)));
        using var outputs = session.Run(inputs);
        using var bound = binding.Run();
        Assert.Equal(Tensors.ToFloats(outputs["sum"]), Tensors.ToFloats(bound["sum"]));
    }
}
