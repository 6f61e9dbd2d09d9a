namespace DiffusionQuant.Engine;

/// <summary>Which ONNX Runtime computes.</summary>
public static class RuntimeVersion
{
    /// <summary>The version of the native library, <c>1.29.0</c> for instance. The first call loads it.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4001: its native library is missing.</exception>
    public static string Current => Runtime.Environment.GetVersionString();
}
