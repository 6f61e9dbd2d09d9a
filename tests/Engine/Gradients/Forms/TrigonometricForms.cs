namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Circular and hyperbolic functions and their inverses, where they are smooth.</summary>
internal static class TrigonometricForms
{
    public static IEnumerable<GradientForm> All =>
        [
            .. new[] { "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh" }.Select(o => Of(o, -1.2, 1.2)),
            .. new[] { "Asin", "Acos", "Atanh" }.Select(o => Of(o, -0.8, 0.8)),
            Of("Acosh", 1.3, 3),
        ];

    private static GradientForm Of(string opType, double low, double high) =>
        new(opType, t => t.Op(opType, t.Between(low, high, t.Draw.Shape(0, 3))));
}
