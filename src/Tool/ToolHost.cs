using DiffusionQuant.Engine;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization;

namespace DiffusionQuant.Tool;

/// <summary>What surrounds a run of the tool; tests give their own.</summary>
internal sealed record ToolHost
{
    /// <summary>Where results go.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Where messages and progress go.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Reads an environment variable; null when it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = _ => null;

    /// <summary>Waits for a key of the person at the terminal; null where there is none to ask.</summary>
    public Func<CancellationToken, Task<char>>? ReadKey { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The quantizer.</summary>
    public Action<QuantizationRequest, IProgress<QuantizationProgress>, CancellationToken> Quantize { get; init; } =
        (request, progress, cancellation) => Quantizer.Run(request, progress, cancellation);

    /// <summary>Reads <c>auto</c>, <c>cpu</c> or <c>cuda:1</c>.</summary>
    public Func<string, Device> FindDevice { get; init; } = Device.Parse;

    /// <summary>Why the GPU of this machine cannot be used; null where it can, or where there is none.</summary>
    public Func<DiffusionQuantException?> GpuFault { get; init; } = IdleGpu.FindFault;

    /// <summary>The surroundings of this process.</summary>
    public static ToolHost OfThisProcess() =>
        new()
        {
            Output = Console.Out,
            Error = Console.Error,
            Variable = Environment.GetEnvironmentVariable,
            ReadKey = Console.IsInputRedirected || Console.IsOutputRedirected ? null : WaitForKeyAsync,
        };

    private static async Task<char> WaitForKeyAsync(CancellationToken cancellation)
    {
        // Console.ReadKey cannot be cancelled once it waits.
        while (!Console.KeyAvailable)
        {
            await Task.Delay(30, cancellation);
        }

        return Console.ReadKey(intercept: true).KeyChar;
    }
}
