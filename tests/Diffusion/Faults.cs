using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Diffusion.Tests;

internal static class Faults
{
    /// <summary>Makes something, expects a failure of that code instead, and gives its message.</summary>
    public static string Expect<T>(string code, Func<T> make) =>
        Expect(
            code,
            () =>
            {
                _ = make();
            }
        );

    /// <summary>Runs, expects a failure of that code, and gives its message.</summary>
    public static string Expect(string code, Action action)
    {
        var exception = Assert.Throws<DiffusionQuantException>(action);
        Assert.Equal(code, exception.Code);
        return exception.Message;
    }
}
