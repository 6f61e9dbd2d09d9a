using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>The failures and warnings of reports: codes DQ3070 to DQ3079.</summary>
internal static class ReportErrors
{
    [Diagnostic("DQ3070")]
    public static DiffusionQuantException NoMetrics(string path) =>
        new(
            "DQ3070",
            $"{path}: there is no {EvaluationReport.FileName} to make a report of. Give that file or its folder, or measure the model first: dotnet diffquant evaluate"
        );

    [Diagnostic("DQ3071")]
    public static DiffusionQuantException BadMetrics(string path, string why, Exception? cause = null) =>
        new(
            "DQ3071",
            $"{path}: this is no readable {EvaluationReport.FileName}: {why} Evaluate the model again, or take the file from a copy.",
            cause
        );

    [Diagnostic("DQ3072")]
    public static DiffusionQuantException NoPicture(string path, string why, Exception? cause = null) =>
        new(
            "DQ3072",
            $"{path}: this sample is left out of the report: {why} Keep the samples in the folder of {EvaluationReport.FileName}, or evaluate the model again.",
            cause
        );

    [Diagnostic("DQ3073")]
    public static DiffusionQuantException CannotWrite(string path, Exception cause) =>
        new(
            "DQ3073",
            $"{path}: the report cannot be written: {cause.Message} Name another place, or free this one.",
            cause
        );
}
