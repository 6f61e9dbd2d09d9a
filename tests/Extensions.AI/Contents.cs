using Microsoft.Extensions.AI;

namespace DiffusionQuant.Extensions.AI.Tests;

internal static class Contents
{
    /// <summary>A response's pictures.</summary>
    public static DataContent[] Pictures(this ImageGenerationResponse response) =>
        [.. response.Contents.Select(c => Assert.IsType<DataContent>(c))];

    public static byte[] Bytes(this DataContent picture) => picture.Data.ToArray();

    /// <summary>The only picture's file.</summary>
    public static byte[] OnlyBytes(this ImageGenerationResponse response) => Assert.Single(response.Pictures()).Bytes();
}
