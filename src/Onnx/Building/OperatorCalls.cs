namespace DiffusionQuant.Onnx.Building;

/// <summary>Operators with their attributes, written as the builder's opset wants them.</summary>
public static class OperatorCalls
{
    /// <summary>A two-dimensional convolution of x [N,C,H,W] with weight [M,C/group,kH,kW] and bias [M].</summary>
    public static Value Conv(
        this GraphBuilder builder,
        Value x,
        Value weight,
        Value? bias = null,
        long pads = 0,
        long strides = 1,
        long dilations = 1,
        long group = 1
    )
    {
        var inputs = bias is null ? new[] { x, weight } : [x, weight, bias];
        var kernel = builder.Graph.Initializers.TryGetValue(weight.Name, out var tensor) ? tensor.Dims[2..] : [];
        var attributes = new List<(string, AttributeValue)>
        {
            ("dilations", new[] { dilations, dilations }),
            ("group", group),
            ("pads", new[] { pads, pads, pads, pads }),
            ("strides", new[] { strides, strides }),
        };
        if (kernel.Length > 0)
        {
            attributes.Insert(2, ("kernel_shape", kernel.ToArray()));
        }

        return builder.Op("Conv", inputs, attributes.ToArray());
    }

    /// <summary>A fully connected layer: x [N,K] times the transpose of weight [M,K], plus bias [M].</summary>
    public static Value Linear(this GraphBuilder builder, Value x, Value weight, Value bias) =>
        builder.Op("Gemm", [x, weight, bias], ("alpha", 1f), ("beta", 1f), ("transB", 1L));

    /// <summary>A matrix product, batched over leading dimensions.</summary>
    public static Value MatMul(this GraphBuilder builder, Value a, Value b) => builder.Op("MatMul", a, b);

    /// <summary>A conversion to another element type.</summary>
    public static Value Cast(this GraphBuilder builder, Value x, ElementType type) =>
        builder.Op("Cast", [x], ("to", (long)type));

    /// <summary>The same elements in the shape that a constant gives: 0 keeps a dimension, −1 takes the rest.</summary>
    public static Value Reshape(this GraphBuilder builder, Value x, params ReadOnlySpan<long> shape) =>
        builder.Reshape(x, builder.Constant(shape));

    /// <summary>The same elements in the shape that a value gives.</summary>
    public static Value Reshape(this GraphBuilder builder, Value x, Value shape) =>
        builder.Opset < 14 ? builder.Op("Reshape", x, shape) : builder.Op("Reshape", [x, shape], ("allowzero", 0L));

    /// <summary>Permutes dimensions.</summary>
    public static Value Transpose(this GraphBuilder builder, Value x, params long[] perm) =>
        builder.Op("Transpose", [x], ("perm", perm));

    /// <summary>Joins values along an axis.</summary>
    public static Value Concat(this GraphBuilder builder, long axis, params ReadOnlySpan<Value?> values) =>
        builder.Op("Concat", values, ("axis", axis));

    /// <summary>Inserts dimensions of size 1.</summary>
    public static Value Unsqueeze(this GraphBuilder builder, Value x, params long[] axes) =>
        builder.Opset < 13
            ? builder.Op("Unsqueeze", [x], ("axes", axes))
            : builder.Op("Unsqueeze", x, builder.Constant(axes));

    /// <summary>Removes dimensions of size 1.</summary>
    public static Value Squeeze(this GraphBuilder builder, Value x, params long[] axes) =>
        builder.Opset < 13
            ? builder.Op("Squeeze", [x], ("axes", axes))
            : builder.Op("Squeeze", x, builder.Constant(axes));

    /// <summary>The softmax along an axis.</summary>
    public static Value Softmax(this GraphBuilder builder, Value x, long axis = -1) =>
        builder.Op("Softmax", [x], ("axis", axis));

    /// <summary>One dimension of a value as an int64 scalar, through Shape and Gather as exporters write it.</summary>
    public static Value Size(this GraphBuilder builder, Value x, long axis) =>
        builder.Op("Gather", [builder.Op("Shape", x), builder.Scalar(axis)], ("axis", 0L));

    /// <summary>The means along axes, their dimensions kept with size 1 or not.</summary>
    public static Value ReduceMean(this GraphBuilder builder, Value x, long[] axes, bool keepDimensions = true) =>
        builder.Opset < 18
            ? builder.Op("ReduceMean", [x], ("axes", axes), ("keepdims", keepDimensions ? 1L : 0L))
            : builder.Op("ReduceMean", [x, builder.Constant(axes)], ("keepdims", keepDimensions ? 1L : 0L));

    /// <summary>x times its sigmoid, as two nodes.</summary>
    public static Value Silu(this GraphBuilder builder, Value x) => x * builder.Op("Sigmoid", x);

    /// <summary>Enlarges the last two dimensions of x [N,C,H,W] by repeating elements.</summary>
    public static Value UpsampleNearest(this GraphBuilder builder, Value x, float factor = 2)
    {
        var scales = builder.Constant(OnnxTensor.Of("", [1f, 1f, factor, factor], 4));
        return builder.Op(
            "Resize",
            [x, null, scales],
            ("coordinate_transformation_mode", "asymmetric"),
            ("cubic_coeff_a", -0.75f),
            ("mode", "nearest"),
            ("nearest_mode", "floor")
        );
    }

    /// <summary>
    /// Group normalisation of x [N,C,…] as exporters write it below opset 21: Reshape, InstanceNormalization, Reshape,
    /// Mul, Add.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="x">The input, float32.</param>
    /// <param name="groups">The number of groups.</param>
    /// <param name="gamma">The factor of each channel, [C,1,1].</param>
    /// <param name="beta">The summand of each channel, [C,1,1].</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static Value GroupNorm(
        this GraphBuilder builder,
        Value x,
        int groups,
        OnnxTensor gamma,
        OnnxTensor beta,
        float epsilon = 1e-5f
    )
    {
        var grouped = builder.Reshape(x, 0, groups, -1);
        var ones = new float[groups];
        Array.Fill(ones, 1);
        var scale = builder.Constant(OnnxTensor.Of("", ones.AsSpan(), groups));
        var zeros = builder.Constant(OnnxTensor.Of("", new float[groups].AsSpan(), groups));
        var normalized = builder.Op("InstanceNormalization", [grouped, scale, zeros], ("epsilon", epsilon));
        var restored = builder.Reshape(normalized, builder.Op("Shape", x));
        return (restored * builder.AnonymousParameter(gamma, "Mul")) + builder.AnonymousParameter(beta, "Add");
    }
}
