namespace DiffusionQuant.Diffusion;

/// <summary>Small systems of linear equations.</summary>
internal static class LinearSystem
{
    /// <summary>Solves A·x = b by elimination with pivots; both are changed.</summary>
    public static double[] Solve(double[,] matrix, double[] right)
    {
        var size = right.Length;
        for (var column = 0; column < size; column++)
        {
            var pivot = Enumerable.Range(column, size - column).MaxBy(r => Math.Abs(matrix[r, column]));
            for (var c = 0; c < size; c++)
            {
                (matrix[column, c], matrix[pivot, c]) = (matrix[pivot, c], matrix[column, c]);
            }

            (right[column], right[pivot]) = (right[pivot], right[column]);
            for (var row = column + 1; row < size; row++)
            {
                var factor = matrix[row, column] / matrix[column, column];
                for (var c = column; c < size; c++)
                {
                    matrix[row, c] -= factor * matrix[column, c];
                }

                right[row] -= factor * right[column];
            }
        }

        for (var row = size - 1; row >= 0; row--)
        {
            for (var c = row + 1; c < size; c++)
            {
                right[row] -= matrix[row, c] * right[c];
            }

            right[row] /= matrix[row, row];
        }

        return right;
    }
}
