namespace DiffusionQuant.Diffusion.Tests.Noise;

public sealed class NoiseSourceTests
{
    /// <summary>The known answers of the authors' Random123 library.</summary>
    [Theory]
    [InlineData(0ul, 0u, 0u, 0u, 0u, new[] { 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u })]
    [InlineData(
        ulong.MaxValue,
        uint.MaxValue,
        uint.MaxValue,
        uint.MaxValue,
        uint.MaxValue,
        new[] { 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu }
    )]
    [InlineData(
        0x299f31d0a4093822ul,
        0x243f6a88u,
        0x85a308d3u,
        0x13198a2eu,
        0x03707344u,
        new[] { 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u }
    )]
    public void Philox_known_answers(ulong key, uint c0, uint c1, uint c2, uint c3, uint[] expected)
    {
        Philox.Scramble(key, ref c0, ref c1, ref c2, ref c3);
        Assert.Equal(expected, new[] { c0, c1, c2, c3 });
    }

    /// <summary>Worked out with NumPy from the documented construction.</summary>
    [Fact]
    public void Normal_numbers()
    {
        Close.All(
            [-2.38777881, 0.849060202, -0.657004511, -0.465770706, 0.852786227, 0.756648636],
            Normals(42, NoisePurpose.Initial, 3, 0, 6),
            1e-6
        );
        Close.All(
            [-0.0133413945, -1.72981803, -0.955672732, -0.0614545771, 0.689750157, -0.510245649],
            Normals(0xFEDCBA9876543210, NoisePurpose.Step, 49999, 17, 6),
            1e-6
        );
    }

    [Fact]
    public void Draws() =>
        Assert.Equal(
            [2, 0, 1, 7, 4, 9, 2, 3, 1, 7, 4, 8],
            Enumerable.Range(0, 12).Select(k => new NoiseSource(7).Draw(NoisePurpose.ClassLabel, k, 10))
        );

    [Fact]
    public void A_prefix_does_not_depend_on_the_length() =>
        Assert.Equal(Normals(1, NoisePurpose.Initial, 5, 0, 1000)[..7], Normals(1, NoisePurpose.Initial, 5, 0, 7));

    [Fact]
    public void Moments_of_a_normal_distribution()
    {
        var x = Normals(3, NoisePurpose.Initial, 0, 0, 1_000_000);
        Assert.Equal(0, x.Average(v => (double)v), 4e-3);
        Assert.Equal(1, x.Average(v => (double)v * v), 6e-3);
        Assert.Equal(0, x.Average(v => (double)v * v * v), 1.6e-2);
        Assert.Equal(3, x.Average(v => (double)v * v * v * v), 5e-2);
    }

    [Fact]
    public void Portable_functions_agree_with_the_platform()
    {
        var random = new Random(1);
        for (var i = 0; i < 100_000; i++)
        {
            var u = (random.NextInt64(1L << 32) + 1.0) / 4294967296.0;
            Assert.Equal(Math.Log(u), PortableMath.Log(u), Math.Abs(Math.Log(u)) * 4e-16);
            var turn = (uint)random.NextInt64(1L << 32);
            var (sin, cos) = PortableMath.SinCosOfTurn(turn);
            Assert.Equal(Math.Sin(2 * Math.PI * (turn / 4294967296.0)), sin, 1e-15);
            Assert.Equal(Math.Cos(2 * Math.PI * (turn / 4294967296.0)), cos, 1e-15);
        }
    }

    private static float[] Normals(ulong seed, NoisePurpose purpose, int image, int step, int count)
    {
        var result = new float[count];
        new NoiseSource(seed).FillNormal(purpose, image, step, result);
        return result;
    }
}
