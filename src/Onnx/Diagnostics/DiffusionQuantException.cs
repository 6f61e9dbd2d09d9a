namespace DiffusionQuant.Onnx.Diagnostics;

/// <summary>
/// A failure that the user can cause and mend: it has a code that stands in <c>docs/diagnostics.md</c>, and its text
/// says what went wrong, why, and what to do.
/// </summary>
public sealed class DiffusionQuantException : Exception
{
    /// <summary>Makes a failure with a code of the catalogue.</summary>
    /// <param name="code">The diagnostic code, <c>DQ</c> and four digits.</param>
    /// <param name="message">What, why and what to do, in one line.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public DiffusionQuantException(string code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>The diagnostic code: <c>DQ</c> and four digits.</summary>
    public string Code { get; }
}
