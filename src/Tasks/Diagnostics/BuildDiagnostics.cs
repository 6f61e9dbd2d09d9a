namespace DiffusionQuant.Build.Diagnostics;

/// <summary>
/// What can be wrong with the build's side of a model: one method per code. <c>docs/diagnostics.md</c> lists the same
/// codes; a test holds the two together.
/// </summary>
internal static class BuildDiagnostics
{
    public static Diagnostic ModelNotFound(string model, string path) =>
        new(
            "DQ1101",
            $"{model}: there is no file or folder '{path}'. A DiffusionModel is a folder in the diffusers layout or an "
                + ".onnx file; correct Include, or fetch the model first (git lfs pull, if it is kept there)."
        );

    public static Diagnostic QuantizeMissing(string model) =>
        new(
            "DQ1102",
            $"{model}: neither Quantize nor Recipe is set, so it is not known how many bits to use. "
                + "Set Quantize=\"W4A8\" (bits of weights and activations), or Recipe to the path of a diffquant.json."
        );

    public static Diagnostic NotANumber(string model, string metadata, string value, string wanted) =>
        new(
            "DQ1103",
            $"{model}: {metadata}=\"{value}\" is not {wanted}. "
                + $"Write one, or leave {metadata} out for its default."
        );

    public static Diagnostic NotABoolean(string model, string metadata, string value) =>
        new(
            "DQ1104",
            $"{model}: {metadata}=\"{value}\" is neither true nor false. "
                + $"Write one of the two, or leave {metadata} out for its default."
        );

    public static Diagnostic RecipeNotFound(string model, string path) =>
        new(
            "DQ1105",
            $"{model}: there is no recipe file '{path}'. Recipe is a path relative to the project; "
                + "correct it, or set Quantize instead."
        );

    public static Diagnostic NotARolePair(string model, string value) =>
        new(
            "DQ1106",
            $"{model}: InputRoles holds \"{value}\", which is not of the form name=role. "
                + "Write InputRoles=\"noisy=sample|t=timestep\": pairs, with | between them."
        );

    public static Diagnostic NameTaken(string model, string name, string other) =>
        new(
            "DQ1107",
            $"{model}: the name '{name}' is already taken by {other}, and both would use the same files and the same "
                + "generated class. Give one of them another Name."
        );

    public static Diagnostic LinkTaken(string model, string link, string other) =>
        new(
            "DQ1108",
            $"{model}: the output folder '{link}' is already taken by {other}, and one would overwrite the other. "
                + "Give one of them another Link."
        );

    public static Diagnostic LinkOutside(string model, string link) =>
        new(
            "DQ1109",
            $"{model}: Link=\"{link}\" leaves the output folder, so that publishing would lose the files. "
                + "Write a relative path without '..', such as Models/my-model."
        );

    public static Diagnostic NameUnusable(string model, string name) =>
        new(
            "DQ1110",
            $"{model}: '{name}' cannot name a model, because a folder is called after it and it has none of a letter, "
                + "a digit, or has a path separator in it. Set Name to something like my-model."
        );

    public static Diagnostic StageUnknown(string stage) =>
        new(
            "DQ1111",
            $"DiffusionQuantizeStage is '{stage}', which is none of build, publish and none. "
                + "build quantizes in every build that needs it, publish only when publishing, none never."
        );

    public static Diagnostic ToolNotFound(string model, string path) =>
        new(
            "DQ1112",
            $"{model}: the tool diffquant is not at '{path}'. If DiffusionQuantToolPath is set, point it at diffquant.dll; "
                + "else the package DiffusionQuant.Build is damaged: clear it from the NuGet cache and restore again."
        );

    public static Diagnostic RuntimeMissing(string model, string host) =>
        new(
            "DQ1113",
            $"{model}: '{host}' found no .NET runtime for diffquant, which needs .NET 10 or later. "
                + "Install the .NET 10 SDK or runtime beside the one that builds this project."
        );

    public static Diagnostic ToolFailed(string model, int exitCode, string lastLines) =>
        new(
            "DQ1114",
            $"{model}: diffquant ended with exit code {exitCode} and named no reason. This is a fault of ours or of "
                + $"the machine (memory, disk); please report it with its last lines: {lastLines}"
        );

    public static Diagnostic OutputMissing(string model, string file) =>
        new(
            "DQ1115",
            $"{model}: the quantizer ended well but left no '{file}'. Build again with DiffusionForceQuantize=true; "
                + "if that does not help, the quantizer and the package are of different versions."
        );

    public static Diagnostic ToolFault(string model, string text) =>
        new("DQ1117", $"{model}: diffquant met a fault of its own; please report it: {text}");

    public static Diagnostic TakesLong(string model, string work, string progressFile) =>
        new(
            "DQ1116",
            $"{model}: {work} takes a while; the result is cached. How far it is stands in '{progressFile}'."
        );

    public static Diagnostic EvaluationMissing(string model, string file) =>
        new(
            "DQ1118",
            $"{model}: diffquant ended its evaluation well but left no '{file}', so the model counts as not verified. "
                + "diffquant and the package DiffusionQuant.Build are of different versions: clear both from the NuGet "
                + "cache and restore again, or set DiffusionEvaluate=false to build without."
        );

    public static Diagnostic LibraryNotReferenced(string library) =>
        new(
            "DQ1150",
            $"DiffusionModels has no Load, because the project does not compile against {library}: DiffusionQuant.Build "
                + "comes by a GlobalPackageReference, or with IncludeAssets or ExcludeAssets that leave out 'compile'. Write "
                + $"<PackageReference Include=\"{library}\" /> beside it, or reference DiffusionQuant.Build by a plain "
                + "PackageReference. Where only the files are wanted, silence this with NoWarn=\"DQ1150\"."
        );

    public static Diagnostic FolderShared(string folder, string models) =>
        new(
            "DQ1151",
            $"the output folder '{folder}' would get several models, of which the last that is copied would take the place "
                + $"of the others: {models}. Give the item of one of them another Link."
        );

    public static Diagnostic PropertyUnusable(string property, string value, string wanted) =>
        new(
            "DQ1119",
            $"{property} is '{value}', which is not {wanted}. Write one, or leave {property} out for its default."
        );
}
