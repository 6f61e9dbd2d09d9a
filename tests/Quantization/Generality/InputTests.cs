using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>Batches, timesteps and further inputs in the forms that are met in files.</summary>
public class InputTests
{
    private const int C = Scaffold.Channels;

    private static Value Plain(Scaffold scaffold, GraphBuilder b, Value h) =>
        h + b.Conv(h, b.Parameter("weight", scaffold.Weight(C, C, 3, 3)), null, 1);

    [Theory]
    [InlineData(ElementType.Int64, "")]
    [InlineData(ElementType.Int32, "1")]
    [InlineData(ElementType.Float, "batch")]
    [InlineData(ElementType.Float16, "batch,1")]
    [InlineData(ElementType.Float, "")]
    [InlineData(ElementType.Int64, "batch,1")]
    [InlineData(ElementType.Float16, "1")]
    public void Timesteps(ElementType type, string shape)
    {
        var scaffold = new Scaffold { TimestepType = type, TimestepShape = Scaffold.Shape(shape) };
        using var model = new QuantizedModel(scaffold.Build((b, h, _) => Plain(scaffold, b, h)), "W8A8");
        model.AssertSound();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void FixedBatches(int batch)
    {
        var scaffold = new Scaffold { Batch = batch, TimestepShape = [batch] };
        using var model = new QuantizedModel(scaffold.Build((b, h, _) => Plain(scaffold, b, h)), "W8A8");
        model.AssertSound();
    }

    [Fact]
    public void ClassLabels()
    {
        var scaffold = new Scaffold();
        var source = scaffold.Build(
            (b, h, _) =>
            {
                var labels = b.Input("class_labels", ElementType.Int64, "batch");
                var table = b.Parameter("classes", scaffold.Weight(10, C));
                var one = b.Linear(
                    b.Op("Gather", [table, labels], ("axis", 0L)),
                    b.Parameter("class.weight", scaffold.Weight(C, C)),
                    b.Parameter("class.bias", scaffold.Bias(C))
                );
                return Plain(scaffold, b, h + b.Unsqueeze(one, 2, 3));
            }
        );
        using var model = new QuantizedModel(source, "W8A8");
        model.AssertSound();
        Assert.All(model.Report.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));
    }

    [Fact]
    public void LayersThatReadTheTimestepItself()
    {
        var scaffold = new Scaffold { TimestepType = ElementType.Float, TimestepShape = ["batch", 1] };
        var source = scaffold.Build(
            (b, h, _) =>
            {
                var learned = b.Linear(
                    scaffold.Time!,
                    b.Parameter("time2.weight", OnnxTensor.Of("", TestModels.Numbers(1, C, 1e-3).AsSpan(), C, 1)),
                    b.Parameter("time2.bias", scaffold.Bias(C))
                );
                return Plain(scaffold, b, h + b.Unsqueeze(learned, 2, 3));
            }
        );
        using var model = new QuantizedModel(source, "W8A8");
        model.AssertSound();
        Assert.Contains(model.Report.Layers, l => l.Inputs.Any(i => i.Value == "timestep" && i.Max == 750));
    }

    [Fact]
    public void TextStatesAndOpenSizes()
    {
        var scaffold = new Scaffold();
        var source = scaffold.Build(
            (b, h, _) =>
            {
                var states = b.Input("encoder_hidden_states", ElementType.Float, "batch", "sequence", 6);
                var queries = b.Transpose(b.Reshape(h, 0, C, -1), 0, 2, 1);
                var keys = b.MatMul(states, b.Parameter("to_k", scaffold.Matrix(6, C)));
                var values = b.MatMul(states, b.Parameter("to_v", scaffold.Matrix(6, C)));
                var scores = b.MatMul(queries, b.Transpose(keys, 0, 2, 1)) * b.Scalar(0.25f);
                var attended = b.MatMul(b.Softmax(scores), values);
                return h + b.Reshape(b.Transpose(attended, 0, 2, 1), -1, C, Scaffold.Size, Scaffold.Size);
            }
        );
        source.Graph.Inputs[0] = new("sample", ElementType.Float, new(["batch", 2, "height", "width"]));
        source.Graph.Outputs[0] = new("noise", ElementType.Float, new(["batch", 2, "height", "width"]));
        var states = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        try
        {
            WriteArray(Path.Combine(states.FullName, "encoder_hidden_states.npy"), 4, 3, 6);
            using var model = new QuantizedModel(
                source,
                "W8A8",
                r =>
                    r with
                    {
                        Conditioning = states.FullName,
                        Dimensions = r.Dimensions.Add("height", Scaffold.Size).Add("width", Scaffold.Size),
                    }
            );
            model.AssertSound();
            Assert.All(model.Report.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));
            Assert.Contains(model.Report.Layers, l => l.Inputs.Any(i => i.Value == "encoder_hidden_states"));

            // Other content, another recipe; another place, the same.
            var moved = new DirectoryInfo(Path.Combine(states.FullName, "moved"));
            moved.Create();
            WriteArray(Path.Combine(moved.FullName, "encoder_hidden_states.npy"), 4, 3, 6);
            Assert.Equal(model.Recipe.Hash, (model.Recipe with { Conditioning = moved.FullName }).Hash);
            WriteArray(Path.Combine(moved.FullName, "encoder_hidden_states.npy"), 5, 3, 6);
            Assert.NotEqual(model.Recipe.Hash, (model.Recipe with { Conditioning = moved.FullName }).Hash);
            Assert.DoesNotContain(states.FullName, model.Recipe.CanonicalJson);
        }
        finally
        {
            states.Delete(recursive: true);
        }
    }

    private static void WriteArray(string path, params long[] dims)
    {
        var header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({string.Join(", ", dims)}), }}";
        header = header.PadRight(117) + "\n";
        var values = TestModels.Numbers(4, dims.Aggregate((a, b) => a * b));
        File.WriteAllBytes(
            path,
            [
                0x93,
                .. "NUMPY"u8,
                1,
                0,
                (byte)header.Length,
                0,
                .. System.Text.Encoding.ASCII.GetBytes(header),
                .. System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()),
            ]
        );
    }
}
