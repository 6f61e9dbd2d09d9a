using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Scaling;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Scaling;

/// <summary>Which row of a table a timestep chooses in the graph, behind what is fed for it.</summary>
public class TimestepFactorsTests
{
    /// <summary>t = ¼·ln σ of sampling by Karras et al. 2022: from 1.0955 down to −1.5536.</summary>
    private static double[] Edm(int steps) =>
        [
            .. Enumerable
                .Range(0, steps)
                .Select(i =>
                {
                    var (most, least) = (Math.Pow(80, 1 / 7.0), Math.Pow(0.002, 1 / 7.0));
                    return Math.Log(Math.Pow(most + (i / (steps - 1.0) * (least - most)), 7)) / 4;
                }),
        ];

    [Theory]
    [InlineData(ElementType.Float, 10)]
    [InlineData(ElementType.Float, 50)]
    [InlineData(ElementType.Double, 50)]
    [InlineData(ElementType.Float16, 10)]
    [InlineData(ElementType.Float16, 50)]
    public void Timesteps_of_EDM_have_a_row_each(ElementType type, int steps) => AssertOwnRows(type, 1, Edm(steps));

    [Theory]
    [InlineData(1)]
    [InlineData(0.001)]
    public void Neighbours_have_a_row_each_down_to_the_last_bit(double scale)
    {
        // The middle of two neighbours in float32 is one of them: now the upper, now the lower.
        var fed = (float)(815 * scale);
        float[] neighbours = [MathF.BitIncrement(MathF.BitIncrement(fed)), MathF.BitIncrement(fed), fed];
        AssertOwnRows(ElementType.Float, scale, [.. neighbours.Select(f => f / scale)]);
    }

    [Fact]
    public void Truncated_timesteps_have_the_rows_of_those_that_are_fed_as_they_are() =>
        AssertOwnRows(ElementType.Int64, 1, [815.0175, 780.5, 11.05, 10.95, 9.9, 8.01, 0.7, -1.55]);

    [Fact]
    public void What_cannot_be_told_apart_has_the_noisiest_one_s_row()
    {
        double[] timesteps = [10.9, 9.9, 9.5, 9.1, 3];
        Assert.Equal([0, 1, 1, 1, 4], Rows(ElementType.Int32, 1, timesteps, timesteps));
    }

    [Theory]
    [InlineData(ElementType.Int64, 1)]
    [InlineData(ElementType.Float, 1)]
    [InlineData(ElementType.Float, 0.001)]
    public void Whole_timesteps_have_the_nearest_row_and_of_two_the_noisier(ElementType type, double scale)
    {
        double[] timesteps = [981, 961, 740, 500, 39, 20, 1, 0];
        double[] asked = [.. Enumerable.Range(0, 1000)];
        Assert.Equal(
            asked.Select(t => (float)timesteps.Index().MinBy(g => Math.Abs(g.Item - t)).Index),
            Rows(type, scale, timesteps, asked)
        );
    }

    [Fact]
    public void Others_have_the_nearest_row()
    {
        double[] timesteps = [960.129, 815.0175, 815, 0.25, -1.55];
        double[] asked = [1000, 890, 885, 815.0089, 815.0086, 408, 407, -0.6, -0.7, -3];
        Assert.Equal([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], Rows(ElementType.Float, 1, timesteps, asked));
    }

    private static void AssertOwnRows(ElementType type, double scale, double[] timesteps)
    {
        var own = Enumerable.Range(0, timesteps.Length).Select(i => (float)i);
        Assert.Equal(own, Rows(type, scale, timesteps, timesteps));
        // In whichever order the groups come.
        Assert.Equal(own, Rows(type, scale, [.. timesteps.Reverse()], [.. timesteps.Reverse()]));
    }

    /// <summary>The number of the group that each timestep chooses.</summary>
    private static float[] Rows(ElementType type, double scale, double[] timesteps, double[] asked)
    {
        var contract = DenoiserContract.Of(new Scaffold { TimestepType = type }.Build((_, h, _) => h)) with
        {
            TimestepScale = scale,
        };
        var graph = new OnnxGraph { Name = "factors" };
        graph.Inputs.Add(new(contract.Timestep.Name, type, contract.Timestep.Shape));
        var editor = new GraphEditor(graph);
        var factors = new TimestepFactors(editor, contract, timesteps);
        var row = factors.Add("row", ElementType.Float, 2, timesteps.Select((_, group) => (float)group));
        factors.Write();
        graph.Outputs.Add(new(row, ElementType.Float, null));

        using var session = ModelSession.Load(new OnnxModel(graph) { Opset = 17, IrVersion = 8 });
        using var inputs = new DenoiserInputs(
            contract,
            new()
            {
                Count = asked.Length,
                Samples = new float[asked.Length * contract.SampleShape.Length],
                Timesteps = asked,
            }
        );
        var name = contract.Timestep.Name;
        using var outputs = session.Run(
            new Dictionary<string, Microsoft.ML.OnnxRuntime.OrtValue> { [name] = inputs.Values[name] }
        );
        return Tensors.ToFloats(outputs[row]);
    }
}
