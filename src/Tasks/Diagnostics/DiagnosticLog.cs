using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build.Diagnostics;

/// <summary>Logs coded messages at a place in a project file.</summary>
internal static class DiagnosticLog
{
    public static void Error(this TaskLoggingHelper log, Diagnostic diagnostic, SourceLocation at) =>
        log.LogError(null, diagnostic.Code, null, at.File, at.Line, at.Column, 0, 0, "{0}", diagnostic.Text);

    public static void Warning(this TaskLoggingHelper log, Diagnostic diagnostic, SourceLocation at) =>
        log.LogWarning(null, diagnostic.Code, null, at.File, at.Line, at.Column, 0, 0, "{0}", diagnostic.Text);

    public static void Message(this TaskLoggingHelper log, Diagnostic diagnostic, SourceLocation at) =>
        log.LogMessage(
            null,
            diagnostic.Code,
            null,
            at.File,
            at.Line,
            at.Column,
            0,
            0,
            MessageImportance.High,
            "{0}",
            diagnostic.Text
        );
}
