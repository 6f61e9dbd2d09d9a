namespace DiffusionQuant.Onnx.Diagnostics;

/// <summary>
/// Names the code of a method of an error catalogue (a static class whose methods each make one
/// <see cref="DiffusionQuantException"/>). A test holds these and <c>docs/diagnostics.md</c> together.
/// </summary>
/// <param name="code">The diagnostic code: <c>DQ</c> and four digits.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DiagnosticAttribute(string code) : Attribute
{
    /// <summary>The diagnostic code: <c>DQ</c> and four digits.</summary>
    public string Code { get; } = code;
}
