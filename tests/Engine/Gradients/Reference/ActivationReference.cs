namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Activation functions.</summary>
internal static class ActivationReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("Sigmoid", c => c.X.Map(Sigmoid));
        table.Add("Tanh", c => c.X.Map(Math.Tanh));
        table.Add("Relu", c => c.X.Map(v => Math.Max(v, 0)));
        table.Add("Erf", c => c.X.Map(Erf));
        table.Add("Softplus", c => c.X.Map(Softplus));
        table.Add("Mish", c => c.X.Map(v => v * Math.Tanh(Softplus(v))));
        table.Add("Gelu", c => c.X.Map(c.Node.Text("approximate", "none") == "tanh" ? GeluByTanh : Gelu));
        table.Add("LeakyRelu", c => Bent(c, 0.01f, (v, alpha) => alpha * v));
        table.Add("Elu", c => Bent(c, 1, (v, alpha) => alpha * (Math.Exp(v) - 1)));
        table.Add("Selu", Selu);
        table.Add("Celu", c => Bent(c, 1, (v, alpha) => alpha * (Math.Exp(v / alpha) - 1)));
        table.Add("PRelu", c => NdArray.Of(c.X.Dims, p => c.X[p] > 0 ? c.X[p] : c.X[p] * c[1].Broadcast(p)));
        table.Add("ThresholdedRelu", c => c.X.Map(v => v > c.Node.Float("alpha", 1) ? v : 0));
        table.Add("Softsign", c => c.X.Map(v => v / (1 + Math.Abs(v))));
        table.Add("HardSwish", c => c.X.Map(v => v * Math.Clamp((v / 6) + 0.5, 0, 1)));
        table.Add("HardSigmoid", c => c.X.Map(HardSigmoid(c.Node.Float("alpha", 0.2f), c.Node.Float("beta", 0.5f))));
        AddMicrosoft(table, "Gelu", _ => Gelu);
        AddMicrosoft(table, "BiasGelu", _ => Gelu);
        AddMicrosoft(table, "FastGelu", _ => GeluByTanh);
        AddMicrosoft(table, "QuickGelu", c => v => v * Sigmoid(c.Node.Float("alpha", 1.702f) * v));
        table.Add("Softmax", c => Normalized(c, (v, sum) => Math.Exp(v) / sum));
        table.Add("LogSoftmax", c => Normalized(c, (v, sum) => v - Math.Log(sum)));
    }

    private static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));

    private static double Gelu(double v) => 0.5 * v * (1 + Erf(v / Math.Sqrt(2)));

    private static double GeluByTanh(double v) =>
        0.5 * v * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + (0.044715 * v * v * v))));

    private static double Softplus(double v) => Math.Log(1 + Math.Exp(v));

    private static Func<double, double> HardSigmoid(double alpha, double beta) =>
        v => Math.Clamp((alpha * v) + beta, 0, 1);

    /// <summary>The series around 0, which has all digits for the numbers of tests.</summary>
    private static double Erf(double v)
    {
        var (sum, term) = (0.0, v);
        for (var n = 0; Math.Abs(term) > 1e-18; n++)
        {
            sum += term / ((2 * n) + 1);
            term *= -v * v / (n + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    /// <summary>A function of the first input, or of the sum of two.</summary>
    private static void AddMicrosoft(
        ReferenceGraph table,
        string opType,
        Func<ReferenceCall, Func<double, double>> function
    ) =>
        table.Add(
            "com.microsoft",
            opType,
            c => [NdArray.Of(c.X.Dims, p => function(c)(c.X[p] + (c.Find(1)?.Broadcast(p) ?? 0)))]
        );

    private static NdArray Selu(ReferenceCall c)
    {
        double gamma = c.Node.Float("gamma", 1.05070098f);
        return Bent(c, 1.67326319f, (v, alpha) => alpha * (Math.Exp(v) - 1)).Map(v => gamma * v);
    }

    /// <summary>The identity above zero.</summary>
    private static NdArray Bent(ReferenceCall c, float fallback, Func<double, double, double> below)
    {
        double alpha = c.Node.Float("alpha", fallback);
        return c.X.Map(v => v > 0 ? v : below(v, alpha));
    }

    /// <summary>A function of an element and the sum of exponentials along its axis.</summary>
    private static NdArray Normalized(ReferenceCall c, Func<double, double, double> function)
    {
        var axis = c.Axis(-1);
        var along = new int[c.X.Rank];
        return NdArray.Of(
            c.X.Dims,
            place =>
            {
                place.CopyTo(along, 0);
                var sum = 0.0;
                for (along[axis] = 0; along[axis] < c.X.Dims[axis]; along[axis]++)
                {
                    sum += Math.Exp(c.X[along]);
                }

                return function(c.X[place], sum);
            }
        );
    }
}
