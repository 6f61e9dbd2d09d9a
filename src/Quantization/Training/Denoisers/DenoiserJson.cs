using System.Text.Json;
using System.Text.Json.Serialization;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>The JSON of this folder's files.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    WriteIndented = true
)]
[JsonSerializable(typeof(DenoiserConfig))]
[JsonSerializable(typeof(TrainingReport))]
internal sealed partial class DenoiserJson : JsonSerializerContext;
