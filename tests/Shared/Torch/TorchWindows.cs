using TorchSharp;
using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>Convolutions, poolings and resizing.</summary>
internal static class TorchWindows
{
    public static void AddTo(Action<string, Func<TorchCall, Tensor>> add)
    {
        add("Conv", Convolution);
        add("ConvTranspose", Transposed);
        add("AveragePool", Average);
        add("MaxPool", Maximum);
        add("GlobalAveragePool", c => c.X.mean(Image(c), true));
        add("GlobalMaxPool", c => c.X.amax(Image(c), true));
        add("Resize", Resize);
    }

    private static long[] Image(TorchCall c) => [.. Enumerable.Range(2, c.Rank - 2).Select(a => (long)a)];

    /// <summary>Where padding is alike on both sides the convolution has it; else it stands before it.</summary>
    private static Tensor Convolution(TorchCall c)
    {
        var weight = c[1];
        var (strides, dilations) = (c.Each("strides", 1), c.Each("dilations", 1));
        var (begins, ends) = Pads(c, weight.shape[2..], strides, dilations);
        var isEven = begins.SequenceEqual(ends);
        var x = isEven ? c.X : Pad(c.X, begins, ends, 0);
        var pads = isEven ? begins : new long[begins.Length];
        return Convolve(x, weight, c.Find(2), strides, pads, dilations, c.Node.Int("group", 1));
    }

    private static Tensor Convolve(
        Tensor x,
        Tensor weight,
        Tensor? bias,
        long[] strides,
        long[] pads,
        long[] dilations,
        long groups
    ) =>
        strides.Length switch
        {
            1 => F.conv2d(
                    x.unsqueeze(2),
                    weight.unsqueeze(2),
                    bias,
                    [1, strides[0]],
                    [0, pads[0]],
                    [1, dilations[0]],
                    groups
                )
                .squeeze(2),
            2 => F.conv2d(x, weight, bias, strides, pads, dilations, groups),
            _ => F.conv3d(x, weight, bias, strides, pads, dilations, groups),
        };

    /// <summary>Padding of a transposed convolution is what is cut from its result.</summary>
    private static Tensor Transposed(TorchCall c)
    {
        var isFlat = c.Rank == 3;
        var weight = isFlat ? c[1].unsqueeze(2) : c[1];
        var x = isFlat ? c.X.unsqueeze(2) : c.X;
        long[] With(long[] values, long first) => isFlat ? [first, .. values] : values;
        var (strides, dilations) = (With(c.Each("strides", 1), 1), With(c.Each("dilations", 1), 1));
        var (extra, groups) = (With(c.Each("output_padding", 0), 0), c.Node.Int("group", 1));
        var none = new long[strides.Length];
        var y =
            strides.Length == 2
                ? F.conv_transpose2d(x, weight, c.Find(2), strides, none, extra, dilations, groups)
                : F.conv_transpose3d(x, weight, c.Find(2), strides, none, extra, dilations, groups);
        y = isFlat ? y.squeeze(2) : y;
        var pads = c.Node.Ints("pads")?.ToArray() ?? new long[2 * (c.Rank - 2)];
        for (var i = 0; i < c.Rank - 2; i++)
        {
            y = y.narrow(i + 2, pads[i], y.shape[i + 2] - pads[i] - pads[i + c.Rank - 2]);
        }

        return y;
    }

    /// <summary>Sums of windows, as convolutions with ones, over the numbers of elements that count.</summary>
    private static Tensor Average(TorchCall c)
    {
        var kernel = c.Node.Ints("kernel_shape")!.ToArray();
        var (strides, dilations) = (c.Each("strides", 1), c.Each("dilations", 1));
        var (begins, ends) = Pads(c, kernel, strides, dilations);
        var channels = c.X.shape[1];
        var ones = torch.ones([channels, 1, .. kernel]);
        Tensor Sums(Tensor x, double value) =>
            Convolve(Pad(x, begins, ends, value), ones, null, strides, new long[kernel.Length], dilations, channels);

        return Sums(c.X, 0) / Sums(torch.ones(c.X.shape), c.Node.Int("count_include_pad"));
    }

    private static Tensor Maximum(TorchCall c)
    {
        var kernel = c.Node.Ints("kernel_shape")!.ToArray();
        var (strides, dilations) = (c.Each("strides", 1), c.Each("dilations", 1));
        var (begins, ends) = Pads(c, kernel, strides, dilations);
        var x = Pad(c.X, begins, ends, -1e9);
        var up = c.Node.Int("ceil_mode") != 0;
        return kernel.Length switch
        {
            1 => F.max_pool2d(x.unsqueeze(2), [1, kernel[0]], [1, strides[0]], [0, 0], [1, dilations[0]], up)
                .squeeze(2),
            2 => F.max_pool2d(x, kernel, strides, [0, 0], dilations, up),
            _ => F.max_pool3d(x, kernel, strides, [0, 0, 0], dilations, up),
        };
    }

    private static (long[] Begins, long[] Ends) Pads(TorchCall c, long[] kernel, long[] strides, long[] dilations)
    {
        var rank = kernel.Length;
        var auto = c.Node.Text("auto_pad", "NOTSET");
        if (!auto.StartsWith("SAME", StringComparison.Ordinal))
        {
            var pads = auto == "VALID" ? null : c.Node.Ints("pads")?.ToArray();
            return pads is null ? (new long[rank], new long[rank]) : (pads[..rank], pads[rank..]);
        }

        var image = c.X.shape[2..];
        long[] total =
        [
            .. kernel.Select(
                (k, i) =>
                    Math.Max(
                        0,
                        (((image[i] + strides[i] - 1) / strides[i]) - 1) * strides[i]
                            + (dilations[i] * (k - 1))
                            + 1
                            - image[i]
                    )
            ),
        ];
        long[] less = [.. total.Select(t => t / 2)];
        long[] more = [.. total.Select(t => t - (t / 2))];
        return auto == "SAME_UPPER" ? (less, more) : (more, less);
    }

    private static Tensor Pad(Tensor x, long[] begins, long[] ends, double value) =>
        begins.Concat(ends).All(p => p == 0)
            ? x
            : F.pad(x, [.. begins.Zip(ends).Reverse().SelectMany(p => new[] { p.First, p.Second })], value: value);

    private static Tensor Resize(TorchCall c)
    {
        var (mode, coordinates) = (
            c.Node.Text("mode", "nearest"),
            c.Node.Text("coordinate_transformation_mode", "half_pixel")
        );
        var isCorners = coordinates == "align_corners";
        var interpolation = (mode, coordinates, c.Node.Text("nearest_mode", "round_prefer_floor")) switch
        {
            ("nearest", "asymmetric", "floor") => torch.InterpolationMode.Nearest,
            ("linear", "half_pixel" or "align_corners", _) => torch.InterpolationMode.Bilinear,
            ("cubic", "half_pixel" or "align_corners", _) => torch.InterpolationMode.Bicubic,
            _ => throw new NotSupportedException($"Resize by {mode} at {coordinates}"),
        };
        bool? corners = mode == "nearest" ? null : isCorners;
        return c.Find(3) is { } sizes
            ? F.interpolate(c.X, sizes.data<long>().ToArray()[2..], null, interpolation, corners)
            : F.interpolate(
                c.X,
                null,
                [.. c[2].data<float>().ToArray()[2..].Select(s => (double)s)],
                interpolation,
                corners
            );
    }
}
