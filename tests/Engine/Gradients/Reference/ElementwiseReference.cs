using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Operators on elements, with broadcasting.</summary>
internal static class ElementwiseReference
{
    public static void AddTo(ReferenceGraph table)
    {
        foreach (
            var (opType, function) in new (string, Func<double, double>)[]
            {
                ("Neg", v => -v),
                ("Abs", Math.Abs),
                ("Exp", Math.Exp),
                ("Log", Math.Log),
                ("Sqrt", Math.Sqrt),
                ("Reciprocal", v => 1 / v),
                ("Sin", Math.Sin),
                ("Cos", Math.Cos),
                ("Tan", Math.Tan),
                ("Asin", Math.Asin),
                ("Acos", Math.Acos),
                ("Atan", Math.Atan),
                ("Sinh", Math.Sinh),
                ("Cosh", Math.Cosh),
                ("Asinh", Math.Asinh),
                ("Acosh", Math.Acosh),
                ("Atanh", Math.Atanh),
                ("Identity", v => v),
                // Between floating-point types only, of which this has one.
                ("Cast", v => v),
            }
        )
        {
            table.Add(opType, c => c.X.Map(function));
        }

        foreach (
            var (opType, function) in new (string, Func<IEnumerable<double>, double>)[]
            {
                ("Add", v => v.Sum()),
                ("Sub", v => v.First() - v.Last()),
                ("Mul", v => v.First() * v.Last()),
                ("Div", v => v.First() / v.Last()),
                ("Pow", v => Math.Pow(v.First(), v.Last())),
                ("Sum", v => v.Sum()),
                ("Mean", v => v.Average()),
                ("Min", v => v.Min()),
                ("Max", v => v.Max()),
                ("Greater", v => v.First() > v.Last() ? 1 : 0),
                ("Where", v => v.First() != 0 ? v.ElementAt(1) : v.Last()),
            }
        )
        {
            table.Add(opType, c => Broadcast(c, function));
        }

        table.Add("Clip", Clip);
        table.Add("Constant", c => NdArray.Of(((AttributeValue.Tensor)c.Node.Attributes["value"]).Value));
    }

    private static NdArray Broadcast(ReferenceCall c, Func<IEnumerable<double>, double> function)
    {
        var inputs = c.Inputs.ToArray();
        return NdArray.Of(
            NdArray.BroadcastDims(inputs),
            place => function(Array.ConvertAll(inputs, i => i.Broadcast(place)))
        );
    }

    private static NdArray Clip(ReferenceCall c)
    {
        var low = c.Find(1)?.Values[0] ?? double.NegativeInfinity;
        var high = c.Find(2)?.Values[0] ?? double.PositiveInfinity;
        return c.X.Map(v => Math.Min(Math.Max(v, low), high));
    }
}
