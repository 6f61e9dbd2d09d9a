namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Operators of the simulation, which exist only until a graph runs.</summary>
internal static class SimulationRules
{
    private const string Domain = "diffusionquant";

    public static void AddTo(RuleTable rules)
    {
        rules.Add(Domain, "FakeQuantize", Like);
        rules.Add(Domain, "StopGradient", Like);
    }

    private static void Like(RuleContext c)
    {
        for (var i = 0; i < c.Outputs.Count; i++)
        {
            c.SetLike(i, 0);
        }
    }
}
