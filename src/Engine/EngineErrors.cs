using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Engine;

/// <summary>The failures of devices, sessions and runs: codes DQ4001 to DQ4029.</summary>
internal static partial class EngineErrors
{
    [Diagnostic("DQ4001")]
    public static DiffusionQuantException RuntimeMissing(Exception cause) =>
        new(
            "DQ4001",
            $"The native library of ONNX Runtime cannot be loaded: {Innermost(cause)} Add <PackageReference Include=\"Microsoft.ML.OnnxRuntime\" /> to the app.",
            cause
        );

    [Diagnostic("DQ4002")]
    public static DiffusionQuantException UnknownDevice(string text) =>
        new("DQ4002", $"'{text}' is no device. Write auto, cpu, cuda, or cuda:1 for the second GPU.");

    [Diagnostic("DQ4003")]
    public static DiffusionQuantException NoNvidiaGpu(string device) =>
        new(
            "DQ4003",
            $"The device {device} is asked for, but no NVIDIA GPU is found on this machine (no driver, or no device behind it). Use the device cpu or auto, or check the driver with nvidia-smi."
        );

    [Diagnostic("DQ4004")]
    public static DiffusionQuantException CudaProviderMissing(string device, string text) =>
        new(
            "DQ4004",
            $"The device {device} is asked for, but ONNX Runtime's CUDA provider is not there. Add the package DiffusionQuant.Cuda, or name a folder with the GPU build of ONNX Runtime in {NativeLibraries.CudaPathVariable}. ONNX Runtime says: {Plain(text)}"
        );

    [Diagnostic("DQ4005")]
    public static DiffusionQuantException CudaCannotStart(string device, string text, Exception cause) =>
        new(
            "DQ4005",
            $"The device {device} is asked for, but ONNX Runtime's CUDA provider cannot start: a library of CUDA or cuDNN is missing, or the driver is too old for it. Install what the text names, or put its folder on the library search path. ONNX Runtime says: {Plain(text)}",
            cause
        );

    [Diagnostic("DQ4006")]
    public static DiffusionQuantException CudaPathUnusable(string path, string why) =>
        new(
            "DQ4006",
            $"{NativeLibraries.CudaPathVariable} is '{path}', but {why}. Let it name a folder with the GPU build of ONNX Runtime, or unset it."
        );

    [Diagnostic("DQ4007")]
    public static DiffusionQuantException NoSuchGpu(string device, string text, Exception cause) =>
        new(
            "DQ4007",
            $"The device {device} is asked for, but this machine has no GPU of that number (the first is cuda:0; nvidia-smi lists them). ONNX Runtime says: {Plain(text)}",
            cause
        );

    [Diagnostic("DQ4010")]
    public static DiffusionQuantException ModelNotFound(string path) =>
        new("DQ4010", $"{path}: there is no such model file. Check the path.");

    [Diagnostic("DQ4011")]
    public static DiffusionQuantException CannotLoad(string model, string text, Exception cause) =>
        new(
            "DQ4011",
            $"{model}: ONNX Runtime cannot load this model. Export it again with operators and types that ONNX Runtime supports. ONNX Runtime says: {Plain(text)}",
            cause
        );

    [Diagnostic("DQ4012")]
    public static DiffusionQuantException UnknownInput(string model, string name, IEnumerable<string> known) =>
        new("DQ4012", $"{model}: there is no input '{name}'. Its inputs are {List(known)}.");

    [Diagnostic("DQ4013")]
    public static DiffusionQuantException MissingInput(string model, string input) =>
        new("DQ4013", $"{model}: the input {input} is not given. Every input needs a value.");

    [Diagnostic("DQ4014")]
    public static DiffusionQuantException WrongInputType(string model, string input, string expected, string actual) =>
        new(
            "DQ4014",
            $"{model}: the input '{input}' takes elements of type {expected}, not {actual}. Convert the tensor."
        );

    [Diagnostic("DQ4015")]
    public static DiffusionQuantException WrongInputShape(string model, string input, string expected, string actual) =>
        new(
            "DQ4015",
            $"{model}: the input '{input}' has the shape {expected}, which {actual} does not fit. Give a tensor of that shape."
        );

    [Diagnostic("DQ4016")]
    public static DiffusionQuantException UnknownOutput(string model, string name, IEnumerable<string> known) =>
        new("DQ4016", $"{model}: there is no output '{name}'. Its outputs are {List(known)}.");

    [Diagnostic("DQ4017")]
    public static DiffusionQuantException RunFailed(string model, string text, Exception cause) =>
        new(
            "DQ4017",
            $"{model}: running the model failed. Check that the inputs fit together, or export the model again. ONNX Runtime says: {Plain(text)}",
            cause
        );

    [Diagnostic("DQ4018")]
    public static DiffusionQuantException OutOfMemory(string model, string device, string text, Exception cause) =>
        new(
            "DQ4018",
            $"{model}: the memory of {device} does not suffice. Use a smaller batch or a smaller model. ONNX Runtime says: {Plain(text)}",
            cause
        );

    [Diagnostic("DQ4019")]
    public static DiffusionQuantException UnsupportedTensor(string what) =>
        new("DQ4019", $"{what} cannot be passed to or from ONNX Runtime. Use another element type or smaller tensors.");

    [Diagnostic("DQ4020")]
    public static DiffusionQuantException CannotSpill(string folder, long bytes, string why, Exception? cause) =>
        new(
            "DQ4020",
            $"{folder}: calibration needs {(bytes + (1 << 20) - 1) >> 20} MB there, and it cannot have them: {why.TrimEnd('.')}. Make room, raise the memory budget, take fewer calibration samples, or let TMPDIR (TMP on Windows) name another disk.",
            cause
        );

    /// <summary>ONNX Runtime's text without the places in its sources and the code that it puts in front.</summary>
    private static string Plain(string text) => Prefix().Replace(OneLine(text), "");

    [GeneratedRegex(@"^(\[ErrorCode:\w+\] )?(.*\[ONNXRuntimeError\] : \d+ : \w+ : )?")]
    private static partial Regex Prefix();

    private static string Innermost(Exception exception) => OneLine(exception.GetBaseException().Message);

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Select(n => $"'{n}'"));
}
