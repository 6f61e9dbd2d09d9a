using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Onnx;

/// <summary>The failures of reading, checking and writing ONNX files: codes DQ1001 to DQ1029.</summary>
internal static class OnnxErrors
{
    [Diagnostic("DQ1001")]
    public static DiffusionQuantException NotFound(string path) =>
        new("DQ1001", $"{path}: there is no such file. Check the path.");

    [Diagnostic("DQ1002")]
    public static DiffusionQuantException NotOnnx(string path, string why, Exception? cause = null) =>
        new(
            "DQ1002",
            $"{path}: this is no readable ONNX model: {why}. Export the model again, or fetch the file anew.",
            cause
        );

    [Diagnostic("DQ1003")]
    public static DiffusionQuantException GitLfsPointer(string path) =>
        new(
            "DQ1003",
            $"{path}: this is a Git LFS pointer, not the model itself. Run 'git lfs pull' in its repository."
        );

    [Diagnostic("DQ1004")]
    public static DiffusionQuantException UnsupportedVersion(
        string path,
        string what,
        long version,
        long least,
        long most
    ) =>
        new(
            "DQ1004",
            $"{path}: {what} {version} is not supported (supported: {least} to {most}). Export the model with a supported version."
        );

    [Diagnostic("DQ1005")]
    public static DiffusionQuantException ExternalDataOutside(string path, string tensor, string location) =>
        new(
            "DQ1005",
            $"{path}: tensor '{tensor}' keeps its data in '{location}', outside the model's folder. Nothing outside is read: move the file beside the model and name it by a relative path."
        );

    [Diagnostic("DQ1006")]
    public static DiffusionQuantException ExternalDataMissing(string path, string tensor, string location) =>
        new(
            "DQ1006",
            $"{path}: tensor '{tensor}' keeps its data in '{location}', and that file is missing. Copy it beside the model."
        );

    [Diagnostic("DQ1007")]
    public static DiffusionQuantException BadTensor(string path, string tensor, string why) =>
        new("DQ1007", $"{path}: tensor '{tensor}' is damaged: {why}. Export the model again, or fetch the file anew.");

    [Diagnostic("DQ1008")]
    public static DiffusionQuantException Cycle(string path, string node) =>
        new("DQ1008", $"{path}: the graph is cyclic: node '{node}' depends on its own output. Export the model again.");

    [Diagnostic("DQ1009")]
    public static DiffusionQuantException UndefinedValue(string path, string node, string value) =>
        new(
            "DQ1009",
            $"{path}: node '{node}' reads '{value}', which is neither an input, an initializer nor another node's output. Export the model again."
        );

    [Diagnostic("DQ1010")]
    public static DiffusionQuantException DefinedTwice(string path, string value) =>
        new(
            "DQ1010",
            $"{path}: the value '{value}' is defined twice. Names must be unique in a graph: export the model again."
        );

    [Diagnostic("DQ1011")]
    public static DiffusionQuantException Unsupported(string path, string what, string advice) =>
        new("DQ1011", $"{path}: {what} is not supported. {advice}");

    [Diagnostic("DQ1013")]
    public static DiffusionQuantException CannotRead(string path, string why, Exception? cause = null) =>
        new(
            "DQ1013",
            $"{path}: the file cannot be read: {why} Check its permissions, and that no other program holds it.",
            cause
        );

    [Diagnostic("DQ1014")]
    public static DiffusionQuantException RecursiveFunction(string path, string function, string node) =>
        new(
            "DQ1014",
            $"{path}: the function '{function}' calls itself (through node '{node}'), which ONNX forbids. Export the model again."
        );

    [Diagnostic("DQ1012")]
    public static DiffusionQuantException CannotWrite(string path, string why, Exception? cause = null) =>
        new("DQ1012", $"{path}: the model cannot be written: {why}", cause);
}
