using System.Text.Json.Serialization;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>How images are brought to an extractor's size. Features depend on it, so it is part of the extractor's identity
/// (Parmar et al., "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", 2022).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ResizeFilter>))]
public enum ResizeFilter
{
    /// <summary>Not at all: images must have the extractor's size.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>A triangle as wide as the scale asks for, as PIL's <c>BILINEAR</c> on float images.</summary>
    [JsonStringEnumMemberName("antialiased-bilinear")]
    AntialiasedBilinear,

    /// <summary>Keys' cubic with a = −0.5, as wide as the scale asks for: PIL's <c>BICUBIC</c> on float images, as clean-fid
    /// uses it.</summary>
    [JsonStringEnumMemberName("antialiased-bicubic")]
    AntialiasedBicubic,

    /// <summary>TensorFlow 1's <c>resize_bilinear</c> with <c>align_corners=False</c>: corners instead of pixel centres, and
    /// only the four nearest pixels, as the ADM evaluator and torch-fidelity use it.</summary>
    [JsonStringEnumMemberName("tf1-bilinear")]
    Tf1Bilinear,
}
