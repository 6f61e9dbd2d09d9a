using DiffusionQuant.Evaluation.Reports;

namespace DiffusionQuant.Evaluation.Tests.Reports;

public sealed class FiguresTests
{
    [Theory]
    [InlineData(1.005, 1, "1.0")]
    [InlineData(-2.25, 2, "\u22122.25")]
    [InlineData(-0.0001, 2, "0.00")]
    [InlineData(double.PositiveInfinity, 2, "\u221e")]
    [InlineData(double.NaN, 2, "not a number")]
    public void Numbers_are_rounded(double value, int digits, string expected) =>
        Assert.Equal(expected, Figures.Fixed(value, digits));

    [Theory]
    [InlineData(0.25, "+0.25")]
    [InlineData(-0.25, "\u22120.25")]
    [InlineData(0.001, "0.00")]
    [InlineData(0, "0.00")]
    public void Changes_have_a_sign(double value, string expected) => Assert.Equal(expected, Figures.Change(value, 2));

    [Theory]
    [InlineData(999, "999\u00a0B")]
    [InlineData(1_500, "1.5\u00a0kB")]
    [InlineData(10_445_562, "10.45\u00a0MB")]
    [InlineData(2_500_000_000, "2.50\u00a0GB")]
    public void Bytes_have_a_unit(long bytes, string expected) => Assert.Equal(expected, Figures.Bytes(bytes));

    [Fact]
    public void Thousands_are_set_apart() => Assert.Equal("1\u202f684\u202f375", Figures.Count(1_684_375));
}
