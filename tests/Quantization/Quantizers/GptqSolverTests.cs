using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class GptqSolverTests
{
    private const int Size = 24;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void OutputErrorsAreSmallerThanByRoundingToNearest(int seed)
    {
        var hessian = Hessian(seed);
        var row = TestModels.Numbers(seed + 10, Size);
        var quantizer = UniformQuantizer.OfRange(-3, 3, 3);
        var codes = new byte[Size];
        new GptqSolver((double[])hessian.Clone(), Size).Round(row, quantizer, codes);

        var solved = Error(hessian, row, codes.Select(c => quantizer.Dequantize(c)));
        var nearest = Error(hessian, row, row.Select(quantizer.Simulate));
        Assert.True(solved < 0.7 * nearest, $"{solved} beside {nearest}");
    }

    [Fact]
    public void IndependentInputsAreRoundedToNearest()
    {
        var hessian = new double[Size * Size];
        for (var i = 0; i < Size; i++)
        {
            hessian[(i * Size) + i] = 1 + i;
        }

        var row = TestModels.Numbers(5, Size);
        var quantizer = UniformQuantizer.OfRange(-3, 3, 4);
        var codes = new byte[Size];
        new GptqSolver(hessian, Size).Round(row, quantizer, codes);

        Assert.Equal(row.Select(v => (byte)quantizer.Quantize(v)), codes);
    }

    [Fact]
    public void InputsThatAreAlwaysZeroAreRoundedToNearest()
    {
        var row = TestModels.Numbers(6, Size);
        var quantizer = UniformQuantizer.OfRange(-3, 3, 4);
        var codes = new byte[Size];
        new GptqSolver(new double[Size * Size], Size).Round(row, quantizer, codes);

        Assert.Equal(row.Select(v => (byte)quantizer.Quantize(v)), codes);
    }

    /// <summary>XᵀX of inputs that depend on each other.</summary>
    private static double[] Hessian(int seed)
    {
        var mixing = TestModels.Numbers(seed, Size * 6);
        var result = new double[Size * Size];
        for (var n = 0; n < 200; n++)
        {
            var hidden = TestModels.Numbers((seed * 1000) + n, 6);
            var own = TestModels.Numbers((seed * 7000) + n, Size, 0.2);
            var x = Enumerable
                .Range(0, Size)
                .Select(i => own[i] + Enumerable.Range(0, 6).Sum(k => mixing[(i * 6) + k] * hidden[k]))
                .ToArray();
            for (var i = 0; i < Size; i++)
            {
                for (var j = 0; j < Size; j++)
                {
                    result[(i * Size) + j] += x[i] * x[j];
                }
            }
        }

        return result;
    }

    private static double Error(double[] hessian, float[] row, IEnumerable<float> rounded)
    {
        var error = row.Zip(rounded, (a, b) => (double)a - b).ToArray();
        var sum = 0.0;
        for (var i = 0; i < Size; i++)
        {
            for (var j = 0; j < Size; j++)
            {
                sum += error[i] * hessian[(i * Size) + j] * error[j];
            }
        }

        return sum;
    }
}
