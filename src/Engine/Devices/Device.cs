using System.Globalization;

namespace DiffusionQuant.Engine;

/// <summary>What a graph runs on.</summary>
/// <param name="Kind">The kind of device.</param>
/// <param name="Index">Which device of its kind, from 0; always 0 for the processor.</param>
public readonly record struct Device(DeviceKind Kind, int Index = 0)
{
    /// <summary>The processor.</summary>
    public static Device Cpu => default;

    /// <summary>Whether this machine has an NVIDIA GPU with a driver. Cheap; does not load CUDA.</summary>
    public static bool NvidiaGpuPresent => NvidiaGpus.Present;

    /// <summary>
    /// Whether graphs can run on the first GPU: the CUDA provider and all that it needs is there and starts. The first
    /// call starts CUDA, which takes a second or so where there is a GPU, and is cheap where there is none.
    /// </summary>
    public static bool CudaProviderAvailable => CudaProvider.Fault(0) is null;

    /// <summary>Reads a device: <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>, in any case of letters.</summary>
    /// <param name="text">The text. <c>auto</c> is the first GPU where <see cref="CudaProviderAvailable"/>, else the processor.</param>
    /// <returns>A device that graphs can run on.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4002: the text names no device. DQ4003 to DQ4007:
    /// CUDA is asked for and cannot be used; the message says what is missing. DQ4001: ONNX Runtime itself is missing.</exception>
    public static Device Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var device = ParseName(text.Trim());
        if (device is null)
        {
            return CudaProviderAvailable ? new(DeviceKind.Cuda) : Cpu;
        }

        device.Value.ThrowIfUnusable();
        return device.Value;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        Kind == DeviceKind.Cpu ? "cpu" : string.Create(CultureInfo.InvariantCulture, $"cuda:{Index}");

    /// <summary>Throws where graphs cannot run on this device.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4003 to DQ4007.</exception>
    internal void ThrowIfUnusable()
    {
        if (Kind == DeviceKind.Cuda && CudaProvider.Fault(Index) is { } fault)
        {
            throw fault();
        }
    }

    /// <summary>The named device; null for <c>auto</c>.</summary>
    private static Device? ParseName(string text)
    {
        switch (text.ToLowerInvariant())
        {
            case "auto":
                return null;
            case "cpu":
                return Cpu;
            case "cuda":
                return new(DeviceKind.Cuda);
        }

        return
            text.StartsWith("cuda:", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? new(DeviceKind.Cuda, index)
            : throw EngineErrors.UnknownDevice(text);
    }
}
