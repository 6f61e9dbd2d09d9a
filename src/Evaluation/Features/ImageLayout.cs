using System.Text.Json.Serialization;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>The order of an image tensor's dimensions.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ImageLayout>))]
public enum ImageLayout
{
    /// <summary>N, C, H, W: one plane for each channel.</summary>
    [JsonStringEnumMemberName("nchw")]
    Nchw,

    /// <summary>N, H, W, C: the channels of a pixel side by side.</summary>
    [JsonStringEnumMemberName("nhwc")]
    Nhwc,
}
