namespace DiffusionQuant.Quantization.Parts;

/// <summary>What became of a part.</summary>
/// <param name="Part">Its folder: <c>text_encoder</c>.</param>
/// <param name="Form">The recipe's word: <c>W8A16</c>.</param>
/// <param name="FloatBytes">Bytes of the source, external data included.</param>
/// <param name="Bytes">Bytes of the result, external data included.</param>
/// <param name="Layers">Layers that are quantized; 0 for a change of precision.</param>
/// <param name="OutputSqnr">SQNR of its outputs in dB, the least of them, on what the pipeline gave it; null where it was given
/// nothing.</param>
public sealed record PipelinePartReport(
    string Part,
    string Form,
    long FloatBytes,
    long Bytes,
    int Layers,
    double? OutputSqnr
);
