using System.Collections.Immutable;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>The keys of a recipe's JSON. Options of the tool have the same words with hyphens.</summary>
internal static class RecipeKeys
{
    public const string Quantize = "quantize";
    public const string Method = "method";
    public const string Policy = "policy";
    public const string Rules = "rules";
    public const string SoftmaxBits = "softmaxBits";
    public const string Sampler = "sampler";
    public const string Eta = "eta";
    public const string TimeGrid = "timeGrid";
    public const string Steps = "steps";
    public const string Effort = "effort";
    public const string Iterations = "iterations";
    public const string CalibrationSamples = "calibrationSamples";
    public const string TimestepSampling = "timestepSampling";
    public const string TimestepMean = "timestepMean";
    public const string TimestepDeviation = "timestepDeviation";
    public const string GuidanceScale = "guidanceScale";
    public const string SampleSelection = "sampleSelection";
    public const string CalibrationBatch = "calibrationBatch";
    public const string Seed = "seed";
    public const string Device = "device";
    public const string Threads = "threads";
    public const string InputRoles = "inputRoles";
    public const string ClipSample = "clipSample";
    public const string Conditioning = "conditioning";
    public const string Prompts = "prompts";
    public const string Parts = "parts";
    public const string TrainingData = "trainingData";
    public const string Dimensions = "dimensions";
    public const string WeightsSha256 = "weightsSha256";

    public static ImmutableArray<string> All { get; } =
    [
        Quantize,
        Method,
        Policy,
        Rules,
        SoftmaxBits,
        Sampler,
        Eta,
        TimeGrid,
        Steps,
        Effort,
        Iterations,
        CalibrationSamples,
        TimestepSampling,
        TimestepMean,
        TimestepDeviation,
        GuidanceScale,
        SampleSelection,
        CalibrationBatch,
        Seed,
        Device,
        Threads,
        InputRoles,
        ClipSample,
        Conditioning,
        Prompts,
        Parts,
        TrainingData,
        Dimensions,
        WeightsSha256,
    ];
}
