using System.CommandLine;
using System.Globalization;
using System.Numerics;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool;

/// <summary>The failures and warnings of the command line: codes DQ1120 to DQ1139.</summary>
internal static class ToolErrors
{
    [Diagnostic("DQ1120")]
    public static DiffusionQuantException BadCommandLine(string why, Command command) =>
        new("DQ1120", $"{why}{(why.EndsWith('?') ? "" : ".")} See: dotnet diffquant {Words(command)}--help");

    [Diagnostic("DQ1121")]
    public static DiffusionQuantException OutputHoldsOther(string path, string content) =>
        new(
            "DQ1121",
            $"{path}: this folder holds something else than {content}, and would be replaced. Name a new or empty folder."
        );

    [Diagnostic("DQ1122")]
    public static DiffusionQuantException CannotWrite(string path, Exception cause) =>
        new("DQ1122", $"{path}: this cannot be written: {cause.Message} Name another place, or free this one.", cause);

    [Diagnostic("DQ1123")]
    public static DiffusionQuantException CacheUnusable(string path, Exception cause) =>
        new(
            "DQ1123",
            $"{path}: the cache cannot be used, so nothing is taken from it or kept: {cause.Message} Name another folder with --cache-directory, or silence this with --no-cache.",
            cause
        );

    [Diagnostic("DQ1124")]
    public static DiffusionQuantException EntryDamaged(string path, string why) =>
        new(
            "DQ1124",
            $"{path}: this entry of the cache is damaged ({why}) and is made anew. Nothing needs to be done."
        );

    [Diagnostic("DQ1125")]
    public static DiffusionQuantException NotPng(string path) =>
        new("DQ1125", $"{path}: pictures are written as PNG. Let the name end in .png.");

    [Diagnostic("DQ1126")]
    public static DiffusionQuantException BadNumber<T>(string option, T value, T least, T most)
        where T : INumber<T> =>
        new(
            "DQ1126",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{option} is {value}, but may be {least} to {most}. Change it."
            )
        );

    [Diagnostic("DQ1128")]
    public static DiffusionQuantException NotAReport(string path, Exception cause) =>
        new(
            "DQ1128",
            $"{path}: this is no description of a quantized model: {cause.Message} Quantize the model again.",
            cause
        );

    [Diagnostic("DQ1129")]
    public static DiffusionQuantException NotReference(string path) =>
        new("DQ1129", $"{path}: statistics of images are written as .dqref. Let the name end in it.");

    [Diagnostic("DQ1127")]
    public static DiffusionQuantException PathNotFound(string path) =>
        new("DQ1127", $"{path}: there is no such file or folder. Check the path.");

    [Diagnostic("DQ1131")]
    public static DiffusionQuantException NoBlocks(string path) =>
        new(
            "DQ1131",
            $"{path}: blocks are found on float models, and this one is quantized. Inspect the model that it was made from."
        );

    [Diagnostic("DQ1138")]
    public static DiffusionQuantException ModelReplaced(string path) =>
        new(
            "DQ1138",
            $"{path}: this model's files changed while it was quantized, so the result is of neither and was not kept. Quantize it again when they are whole."
        );

    [Diagnostic("DQ1130")]
    public static DiffusionQuantException NotMetricsName(string path, string name) =>
        new(
            "DQ1130",
            $"{path}: the metrics' file is always called {name}, and other files lie beside it. Name a folder."
        );

    [Diagnostic("DQ1132")]
    public static DiffusionQuantException NoSearchedRecipe(string path) =>
        new(
            "DQ1132",
            $"{path}: this is something else than a recipe that a search wrote (it has no weightsSha256), and would be replaced. Name another file."
        );

    [Diagnostic("DQ1133")]
    public static DiffusionQuantException LimitsOutOfReach(string model, string limits) =>
        new(
            "DQ1133",
            $"{model}: {limits} does not hold even with all layers raised that could be. The model with the most bits is kept. Move the limit, or use more images, another method or activations of more bits."
        );

    [Diagnostic("DQ1134")]
    public static DiffusionQuantException LargerThanSource(string model, long before, long after) =>
        new(
            "DQ1134",
            $"{model}: the quantized file is larger than the float model: {Humanize.Sizes(before, after)}. What quantization adds to a graph is more than it saves of so small weights, or few layers are quantized. Use fewer bits or another policy, or leave the model in float."
        );

    /// <summary>A command's name behind those of the commands that it belongs to.</summary>
    private static string Words(Command command) =>
        command is RootCommand
            ? ""
            : string.Concat(command.Parents.OfType<Command>().Select(Words)) + command.Name + " ";
}
