using TorchSharp;
using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>ONNX's operators by PyTorch's.</summary>
internal static class TorchOperators
{
    private static readonly Dictionary<string, Func<TorchCall, Tensor[]>> Table = [];

    static TorchOperators()
    {
        AddElementwise();
        AddActivations();
        AddReductions();
        AddMatrices();
        TorchWindows.AddTo(Add);
        TorchNormalizations.AddTo(Add, AddMany);
        TorchMovements.AddTo(Add, AddMany);
        TorchIndexing.AddTo(Add);
    }

    /// <summary>Runs a node.</summary>
    /// <exception cref="NotSupportedException">PyTorch has no counterpart.</exception>
    public static Tensor[] Run(TorchCall call) =>
        Table.TryGetValue(call.Node.OpType, out var run)
            ? run(call)
            : throw new NotSupportedException(call.Node.OpType);

    private static void Add(string opType, Func<TorchCall, Tensor> run) => Table.Add(opType, c => [run(c)]);

    private static void AddMany(string opType, Func<TorchCall, Tensor[]> run) => Table.Add(opType, run);

    private static void AddElementwise()
    {
        Add("Add", c => c.X + c[1]);
        Add("Sub", c => c.X - c[1]);
        Add("Mul", c => c.X * c[1]);
        Add("Div", c => c.X / c[1]);
        Add("Pow", c => torch.pow(c.X, c[1]));
        Add("Sum", c => c.Inputs.Aggregate((a, b) => a + b));
        Add("Mean", c => c.Inputs.Aggregate((a, b) => a + b) / c.Inputs.Count());
        Add("Min", c => c.Inputs.Aggregate(torch.minimum));
        Add("Max", c => c.Inputs.Aggregate(torch.maximum));
        Add("Greater", c => c.X.gt(c[1]));
        Add("Where", c => torch.where(c.X, c[1], c[2]));
        Add("Clip", Clip);
        Add("Neg", c => -c.X);
        Add("Abs", c => c.X.abs());
        Add("Exp", c => c.X.exp());
        Add("Log", c => c.X.log());
        Add("Sqrt", c => c.X.sqrt());
        Add("Reciprocal", c => 1 / c.X);
        Add("Sin", c => c.X.sin());
        Add("Cos", c => c.X.cos());
        Add("Tan", c => c.X.tan());
        Add("Atan", c => c.X.atan());
        Add("Sinh", c => c.X.sinh());
        Add("Cosh", c => c.X.cosh());
        Add("Asinh", c => c.X.asinh());
        Add("Asin", c => c.X.asin());
        Add("Acos", c => c.X.acos());
        Add("Atanh", c => c.X.atanh());
        Add("Acosh", c => c.X.acosh());
        // Straight through, as the rule defines it.
        Add("Round", c => c.X + (c.X.round() - c.X).detach());
        Add("Floor", c => c.X.detach().floor());
        Add("FakeQuantize", FakeQuantize);
    }

    private static Tensor Clip(TorchCall c)
    {
        var low = c.Find(1) is { } least ? torch.maximum(c.X, least) : c.X;
        return c.Find(2) is { } most ? torch.minimum(low, most) : low;
    }

    private static Tensor FakeQuantize(TorchCall c)
    {
        if (c.Node.Inputs.Count > 2)
        {
            throw new NotSupportedException("learned zero points");
        }

        var (step, zero, most) = (c[1], c.Node.Int("zero_point"), c.Node.Int("max_code"));
        var scaled = step * c.Node.Float("gradient_scale", 1);
        step = scaled + (step - scaled).detach();
        var ratio = c.X / step;
        var codes = torch.clamp(ratio + (ratio.round() - ratio).detach(), -zero, most - zero);
        return codes * step;
    }

    private static void AddActivations()
    {
        Add("Sigmoid", c => c.X.sigmoid());
        Add("Tanh", c => c.X.tanh());
        Add("Relu", c => c.X.relu());
        Add("Erf", c => c.X.erf());
        Add("Softplus", c => F.softplus(c.X));
        Add("Softsign", c => F.softsign(c.X));
        Add("Mish", c => F.mish(c.X));
        Add("LeakyRelu", c => F.leaky_relu(c.X, c.Node.Float("alpha", 0.01f)));
        Add("Elu", c => F.elu(c.X, c.Node.Float("alpha", 1)));
        Add("Celu", c => F.celu(c.X, c.Node.Float("alpha", 1)));
        Add("Selu", c => c.Node.Float("gamma", 1.05070098f) * F.elu(c.X, c.Node.Float("alpha", 1.67326319f)));
        Add("Gelu", c => c.Node.Text("approximate", "none") == "tanh" ? GeluByTanh(c.X) : F.gelu(c.X));
        Add("BiasGelu", c => F.gelu(c.X + c[1]));
        Add("FastGelu", c => GeluByTanh(c.Find(1) is { } bias ? c.X + bias : c.X));
        Add("QuickGelu", c => c.X * (c.X * c.Node.Float("alpha", 1.702f)).sigmoid());
        Add("HardSigmoid", c => torch.clamp((c.X * c.Node.Float("alpha", 0.2f)) + c.Node.Float("beta", 0.5f), 0, 1));
        Add("HardSwish", c => F.hardswish(c.X));
        Add("PRelu", c => torch.where(c.X.gt(0), c.X, c.X * c[1]));
        Add("ThresholdedRelu", c => F.threshold(c.X, c.Node.Float("alpha", 1), 0));
        Add("Softmax", c => F.softmax(c.X, c.Axis(-1)));
        Add("LogSoftmax", c => F.log_softmax(c.X, c.Axis(-1)));
    }

    private static Tensor GeluByTanh(Tensor x) =>
        0.5 * x * (1 + (Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))).tanh());

    private static void AddReductions()
    {
        Add("ReduceSum", c => Reduce(c, (x, axes, keep) => x.sum(axes, keep)));
        Add("ReduceMean", c => Reduce(c, (x, axes, keep) => x.mean(axes, keep)));
        Add("ReduceSumSquare", c => Reduce(c, (x, axes, keep) => (x * x).sum(axes, keep)));
        Add("ReduceL1", c => Reduce(c, (x, axes, keep) => x.abs().sum(axes, keep)));
        Add("ReduceL2", c => Reduce(c, (x, axes, keep) => (x * x).sum(axes, keep).sqrt()));
        Add("ReduceLogSum", c => Reduce(c, (x, axes, keep) => x.sum(axes, keep).log()));
        Add("ReduceLogSumExp", c => Reduce(c, (x, axes, keep) => x.exp().sum(axes, keep).log()));
        Add("ReduceMax", c => Reduce(c, (x, axes, keep) => x.amax(axes, keep)));
        Add("ReduceMin", c => Reduce(c, (x, axes, keep) => x.amin(axes, keep)));
        Add("ReduceProd", c => Reduce(c, Product));
    }

    private static Tensor Reduce(TorchCall c, Func<Tensor, long[], bool, Tensor> reduce)
    {
        var axes = c.Integers("axes", 1) ?? [];
        if (axes.Length == 0 && c.Node.Int("noop_with_empty_axes") != 0)
        {
            // Nothing is reduced; what is done to each element is.
            return reduce(c.X.unsqueeze(0), [0], false);
        }

        long[] all = axes.Length > 0 ? axes : [.. Enumerable.Range(0, c.Rank).Select(a => (long)a)];
        return reduce(c.X, all, c.Node.Int("keepdims", 1) != 0);
    }

    private static Tensor Product(Tensor x, long[] axes, bool keep)
    {
        var rank = x.dim();
        foreach (var axis in axes.Select(a => a < 0 ? a + rank : a).OrderDescending())
        {
            x = x.prod(axis, keep);
        }

        return x;
    }

    private static void AddMatrices()
    {
        Add("MatMul", c => torch.matmul(c.X, c[1]));
        Add("FusedMatMul", c => c.Node.Float("alpha", 1) * torch.matmul(Side(c, 0, "transA"), Side(c, 1, "transB")));
        Add("Einsum", c => torch.einsum(c.Node.Text("equation").Replace(" ", ""), [.. c.Inputs]));
        Add("Gemm", Gemm);
    }

    private static Tensor Gemm(TorchCall c)
    {
        var (alpha, beta) = (c.Node.Float("alpha", 1), c.Node.Float("beta", 1));
        if (alpha == 1 && beta == 1 && c.Node.Int("transA") == 0 && c.Node.Int("transB") == 1 && c.Find(2)?.dim() == 1)
        {
            return F.linear(c.X, c[1], c[2]);
        }

        var product = torch.matmul(Side(c, 0, "transA"), Side(c, 1, "transB")) * alpha;
        return c.Find(2) is { } sum ? product + (sum * beta) : product;
    }

    private static Tensor Side(TorchCall c, int input, string transposed) =>
        c.Node.Int(transposed) == 0 ? c[input] : c[input].transpose(-1, -2);
}
