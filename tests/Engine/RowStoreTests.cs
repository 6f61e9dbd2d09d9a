using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class RowStoreTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public void Rows_are_kept_wherever_they_lie(long bytes)
    {
        using var store = RowStore.Create(5, [2, 3], new(bytes, folder.Path));
        Assert.Equal(bytes == 0, store.IsSpilled);
        Assert.Equal((5, 6), (store.Rows, store.RowLength));
        Assert.Equal([2L, 3L], store.RowDims);
        Assert.All(Enumerable.Range(0, 5), r => Assert.Equal(new float[6], store.Row(r).ToArray()));
        for (var row = 0; row < 5; row++)
        {
            store.Row(row).Fill(row);
            store.Row(row)[5] = -row;
        }

        var gathered = new float[12];
        store.Gather([4, 1], gathered);
        Assert.Equal([4, 4, 4, 4, 4, -4, 1, 1, 1, 1, 1, -1], gathered);

        // The tensor is the rows themselves, not a copy of them.
        using var tensor = store.AsTensor();
        store.Row(3)[0] = 100;
        Assert.Equal([5, 2, 3], Tensors.Dims(tensor));
        Assert.Equal(100, Tensors.Floats(tensor)[18]);
        Assert.Equal(-4, Tensors.Floats(tensor)[29]);
    }

    [Fact]
    public void Rows_may_be_single_numbers()
    {
        using var store = RowStore.Create(3, [], new(0, folder.Path));
        store.Row(2)[0] = 7;
        using var tensor = store.AsTensor();
        Assert.Equal([3], Tensors.Dims(tensor));
        Assert.Equal([0, 0, 7], Tensors.Floats(tensor).ToArray());
    }

    [Fact]
    public void Stores_share_a_budget_and_give_it_back()
    {
        var budget = new MemoryBudget(40, folder.Path);
        var first = RowStore.Create(1, [8], budget);
        using var second = RowStore.Create(1, [8], budget);
        using var small = RowStore.Create(1, [2], budget);
        Assert.Equal((false, true, false), (first.IsSpilled, second.IsSpilled, small.IsSpilled));
        first.Dispose();
        first.Dispose();
        using var third = RowStore.Create(1, [8], budget);
        using var fourth = RowStore.Create(1, [1], budget);
        Assert.Equal((false, true), (third.IsSpilled, fourth.IsSpilled));
    }

    [Fact]
    public void A_spilled_file_is_gone_when_it_is_closed_and_elsewhere_than_on_Windows_at_once()
    {
        var store = RowStore.Create(4, [1000], new(0, folder.Path));
        Assert.True(store.IsSpilled);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Empty(Directory.GetFiles(folder.Path));
        }

        store.Dispose();
        Assert.Empty(Directory.GetFiles(folder.Path));
        Assert.Throws<ObjectDisposedException>(() => store.Row(0).Length);
        Assert.Throws<ObjectDisposedException>(() => store.AsTensor());
    }

    [Fact]
    public void A_disk_without_room_is_named_with_the_room_that_is_needed()
    {
        // Eight petabytes.
        var error = Assert.Throws<DiffusionQuantException>(() =>
            RowStore.Create(int.MaxValue, [1 << 20], new(0, folder.Path))
        );
        Assert.Equal("DQ4020", error.Code);
        Assert.StartsWith(folder.Path, error.Message);
        Assert.Contains("8589934588 MB", error.Message);
        Assert.Contains("are free", error.Message);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_has_a_code()
    {
        File.WriteAllText(folder.File("taken"), "");
        var error = Assert.Throws<DiffusionQuantException>(() => RowStore.Create(1, [4], new(0, folder.File("taken"))));
        Assert.Equal("DQ4020", error.Code);
        Assert.Contains("1 MB", error.Message);
    }

    [Fact]
    public void Rows_outside_are_refused()
    {
        using var store = RowStore.Create(2, [3], new(1000));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Row(2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Row(-1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Gather([0, 1], new float[5]));
    }

    [Fact]
    public void More_than_2_GB_are_one_tensor()
    {
        const int RowLength = 1 << 20;
        const int Rows = 600;
        using var store = RowStore.Create(Rows, [RowLength], new(3L << 30));
        store.Row(Rows - 1).Fill(3);
        var graph = new OnnxGraph { Name = "rows" };
        graph.Inputs.Add(new("x", ElementType.Float, null));
        graph.Inputs.Add(new("row", ElementType.Int64, null));
        graph.Outputs.Add(new("y", ElementType.Float, null));
        graph.Nodes.Add(new("Gather", ["x", "row"], ["y"]));
        using var session = ModelSession.Load(new OnnxModel(graph) { IrVersion = 8, Opset = 16 });
        using var x = store.AsTensor();
        using var row = Tensors.Of(new long[] { Rows - 1 }, 1);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x, ["row"] = row });
        Assert.Equal([1, RowLength], Tensors.Dims(outputs["y"]));
        Assert.All(Tensors.ToFloats(outputs["y"])[..100], v => Assert.Equal(3, v));
    }

    [Fact]
    public void A_budget_is_safe_to_use_from_many_threads()
    {
        var budget = new MemoryBudget(100);
        var taken = 0;
        Parallel.For(0, 1000, _ => Interlocked.Add(ref taken, budget.TryTake(1) ? 1 : 0));
        Assert.Equal(100, taken);
        budget.Release(taken);
        Assert.True(budget.TryTake(100));
        Assert.False(budget.TryTake(1));
    }
}
