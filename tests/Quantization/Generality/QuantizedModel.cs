using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Serialization;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Agreement;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>A model that went the whole way through <see cref="Quantizer"/>, and what it must have kept.</summary>
internal sealed class QuantizedModel : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");
    private readonly DiffusionModel source;
    private readonly QuantizationState state;

    public QuantizedModel(
        OnnxModel model,
        string bits,
        Func<Recipe, Recipe>? change = null,
        SaveOptions? save = null,
        params string[] rules
    )
    {
        var path = Write(folder.FullName, model, save);
        Recipe = new Recipe(BitWidths.Parse(bits))
        {
            CalibrationSamples = 16,
            CalibrationBatch = 4,
            Steps = 4,
            Threads = 1,
            Device = "cpu",
            Rules = [.. rules.Select(LayerRule.Parse)],
        };
        Recipe = change?.Invoke(Recipe) ?? Recipe;
        var output = folder.CreateSubdirectory("out").FullName;
        Report = Quantizer.Run(new(path, output, Recipe), null, out state).Report;
        Artifact = OnnxModel.Load(Path.Combine(output, Quantizer.ModelFileName));
        source = DiffusionModel.Load(path, Recipe.ToModelOptions());
    }

    public Recipe Recipe { get; }

    public QuantizationReport Report { get; }

    public OnnxModel Artifact { get; }

    /// <summary>The worst SQNR that the report names, in dB.</summary>
    public double Sqnr => Report.OutputSqnr.Min(s => s.Decibels);

    public IReadOnlyDictionary<string, int> Operators => Runs.OptimizedOperators(Artifact);

    public static string Write(string folder, OnnxModel model, SaveOptions? save = null)
    {
        var path = Path.Combine(folder, "model.onnx");
        model.Save(path, save);
        File.WriteAllText(Path.Combine(folder, "scheduler_config.json"), TestModels.EpsilonSchedule);
        return path;
    }

    /// <summary>The only layer whose name ends so, after the passes.</summary>
    public LayerReport Layer(string ending) => Assert.Single(Report.Layers, l => l.Name.EndsWith(ending));

    /// <summary>Signature, kernels, agreement with the simulation and closeness to the float model.</summary>
    public void AssertSound(double decibels = 15)
    {
        Assert.Equal(source.Model.Graph.Inputs, Artifact.Graph.Inputs);
        Assert.Equal(source.Model.Graph.Outputs, Artifact.Graph.Outputs);
        Assert.Equal(source.Model.Opset, Artifact.Opset);
        AssertKernels();
        using (var inputs = new DenoiserInputs(source.Contract, Call()))
        {
            PointAgreement.AssertAgree(state.Graph, state.Plan, Artifact, inputs.Values);
        }

        Assert.True(Sqnr >= decibels, $"{Sqnr} dB");
    }

    /// <summary>Every layer that the plan gives to integers runs in an integer kernel, and no other.</summary>
    private void AssertKernels()
    {
        var operators = Operators;
        int Count(params string[] names) => names.Sum(n => operators.GetValueOrDefault(n));
        int Planned(string opType) => Report.Layers.Count(l => l.Mode == LayerMode.Integer && l.Operator == opType);
        Assert.Equal(Planned("Conv"), Count("QLinearConv", "ConvInteger"));
        Assert.Equal(Planned("Gemm"), Count("QGemm"));
        Assert.Equal(Planned("MatMul"), Count("MatMulIntegerToFloat", "QLinearMatMul"));
        Assert.Equal(0, Count("BitShift", "MatMulNBits", "DequantizeMatMul"));
    }

    private DenoiserCall Call()
    {
        var contract = source.Contract;
        var count = contract.FixedBatch ?? 2;
        return new()
        {
            Count = count,
            Samples = TestModels.Numbers(7, count * contract.SampleShape.Length),
            Timesteps = [500],
            ClassLabels = contract.ClassLabel is null ? null : [.. Enumerable.Range(0, count)],
            Conditioning = Conditioning(contract, count),
        };
    }

    private static Dictionary<string, OnnxTensor> Conditioning(DenoiserContract contract, int count) =>
        contract.Conditioning.ToDictionary(
            i => i.Name,
            i =>
            {
                long[] dims = [.. i.Shape!.Select((d, axis) => axis == 0 ? count : d.Value ?? 3)];
                return OnnxTensor.Of(i.Name, TestModels.Numbers(9, dims.Aggregate((a, b) => a * b)).AsSpan(), dims);
            }
        );

    public void Dispose() => folder.Delete(recursive: true);
}
