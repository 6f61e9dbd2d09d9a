using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Calibration;

namespace DiffusionQuant.Quantization.Tests.Training;

/// <summary>What tests of whole networks' training begin with.</summary>
internal static class TrainedNetworks
{
    public static DdpmUNetSettings Attentive { get; } =
        TestModels.SmallUNet with
        {
            Channels = 16,
            Resolution = 8,
            AttentionResolutions = [4],
        };

    /// <summary>Attention with random weights amplifies any error beyond measure; the network without it does not.</summary>
    public static DdpmUNetSettings Calm { get; } = Attentive with { AttentionResolutions = [] };

    public static PassContext Context(Action<string>? note = null) =>
        new(new() { Threads = 1 }, (_, _) => { }, default) { Note = note ?? (_ => { }) };

    public static Recipe Recipe(string bits, string method) =>
        new(BitWidths.Parse(bits))
        {
            CalibrationSamples = 20,
            CalibrationBatch = 4,
            Steps = 5,
            Threads = 1,
            Device = "cpu",
            Method = method,
        };

    /// <summary>The state behind some passes.</summary>
    public static QuantizationState Prepare(
        DiffusionModel source,
        Recipe recipe,
        IEnumerable<IQuantizationPass> passes
    ) => passes.Aggregate(new QuantizationState(source, recipe), (state, pass) => pass.Run(state, Context()));

    public static string Images(int channels, int size)
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("diffusionquant-tests-").FullName, "images.npy");
        using var stream = File.Create(path);
        new NpyHeader(ElementType.UInt8, [12, channels, size, size]).Write(stream);
        var pixels = new byte[12 * channels * size * size];
        new Random(3).NextBytes(pixels);
        stream.Write(pixels);
        return path;
    }
}
