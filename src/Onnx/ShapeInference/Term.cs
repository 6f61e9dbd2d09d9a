namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>
/// One element of a small tensor that shapes are computed with: a number, a symbol that stands for a dimension's size,
/// or neither. Numbers are exact up to 2^53; larger ones (the "to the end" of Slice) only need to stay large.
/// </summary>
internal readonly record struct Term(double? Number, string? Symbol)
{
    public static Term Unknown => default;

    public static implicit operator Term(double number) => new(number, null);

    public static implicit operator Term(Dimension dimension) => new(dimension.Value, dimension.Symbol);

    /// <summary>The number as an integer (saturated), or null.</summary>
    public long? Integer => Number is { } n ? (long)n : null;

    /// <summary>The term as a dimension; negative numbers are no sizes.</summary>
    public Dimension Dimension => new(Number is >= 0 and < long.MaxValue ? (long)Number : null, Symbol);

    /// <summary>Applies a function to a number; anything else becomes unknown.</summary>
    public Term Map(Func<double, double> function) => Number is { } n ? function(n) : Unknown;

    /// <summary>Applies a function that leaves sizes (whole numbers from 0) as they are, and so symbols too.</summary>
    public Term MapKeepingSizes(Func<double, double> function) => Number is { } n ? function(n) : this;

    /// <summary>Arithmetic on numbers, and those cases in which a symbol survives it.</summary>
    public static Term Apply(string opType, Term a, Term b, bool integers) =>
        (a.Number, b.Number) switch
        {
            ({ } x, { } y) => Calculate(opType, x, y, integers),
            (null, 0) when opType is "Add" or "Sub" => a,
            (0, null) when opType is "Add" => b,
            (null, 1) when opType is "Mul" or "Div" or "Pow" => a,
            (1, null) when opType is "Mul" => b,
            (0, null) or (null, 0) when opType is "Mul" => 0,
            (null, null) when a.Symbol is not null && a == b => OfEqual(opType, a),
            // Sizes are never negative, so a symbol differs from any negative number and is larger.
            (null, < 0) when a.Symbol is not null => OfSize(opType),
            (< 0, null) when b.Symbol is not null && opType is "Equal" => 0,
            (null, <= 0) when a.Symbol is not null && opType is "Max" => a,
            (<= 0, null) when b.Symbol is not null && opType is "Max" => b,
            _ => Unknown,
        };

    private static Term OfSize(string opType) =>
        opType switch
        {
            "Equal" or "Less" or "LessOrEqual" => 0,
            "Greater" or "GreaterOrEqual" => 1,
            _ => Unknown,
        };

    private static Term OfEqual(string opType, Term same) =>
        opType switch
        {
            "Sub" => 0,
            "Equal" or "LessOrEqual" or "GreaterOrEqual" => 1,
            "Less" or "Greater" => 0,
            "Min" or "Max" => same,
            _ => Unknown,
        };

    private static Term Calculate(string opType, double x, double y, bool integers) =>
        opType switch
        {
            "Add" => x + y,
            "Sub" => x - y,
            "Mul" => x * y,
            "Div" when y == 0 => Unknown,
            "Div" => integers ? Math.Truncate(x / y) : x / y,
            "Mod" when y == 0 || !integers => Unknown,
            "Mod" => x - (y * Math.Floor(x / y)),
            "Pow" => Math.Pow(x, y),
            "Min" => Math.Min(x, y),
            "Max" => Math.Max(x, y),
            "Equal" => x == y ? 1 : 0,
            "Less" => x < y ? 1 : 0,
            "LessOrEqual" => x <= y ? 1 : 0,
            "Greater" => x > y ? 1 : 0,
            "GreaterOrEqual" => x >= y ? 1 : 0,
            "And" => x != 0 && y != 0 ? 1 : 0,
            "Or" => x != 0 || y != 0 ? 1 : 0,
            _ => Unknown,
        };
}
