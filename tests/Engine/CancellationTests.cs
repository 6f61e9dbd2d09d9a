using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class CancellationTests
{
    private const int Size = 256;

    [Fact]
    public async Task A_run_is_stopped_between_two_operators()
    {
        using var session = ModelSession.Load(TinyModels.LongChain(Size, 3000), new() { Threads = 1 });
        using var x = Tensors.Of(new float[Size * Size], Size, Size);
        using var source = new CancellationTokenSource();
        var inputs = new Dictionary<string, OrtValue> { ["x0"] = x };
        var run = Task.Run(() => session.Run(inputs, null, source.Token));
        source.CancelAfter(TimeSpan.FromMilliseconds(50));
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
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
