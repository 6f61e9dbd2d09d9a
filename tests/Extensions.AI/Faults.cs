using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Extensions.AI.Tests;

internal static class Faults
{
    /// <summary>Expects a failure of that code, and gives its message.</summary>
    public static async Task<string> Expect(string code, Func<Task> run)
    {
        var exception = await Assert.ThrowsAsync<DiffusionQuantException>(run);
        Assert.Equal(code, exception.Code);
        return exception.Message;
    }
}
