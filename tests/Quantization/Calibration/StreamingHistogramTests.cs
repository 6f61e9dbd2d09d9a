using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Quantizers;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Quantization.Tests.Calibration;

public class StreamingHistogramTests
{
    [Fact]
    public void PartsMergeExactly() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(1, 6)
                    .SelectMany(parts => Gen.Choose(0, 100_000).Select(seed => (parts, seed)))
                    .ToArbitrary(),
                t =>
                {
                    var random = new Random(t.seed);
                    var whole = new StreamingHistogram(64);
                    var merged = new StreamingHistogram(64);
                    for (var p = 0; p < t.parts; p++)
                    {
                        var scale = Math.Pow(10, random.Next(-4, 4));
                        var values = TestModels.Numbers(random.Next(), random.Next(0, 300), scale);
                        whole.Add(values);
                        var part = new StreamingHistogram(64);
                        part.Add(values);
                        merged.Merge(part);
                    }

                    return whole.Exponent == merged.Exponent
                        && whole.Count == merged.Count
                        && whole.Min == merged.Min
                        && whole.Max == merged.Max
                        && whole.Counts.SequenceEqual(merged.Counts);
                }
            )
        );

    [Fact]
    public void PowersOfTwoOnTheBorderMergeExactly()
    {
        var fine = new StreamingHistogram(8);
        fine.Add([1f, -1f, 0.5f]);
        var coarse = new StreamingHistogram(8);
        coarse.Add([4f, -4f]);
        var whole = new StreamingHistogram(8);
        whole.Add([1f, -1f, 0.5f, 4f, -4f]);
        coarse.Merge(fine);
        Assert.Equal(whole.Exponent, coarse.Exponent);
        Assert.Equal(whole.Counts.ToArray(), coarse.Counts.ToArray());
    }

    [Fact]
    public void QuantilesAreThoseOfTheValues()
    {
        var values = TestModels.Numbers(5, 50_000);
        var histogram = new StreamingHistogram();
        histogram.Add(values);
        Array.Sort(values);
        foreach (var share in (double[])[0.001, 0.25, 0.5, 0.999])
        {
            Assert.Equal(values[(int)(share * values.Length)], histogram.Quantile(share), 0.01);
        }
    }

    [Fact]
    public void ErrorsAreThoseOfTheValues()
    {
        var values = TestModels.Numbers(6, 50_000);
        var histogram = new StreamingHistogram();
        histogram.Add(values);
        var quantizer = UniformQuantizer.OfRange(-2, 2, 4);
        var exact = new ValuesDistribution(values).Error(quantizer, 2);
        Assert.Equal(exact, histogram.Error(quantizer, 2), 0.01 * exact);
    }

    [Fact]
    public void WhatIsNotFiniteIsSetAside()
    {
        var histogram = new StreamingHistogram(16);
        histogram.Add([1, float.NaN, float.PositiveInfinity, -1]);
        Assert.Equal(2, histogram.Count);
        Assert.Equal(2, histogram.NonFinite);
        Assert.Equal(1, histogram.Max);
    }

    [Fact]
    public void ZerosAloneAreCounted()
    {
        var histogram = new StreamingHistogram(16);
        histogram.Add(new float[100]);
        histogram.Add([1000f]);
        Assert.Equal(101, histogram.Count);
        Assert.Equal(0, histogram.Min);
    }
}
