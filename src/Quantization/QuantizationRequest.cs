using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization;

/// <summary>What to quantize, how, and where to.</summary>
/// <param name="ModelPath">A <c>.onnx</c> file or a model's folder.</param>
/// <param name="OutputFolder">An existing, empty folder; gets quantization.json, and of a model alone model.onnx and
/// scheduler_config.json, of a pipeline's folder the same layout.</param>
/// <param name="Recipe">How.</param>
public sealed record QuantizationRequest(string ModelPath, string OutputFolder, Recipe Recipe)
{
    /// <summary>What the model's files leave open besides the recipe's input roles.</summary>
    public ModelOptions ModelOptions { get; init; } = ModelOptions.Default;

    /// <summary>Whether a pipeline's other parts (text encoders, tokenizers, VAE) are copied into the output.</summary>
    public bool CopiesOtherParts { get; init; } = true;

    /// <summary>Bytes of memory that calibration data may take before it goes to files. No part of the recipe: it does not
    /// change the result.</summary>
    public long MemoryBudget { get; init; } = Passes.PassContext.UsualMemory;

    /// <summary>Where such files, and what an interrupted run can go on from, are kept; null for the system's temporary
    /// folder, which keeps nothing of them.</summary>
    public string? WorkFolder { get; init; }
}

/// <summary>How far a quantization is.</summary>
/// <param name="Stage">The pass that runs.</param>
/// <param name="Fraction">0 to 1 over all stages.</param>
/// <param name="Detail">What it is at, or null.</param>
public sealed record QuantizationProgress(string Stage, double Fraction, string? Detail)
{
    /// <summary>What a user should read now: what long work will cost, before it begins; null for nothing.</summary>
    public string? Note { get; init; }

    /// <summary>What is probably not as a user wants it; null for nothing.</summary>
    public Onnx.Diagnostics.DiffusionQuantException? Warning { get; init; }
}

/// <summary>What a quantization has made.</summary>
/// <param name="Report">All of it, as in quantization.json.</param>
/// <param name="Files">The files it wrote.</param>
public sealed record QuantizationResult(Artifacts.QuantizationReport Report, IReadOnlyList<string> Files)
{
    /// <summary>Bytes of the float model.</summary>
    public long FloatBytes => Report.FloatBytes;

    /// <summary>Bytes of the quantized model.</summary>
    public long QuantizedBytes => Report.QuantizedBytes;

    /// <summary>Layers that compute in integers or from packed weights.</summary>
    public int QuantizedLayers => Report.Layers.Count(l => l.Mode != Plan.LayerMode.Float);

    /// <summary>Layers that compute as before.</summary>
    public int FloatLayers => Report.Layers.Count - QuantizedLayers;
}
