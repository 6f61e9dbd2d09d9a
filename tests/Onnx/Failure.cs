using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Onnx.Tests;

/// <summary>Asserts about failures with a code.</summary>
internal static class Failure
{
    /// <summary>The action fails with that code, and the message names all of the given things.</summary>
    public static void Expect(string code, Action action, params string[] names)
    {
        var exception = Assert.Throws<DiffusionQuantException>(action);
        Assert.Equal(code, exception.Code);
        Assert.All(names, n => Assert.Contains(n, exception.Message, StringComparison.Ordinal));
    }
}
