using System.Text.Json.Serialization;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.Commands;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool;

/// <summary>The JSON that the tool reads and writes.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ProgressReport))]
[JsonSerializable(typeof(CacheManifest))]
[JsonSerializable(typeof(QuantizeReport))]
[JsonSerializable(typeof(InspectReport))]
[JsonSerializable(typeof(SampleReport))]
internal sealed partial class ToolJson : JsonSerializerContext;
