using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>The failures of recipes: codes DQ1070 to DQ1089.</summary>
internal static class RecipeErrors
{
    [Diagnostic("DQ1070")]
    public static DiffusionQuantException BadBitWidths(string text) =>
        new("DQ1070", $"'{text}' names no bit widths. Write {BitWidths.Grammar}: W8A8, W4A8 or W4A16 for instance.");

    [Diagnostic("DQ1071")]
    public static DiffusionQuantException BadRule(string text) =>
        new("DQ1071", $"The rule '{text}' has no '='. Write PATTERN=VALUE: 'position:skip=float' for instance.");

    [Diagnostic("DQ1072")]
    public static DiffusionQuantException BadPattern(string pattern, string why, string? meant) =>
        new(
            "DQ1072",
            $"The pattern '{pattern}' is not understood: {why}.{DidYouMean(meant)} Write a name with * and ?, "
                + $"type:OPERATOR or position:{string.Join('|', LayerPattern.PositionNames)}, joined by '&'."
        );

    [Diagnostic("DQ1073")]
    public static DiffusionQuantException BadRuleValue(string rule, string value) =>
        new("DQ1073", $"The rule '{rule}' gives '{value}', which names no bits. Write {LayerBits.Grammar}.");

    [Diagnostic("DQ1074")]
    public static DiffusionQuantException UnknownPolicy(string name, IReadOnlyList<string> known) =>
        new("DQ1074", $"There is no policy '{name}'.{DidYouMean(NearMatch.Of(name, known))} Known are {List(known)}.");

    [Diagnostic("DQ1075")]
    public static DiffusionQuantException FileNotFound(string path) =>
        new("DQ1075", $"{path}: there is no such recipe file. Check the path.");

    [Diagnostic("DQ1076")]
    public static DiffusionQuantException FileUnreadable(string path, string why, Exception? cause) =>
        new("DQ1076", $"{path}: this is no readable recipe: {why.TrimEnd('.')}. Mend the JSON in it.", cause);

    [Diagnostic("DQ1077")]
    public static DiffusionQuantException UnknownKey(string path, string key, string? meant) =>
        new("DQ1077", $"{path}: the key '{key}' is not known.{DidYouMean(meant)} Known are {List(RecipeKeys.All)}.");

    [Diagnostic("DQ1078")]
    public static DiffusionQuantException WrongType(string path, string key, string value, string expected) =>
        new("DQ1078", $"{path}: '{key}' is {value}, but {expected} is expected. Change it.");

    [Diagnostic("DQ1079")]
    public static DiffusionQuantException OutOfRange(string key, string value, string least, string most) =>
        new("DQ1079", $"'{key}' is {value}, but may be {least} to {most}. Change it.");

    [Diagnostic("DQ1080")]
    public static DiffusionQuantException UnknownWord(string key, string word, IReadOnlyList<string> known) =>
        new("DQ1080", $"'{key}' cannot be '{word}'.{DidYouMean(NearMatch.Of(word, known))} It may be {List(known)}.");

    [Diagnostic("DQ1081")]
    public static DiffusionQuantException BitsMissing() =>
        new(
            "DQ1081",
            "The recipe does not say to how many bits the model is quantized. "
                + "Give --quantize W8A8, or \"quantize\": \"W8A8\" in the recipe file."
        );

    [Diagnostic("DQ1082")]
    public static DiffusionQuantException BadDevice(string text) =>
        new("DQ1082", $"'{text}' names no device. Write auto, cpu, cuda, or cuda:1 for the second card.");

    [Diagnostic("DQ1083")]
    public static DiffusionQuantException BadInputRole(string text) =>
        new("DQ1083", $"The input role '{text}' is not understood. Write NAME=ROLE: 'noisy=sample' for instance.");

    [Diagnostic("DQ1084")]
    public static DiffusionQuantException EtaWithout(SolverKind sampler) =>
        new(
            "DQ1084",
            $"'eta' means nothing to the sampler {sampler}. Leave it out, or set the sampler to {string.Join(" or ", SolverKind.All.Where(k => k.TakesEta))}."
        );

    [Diagnostic("DQ1085")]
    public static DiffusionQuantException BadSoftmaxBits(int bits) =>
        new("DQ1085", $"'softmaxBits' is {bits}, but may be 2 to 8, or 16 or 32 to leave the softmax as it is.");

    [Diagnostic("DQ1086")]
    public static DiffusionQuantException BadValue(string key, string value, string expected) =>
        new("DQ1086", $"'{key}' cannot be '{value}'. Give {expected}.");

    [Diagnostic("DQ1087")]
    public static DiffusionQuantException NoNormalLaw(string law) =>
        new(
            "DQ1087",
            $"'timestepMean' and 'timestepDeviation' belong to the normal laws and mean nothing to '{law}'. "
                + "Leave them out, or set timestepSampling to normal."
        );

    [Diagnostic("DQ1088")]
    public static DiffusionQuantException RulesMatchNothing(string path, IEnumerable<string> rules) =>
        new(
            "DQ1088",
            $"{path}: some rules match no layer, so that they change nothing: {string.Join("; ", rules)}. Correct them, or take them away; 'diffquant inspect {path}' lists layers with names, operators and positions."
        );

    [Diagnostic("DQ1089")]
    public static DiffusionQuantException BadPart(string text) =>
        new(
            "DQ1089",
            $"'{text}' does not say what becomes of a pipeline's part. Write NAME={Parts.PartForm.Grammar}: text_encoder=W8A16 for instance."
        );

    private static string DidYouMean(string? meant) => meant is null ? "" : $" Did you mean '{meant}'?";

    private static string List(IEnumerable<string> words) => string.Join(", ", words);
}
