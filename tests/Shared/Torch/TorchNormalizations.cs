using TorchSharp;
using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>Normalizations.</summary>
internal static class TorchNormalizations
{
    public static void AddTo(
        Action<string, Func<TorchCall, Tensor>> add,
        Action<string, Func<TorchCall, Tensor[]>> addMany
    )
    {
        add("InstanceNormalization", c => F.instance_norm(c.X, null, null, c[1], c[2], eps: Epsilon(c)));
        add("GroupNormalization", Group);
        add("BatchNormalization", Batch);
        add("LayerNormalization", c => F.layer_norm(c.X, c.X.shape[(int)c.Axis(-1)..], c[1], c.Find(2), Epsilon(c)));
        add("RMSNormalization", c => RootMeanSquare(c.X, c.Axis(-1), c[1], Epsilon(c)));
        add("SimplifiedLayerNormalization", c => RootMeanSquare(c.X, c.Axis(-1), c[1], Epsilon(c)));
        addMany(
            "SkipLayerNormalization",
            c =>
            {
                var sum = Sum(c, 4);
                return [F.layer_norm(sum, [sum.shape[^1]], c[2], c.Find(3), Epsilon(c, 1e-12f)), sum, sum, sum];
            }
        );
        addMany(
            "SkipSimplifiedLayerNormalization",
            c =>
            {
                var sum = Sum(c, 3);
                return [RootMeanSquare(sum, sum.dim() - 1, c[2], Epsilon(c, 1e-12f)), sum, sum, sum];
            }
        );
    }

    private static double Epsilon(TorchCall c, float fallback = 1e-5f) => c.Node.Float("epsilon", fallback);

    private static Tensor Sum(TorchCall c, int bias) => c.Find(bias) is { } shift ? c.X + c[1] + shift : c.X + c[1];

    private static Tensor RootMeanSquare(Tensor x, long axis, Tensor scale, double epsilon)
    {
        long[] axes = [.. Enumerable.Range((int)axis, (int)(x.dim() - axis)).Select(a => (long)a)];
        return x * ((x * x).mean(axes, true) + epsilon).rsqrt() * scale;
    }

    /// <summary>Up to opset 20 scale and bias are those of groups, from 21 on those of channels.</summary>
    private static Tensor Group(TorchCall c)
    {
        var groups = c.Node.Int("num_groups");
        var each = c.Opset < 21 ? c.X.shape[1] / groups : 1;
        Tensor Channels(Tensor values) => values.unsqueeze(1).expand([values.numel(), each]).reshape(-1);
        return F.group_norm(c.X, groups, Channels(c[1]), Channels(c[2]), Epsilon(c));
    }

    /// <summary>PyTorch takes means and variances as constants; here they have gradients too.</summary>
    private static Tensor Batch(TorchCall c)
    {
        long[] dims = [1, -1, .. Enumerable.Repeat(1L, c.Rank - 2)];
        Tensor At(int input) => c[input].reshape(dims);
        return ((c.X - At(3)) / (At(4) + Epsilon(c)).sqrt() * At(1)) + At(2);
    }
}
