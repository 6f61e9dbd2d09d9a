namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Einsum of one or two operands.</summary>
internal static class EinsumGradients
{
    public static void AddTo(GradientRuleTable rules) => rules.Add("Einsum", Einsum);

    /// <summary>An operand's gradient is the product of the output's gradient with the other operand, summed to the operand's
    /// letters.</summary>
    private static void Einsum(GradientContext c)
    {
        var equation = c.Node.Text("equation").Replace(" ", "", StringComparison.Ordinal);
        var sides = equation.Split("->");
        var terms = sides[0].Split(',');
        if (
            sides.Length != 2
            || terms.Length > 2
            || equation.Contains('.')
            || terms.Any(t => t.Distinct().Count() < t.Length)
        )
        {
            throw c.Unsupported($"the equation {equation}");
        }

        for (var i = 0; i < terms.Length; i++)
        {
            if (!c.Needs(i))
            {
                continue;
            }

            var others = terms.Where((_, k) => k != i).ToArray();
            if (terms[i].Any(l => !sides[1].Contains(l) && !others.Any(o => o.Contains(l))))
            {
                throw c.Unsupported($"a sum within one operand ({equation})");
            }

            var inputs = c.Node.Inputs.Where((_, k) => k != i);
            c.Give(
                i,
                c.Writer.Op(
                    "Einsum",
                    [c.Gradient, .. inputs],
                    ("equation", $"{string.Join(',', [sides[1], .. others])}->{terms[i]}")
                )
            );
        }
    }
}
