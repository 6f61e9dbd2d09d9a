using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation;

/// <summary>The failures of measuring and merging: codes DQ3001 to DQ3019.</summary>
internal static partial class EvaluationErrors
{
    [Diagnostic("DQ3001")]
    public static DiffusionQuantException IdentityMismatch(string model, string difference) =>
        new(
            "DQ3001",
            $"{model.ReplaceLineEndings(" ")}: the values cannot be compared, because they were not measured in the same way: {Shorten(difference)}. Measure both with the same settings."
        );

    [Diagnostic("DQ3002")]
    public static DiffusionQuantException BadShard(string text) =>
        new(
            "DQ3002",
            $"'{text}' names no part of a run. Write 3/16 for the third of sixteen parts; the first is 1/16."
        );

    [Diagnostic("DQ3003")]
    public static DiffusionQuantException BadShardVariable(string name, string value) =>
        new(
            "DQ3003",
            $"The environment variable {name} says '{value}', which names no part of a run. Correct it, or say which part with --shard; --shard 1/1 for all of it."
        );

    [Diagnostic("DQ3004")]
    public static DiffusionQuantException ShardCountMissing() =>
        new(
            "DQ3004",
            "JOB_COMPLETION_INDEX says which part of a run this is, but not of how many: Kubernetes does not tell a job's completions. Set DIFFQUANT_SHARDS to their number in the pod's template, or use --shard."
        );

    [Diagnostic("DQ3005")]
    public static DiffusionQuantException NotAPart(string path, string why, Exception? cause = null) =>
        new(
            "DQ3005",
            $"{path}: this is no readable part of an evaluation: {why} Make the part again with diffquant evaluate --shard.",
            cause
        );

    [Diagnostic("DQ3006")]
    public static DiffusionQuantException MixedParts(string path, string other, string difference) =>
        new(
            "DQ3006",
            $"{path} and {other} belong to different runs ({difference}), so their numbers do not add up to one. Merge only parts of one run."
        );

    [Diagnostic("DQ3007")]
    public static DiffusionQuantException PartsMissing(string missing) =>
        new(
            "DQ3007",
            $"Parts are missing: {missing}. Make them with diffquant evaluate --shard, or check that all files were collected."
        );

    [Diagnostic("DQ3008")]
    public static DiffusionQuantException PartsOverlap(string path, string other, int image) =>
        new(
            "DQ3008",
            $"{path} and {other} both hold image {image}, which would count twice. Merge only the parts of one division, each once."
        );

    [Diagnostic("DQ3009")]
    public static DiffusionQuantException NoParts(string path) =>
        new("DQ3009", $"{path}: there are no parts here (*.dqpart). Make them with diffquant evaluate --shard.");

    [Diagnostic("DQ3010")]
    public static DiffusionQuantException ModelsDoNotPair(string path, string floatPath, string why) =>
        new(
            "DQ3010",
            $"{path} and {floatPath} cannot be compared: {why}. Name the float model that the quantized one was made from."
        );

    [Diagnostic("DQ3011")]
    public static DiffusionQuantException BadCount(string setting, long value, long least, long most) =>
        new("DQ3011", $"{setting} is {value}, but may be {least} to {most}. Change it.");

    [Diagnostic("DQ3013")]
    public static DiffusionQuantException OtherReference(string expected, string given) =>
        new(
            "DQ3013",
            $"The parts were measured for the reference {expected}, and {given} is another. Give the same reference to all parts and to the merge."
        );

    [Diagnostic("DQ3014")]
    public static DiffusionQuantException CannotWrite(string path, Exception cause) =>
        new("DQ3014", $"{path}: this cannot be written: {cause.Message} Name another place, or free this one.", cause);

    [Diagnostic("DQ3015")]
    public static DiffusionQuantException NotAnArtifact(string path, Exception cause) =>
        new(
            "DQ3015",
            $"{path}: this is no description of a quantized model: {cause.Message} Quantize the model again.",
            cause
        );

    [Diagnostic("DQ3016")]
    public static DiffusionQuantException NothingToMeasure(string path, string why) =>
        new(
            "DQ3016",
            $"{path}: there is nothing to measure. {why} Name the float model for paired metrics, or a number of images, an extractor and a reference for distributions.".Replace(
                "  ",
                " ",
                StringComparison.Ordinal
            )
        );

    [Diagnostic("DQ3017")]
    public static DiffusionQuantException NoClipScore(string path, string why) =>
        new("DQ3017", $"{path}: this CLIP model has nothing to score: {why}, or leave the CLIP model out.");

    /// <summary>Hashes say enough by how they begin.</summary>
    private static string Shorten(string text) => Hash().Replace(text, "$1...");

    [GeneratedRegex(@"\b([0-9a-f]{12})[0-9a-f]{28,}\b")]
    private static partial Regex Hash();
}
