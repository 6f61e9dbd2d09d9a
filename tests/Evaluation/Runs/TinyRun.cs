using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation.Tests.Runs;

/// <summary>A small model, what quantization made of it, an extractor with all that one can have, and image data: on disk,
/// once for all tests that evaluate.</summary>
public sealed class TinyRun : IDisposable
{
    private const int Size = 8;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");
    private readonly Lazy<EvaluationPart> whole;

    public TinyRun()
    {
        var source = folder.CreateSubdirectory("float").FullName;
        DdpmUNet.Build(DdpmUNetSettings.Tiny).Save(Path.Combine(source, "model.onnx"));
        File.WriteAllText(
            Path.Combine(source, "scheduler_config.json"),
            """{ "_class_name": "DDIMScheduler", "num_train_timesteps": 100, "prediction_type": "epsilon" }"""
        );
        var recipe = new Recipe(BitWidths.Parse("W4A8"))
        {
            CalibrationSamples = 8,
            CalibrationBatch = 4,
            Steps = 4,
            Threads = 1,
            Device = "cpu",
        };
        var quantized = folder.CreateSubdirectory("quantized").FullName;
        Quantizer.Run(new(Path.Combine(source, "model.onnx"), quantized, recipe));
        Request = new(quantized)
        {
            FloatPath = source,
            Extractor = WriteExtractor(folder.CreateSubdirectory("extractor").FullName),
            Reference = WriteImages(Path.Combine(folder.FullName, "reference.npy")),
            PairedImages = 10,
            DistributionImages = 44,
            BatchSize = 4,
            Steps = 3,
            Session = SessionSettings.Default with { Threads = 1 },
        };
        whole = new(() => Make(Request));
    }

    /// <summary>A run of 11 batches, the third of which is paired in part.</summary>
    public EvaluationRequest Request { get; }

    /// <summary>The run, made at once.</summary>
    public EvaluationPart Whole => whole.Value;

    /// <summary>A new folder.</summary>
    public string NewFolder() => folder.CreateSubdirectory(Path.GetRandomFileName()).FullName;

    /// <summary>Makes a part from its beginning.</summary>
    public EvaluationPart Make(EvaluationRequest request)
    {
        using var setup = EvaluationSetup.Of(request);
        var work = NewFolder();
        return Evaluator.Measure(setup, MakeBaseline(setup, work), work);
    }

    /// <summary>Makes the float model's side of a part.</summary>
    public string MakeBaseline(
        EvaluationSetup setup,
        string work,
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        var baseline = NewFolder();
        Evaluator.MakeBaseline(setup, baseline, work, progress, cancellation);
        return baseline;
    }

    /// <summary>Makes a run in parts, one after another, each through its file, and names them in another order.</summary>
    public IReadOnlyList<(string Name, EvaluationPart Part)> MakeParts(EvaluationRequest request, int count)
    {
        var target = NewFolder();
        for (var index = 1; index <= count; index++)
        {
            Make(request with { Shard = new(index, count) }).Save(Path.Combine(target, $"{index}.dqpart"));
        }

        return [.. EvaluationPart.FindIn(target).Reverse().Select(f => (f, EvaluationPart.Load(f)))];
    }

    /// <summary>The metrics of parts.</summary>
    public EvaluationReport Assemble(IReadOnlyList<(string Name, EvaluationPart Part)> parts)
    {
        using var setup = EvaluationSetup.Of(Request);
        return Evaluator.Assemble(parts, setup.Reference, NewFolder());
    }

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>A convolution's maps, their means and classes of those.</summary>
    private static string WriteExtractor(string target)
    {
        const int Channels = 5;
        const int Classes = 3;
        var weights = new SeededWeights(3);
        var b = new GraphBuilder("extractor");
        var image = b.Input("image", ElementType.Float, "batch", 1, Size, Size);
        var maps = b.Op(
            "Relu",
            b.Conv(
                image,
                b.Parameter("conv.weight", weights.Kaiming([Channels, 1, 3, 3])),
                b.Parameter("conv.bias", weights.Around(0, 0.3f, [Channels])),
                strides: 4
            )
        );
        b.Output(maps, "maps", ElementType.Float, "batch", Channels, 2, 2);
        var features = b.Reshape(b.Op("GlobalAveragePool", maps), 0, -1);
        b.Output(features, "features", ElementType.Float, "batch", Channels);
        var logits = b.Linear(
            features,
            b.Parameter("fc.weight", weights.Kaiming([Classes, Channels])),
            b.Parameter("fc.bias", weights.Around(0, 0.3f, [Classes]))
        );
        b.Output(logits, "logits", ElementType.Float, "batch", Classes);
        b.Build().Save(Path.Combine(target, "model.onnx"));
        File.WriteAllText(
            Path.Combine(target, ExtractorSettings.FileName),
            """
            {
              "name": "tiny", "model": "model.onnx", "input": "image", "width": 8, "height": 8, "channels": 1,
              "features": "features", "logits": "logits", "spatial": "maps", "spatialChannels": 3
            }
            """
        );
        return target;
    }

    private static string WriteImages(string path)
    {
        const int Count = 60;
        var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': ({Count}, {Size}, {Size}), }}";
        // Version 1.0: magic, version, the header's length, and spaces so that the data begins at a multiple of 64.
        header = header.PadRight(128 - 11) + "\n";
        var pixels = new byte[Count * Size * Size];
        new Random(5).NextBytes(pixels);
        File.WriteAllBytes(
            path,
            [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. pixels]
        );
        return path;
    }
}
