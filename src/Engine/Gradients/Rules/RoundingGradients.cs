namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>
/// Rounding, whose derivative is zero almost everywhere, passes gradients straight through: y = x + stopgrad(round(x) − x)
/// (Bengio et al. 2013). Floor and Ceil do not: they cut weights into a constant and a learned part.
/// </summary>
internal static class RoundingGradients
{
    public static void AddTo(GradientRuleTable rules) => rules.Add("Round", c => c.Give(0, c.Gradient));
}
