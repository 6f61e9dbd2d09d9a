namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Einsum: the output's letters take the sizes that the inputs' letters have.</summary>
internal static class EinsumRule
{
    public static void Apply(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        var equation = c.Node.Text("equation").Replace(" ", "");
        var sides = equation.Split("->");
        var terms = sides[0].Split(',');
        if (terms.Length != c.InputCount || sides.Length > 2)
        {
            throw new ShapeConflictException($"The equation '{equation}' does not fit {c.InputCount} inputs.");
        }

        var sizes = new Dictionary<char, Dimension>();
        TensorShape? ellipsis = TensorShape.Scalar;
        for (var i = 0; i < terms.Length; i++)
        {
            Collect(terms[i], c.Shape(i), sizes, ref ellipsis);
        }

        var output = (sides.Length == 2 ? sides[1] : Implicit(sides[0])).Replace("...", ".");
        if (output.Contains('.') && ellipsis is null)
        {
            return;
        }

        c.Set(0, c.Type(0), new(output.SelectMany(l => l == '.' ? ellipsis! : (IEnumerable<Dimension>)[Size(l)])));

        Dimension Size(char letter) => sizes.GetValueOrDefault(letter, Dimension.Unknown);
    }

    private static void Collect(
        string term,
        TensorShape? shape,
        Dictionary<char, Dimension> sizes,
        ref TensorShape? ellipsis
    )
    {
        var start = term.IndexOf("...", StringComparison.Ordinal);
        if (shape is null)
        {
            ellipsis = start < 0 ? ellipsis : null;
            return;
        }

        var letters = term.Replace("...", "");
        var free = shape.Rank - letters.Length;
        if (free < 0 || (free > 0 && start < 0))
        {
            throw new ShapeConflictException($"The term '{term}' does not fit {shape}.");
        }

        for (var i = 0; i < letters.Length; i++)
        {
            var size = shape[start >= 0 && i >= start ? i + free : i];
            sizes[letters[i]] = sizes.TryGetValue(letters[i], out var known)
                ? ShapeArithmetic.Broadcast(known, size)
                : size;
        }

        if (start >= 0)
        {
            ellipsis = ShapeArithmetic.Broadcast(ellipsis, new(shape.Skip(start).Take(free)));
        }
    }

    /// <summary>Without an arrow: the letters that occur once, in alphabetical order.</summary>
    private static string Implicit(string left)
    {
        var once = left.Where(char.IsLetter).GroupBy(l => l).Where(g => g.Count() == 1).Select(g => g.Key).Order();
        return (left.Contains("...") ? "..." : "") + new string([.. once]);
    }
}
