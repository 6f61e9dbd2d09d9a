using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class TimestepScalesTests
{
    private static readonly float[] Growth = [1, 0.5f, 2, 4];

    private static ValuesDistribution[] Groups(Func<float, float, float> value) =>
        [
            .. Growth.Select(
                (g, i) => new ValuesDistribution(Array.ConvertAll(TestModels.Numbers(i, 4000), v => value(v, g)))
            ),
        ];

    private static ValuesDistribution All(Func<float, float, float> value) =>
        new(Growth.SelectMany((g, i) => TestModels.Numbers(i, 4000).Select(v => value(v, g))).ToArray());

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void FactorsFollowTheValues(int bits)
    {
        static float Scaled(float v, float g) => v * g;
        var scales = TimestepScales.Search(Groups(Scaled), All(Scaled), bits, Symmetry.Asymmetric, new MseRange());
        for (var g = 0; g < Growth.Length; g++)
        {
            Assert.InRange(scales.Factors[g] / scales.Factors[0], Growth[g] * 0.85f, Growth[g] * 1.15f);
        }

        Assert.InRange(scales.Gain, 4, 30);
    }

    [Fact]
    public void OneZeroPointServesGroupsThatDifferAboveZeroOnly()
    {
        // As behind SiLU: never below −0.28, and as far above as the timestep has it.
        static float Silu(float v, float g) => Math.Max(v * g * 3, -0.28f);
        var (groups, all) = (Groups(Silu), All(Silu));
        var scales = TimestepScales.Search(groups, all, 4, Symmetry.Asymmetric, new PercentileRange());
        Assert.True(scales.Gain > 0);
        foreach (var (group, factor) in groups.Zip(scales.Factors))
        {
            var quantizer = scales.Common with { Scale = scales.Common.Scale * factor };
            var constant = new PercentileRange().Estimate(all, 4, Symmetry.Asymmetric);
            Assert.True(group.Error(quantizer, 2) <= 1.2 * group.Error(constant, 2));
        }
    }

    [Fact]
    public void GroupsOfNothingButZeroAreFine()
    {
        var scales = TimestepScales.Search(
            [new ValuesDistribution(new float[8]), new ValuesDistribution(new float[] { 1, 2, 3 })],
            new ValuesDistribution(new float[] { 0, 0, 1, 2, 3 }),
            8,
            Symmetry.Asymmetric,
            new MseRange()
        );
        Assert.All(scales.Factors, f => Assert.True(float.IsFinite(f) && f > 0));
    }
}
