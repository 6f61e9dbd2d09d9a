namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>
/// The product of a value and its sigmoid as one function: y' = s + y·(1 − s), in half the passes over memory that the
/// product's rule and the sigmoid's take.
/// </summary>
internal static class SiluGradient
{
    /// <summary>Hands over the gradient where a product is one with its factor's sigmoid.</summary>
    /// <param name="c">A product.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryGive(GradientContext c)
    {
        for (var i = 0; i < 2; i++)
        {
            var (x, sigmoid) = (c.Node.Inputs[i], c.Node.Inputs[1 - i]);
            if (c.Writer.Producer(sigmoid) is { } node && node.Is("Sigmoid") && node.Inputs[0] == x)
            {
                if (c.Needs(i))
                {
                    var rest = c.Op("Mul", c.Node.Outputs[0], c.Op("Sub", c.Number(1), sigmoid));
                    c.Give(i, c.Op("Mul", c.Gradient, c.Op("Add", sigmoid, rest)));
                }

                return true;
            }
        }

        return false;
    }
}
