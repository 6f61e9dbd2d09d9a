using System.Text.Json.Serialization;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.Commands;
using DiffusionQuant.Tool.Evaluating;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool;

/// <summary>The JSON that the tool reads and writes.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ProgressReport))]
[JsonSerializable(typeof(CacheManifest))]
[JsonSerializable(typeof(QuantizeReport))]
[JsonSerializable(typeof(SearchReport))]
[JsonSerializable(typeof(InspectReport))]
[JsonSerializable(typeof(SampleReport))]
[JsonSerializable(typeof(TrainReport))]
[JsonSerializable(typeof(EvaluationResult))]
[JsonSerializable(typeof(PartReport))]
[JsonSerializable(typeof(WrittenReport))]
[JsonSerializable(typeof(ExtractorReport))]
[JsonSerializable(typeof(ReferenceReport))]
[JsonSerializable(typeof(ExtractorImportReport))]
[JsonSerializable(typeof(AcceptReport))]
[JsonSerializable(typeof(ReviewReport))]
internal sealed partial class ToolJson : JsonSerializerContext;
