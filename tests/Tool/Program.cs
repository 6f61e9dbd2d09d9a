using DiffusionQuant.Quantization;
using DiffusionQuant.Tool.CommandLine;

namespace DiffusionQuant.Tool.Tests;

/// <summary>The tool with a quantizer that does not listen, for a test of what ends it all the same.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        using var interruption = new Interruption();
        return await ToolRunner.RunAsync(
            arguments,
            ToolHost.OfThisProcess() with
            {
                Quantize = Stubborn,
            },
            interruption.Token
        );
    }

    private static void Stubborn(
        QuantizationRequest request,
        IProgress<QuantizationProgress> progress,
        CancellationToken cancellation
    )
    {
        File.WriteAllText(Path.Combine(request.OutputFolder, "model.onnx"), "half a model");
        progress.Report(new("check", 0.9, null));
        Thread.Sleep(TimeSpan.FromMinutes(2));
    }
}
