using System.Text.Json.Nodes;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Tool.Tests;

/// <summary>Stands for the quantizer: remembers what it was asked, and writes files of the same names.</summary>
internal sealed class FakeQuantizer
{
    private int calls;

    public int Calls => calls;

    public QuantizationRequest? Request { get; private set; }

    /// <summary>How large the file is said to be; the float model has 1000 bytes.</summary>
    public long Bytes { get; set; } = 250;

    /// <summary>What happens during the work.</summary>
    public Action<IProgress<QuantizationProgress>, CancellationToken> Work { get; set; } = (_, _) => { };

    public void Run(
        QuantizationRequest request,
        IProgress<QuantizationProgress> progress,
        CancellationToken cancellation
    )
    {
        var call = Interlocked.Increment(ref calls);
        Request = request;
        File.WriteAllText(Path.Combine(request.OutputFolder, "model.onnx"), $"model {call}");
        Work(progress, cancellation);
        cancellation.ThrowIfCancellationRequested();
        File.WriteAllText(Path.Combine(request.OutputFolder, "scheduler_config.json"), "{}");
        var report = new QuantizationReport
        {
            ToolVersion = "1.0.0",
            AlgorithmVersion = 1,
            RuntimeVersion = "1.0.0",
            Device = "cpu",
            Source = new("model.onnx", "00", "", 17),
            Recipe = JsonNode.Parse(request.Recipe.CanonicalJson)!,
            RecipeHash = request.Recipe.Hash,
            Passes = [],
            Calibration = new(1, [1]),
            FloatBytes = 1000,
            QuantizedBytes = Bytes,
            OutputSqnr = [new(1, 20.5), new(2, 18.25)],
            Layers =
            [
                new("/a", "Conv", "first", LayerMode.Integer, null, [8, 1, 3, 3], 80, 4, 20, [], null),
                new("/b", "Conv", "last", LayerMode.Float, null, [1, 8, 3, 3], 73, null, null, [], null),
            ],
        };
        File.WriteAllText(Path.Combine(request.OutputFolder, QuantizationReport.FileName), report.ToJson());
    }
}
