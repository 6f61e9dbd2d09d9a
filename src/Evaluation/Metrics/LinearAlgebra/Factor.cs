namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>A factor of a product: element (k, i) of a depth × length matrix that lies within an array.</summary>
/// <param name="Values">The array.</param>
/// <param name="Start">Where element (0, 0) lies.</param>
/// <param name="Stride">From one row of the array's matrix to the next.</param>
/// <param name="IsDepthContiguous">Whether neighbours in k lie side by side, as in a matrix whose rows are points;
/// otherwise neighbours in i do.</param>
internal readonly record struct Factor(double[] Values, int Start, int Stride, bool IsDepthContiguous)
{
    /// <summary>Copies a range of depths into panels of <paramref name="width"/> columns, each contiguous, zeros at the end.</summary>
    /// <param name="firstDepth">The first k.</param>
    /// <param name="depth">How many.</param>
    /// <param name="length">How many i there are.</param>
    /// <param name="width">Columns of a panel.</param>
    /// <param name="panels">Receives them: panel p at p·width·depth, element (k, i) at k·width + i.</param>
    /// <param name="threaded">Whether threads are worth it.</param>
    public void Pack(int firstDepth, int depth, int length, int width, double[] panels, bool threaded)
    {
        var factor = this;
        Loop.For(
            (length + width - 1) / width,
            threaded,
            panel => factor.PackPanel(firstDepth, depth, length, width, panels, panel)
        );
    }

    private void PackPanel(int firstDepth, int depth, int length, int width, double[] panels, int panel)
    {
        var first = panel * width;
        var count = Math.Min(width, length - first);
        var target = panels.AsSpan(first * depth, width * depth);
        if (count < width)
        {
            target.Clear();
        }

        if (IsDepthContiguous)
        {
            for (var i = 0; i < count; i++)
            {
                var source = Values.AsSpan(Start + ((first + i) * Stride) + firstDepth, depth);
                for (var k = 0; k < source.Length; k++)
                {
                    target[(k * width) + i] = source[k];
                }
            }

            return;
        }

        for (var k = 0; k < depth; k++)
        {
            Values.AsSpan(Start + ((firstDepth + k) * Stride) + first, count).CopyTo(target[(k * width)..]);
        }
    }
}
