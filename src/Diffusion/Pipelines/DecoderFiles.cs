using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Diffusion;

/// <summary>The files that decide how latents become images.</summary>
internal static class DecoderFiles
{
    /// <summary>A VAE decoder's graph and external data, and where its configuration is looked for, whether it is there or not.</summary>
    /// <param name="path">The decoder's <c>.onnx</c> file.</param>
    public static IReadOnlyList<string> Of(string path)
    {
        var full = Path.GetFullPath(path);
        return [full, .. Data(full), .. LatentScaling.ConfigPaths(full)];
    }

    private static IReadOnlyList<string> Data(string path)
    {
        try
        {
            return OnnxModel.Load(path).DataFiles;
        }
        catch (DiffusionQuantException)
        {
            // Loading it for running says what is wrong with it.
            return [];
        }
    }
}
