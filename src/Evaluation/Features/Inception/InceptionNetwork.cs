using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Evaluation.Features.Inception;

/// <summary>
/// Builds Inception v3 as the graph <c>inception-2015-12-05</c> of TensorFlow has it, which FID (Heusel et al. 2017) is
/// defined with. It differs from torchvision's: average pooling leaves padded zeros out of the mean, the last block pools by
/// maximum where the others do by mean, and the classifier has 1008 classes.
/// </summary>
internal sealed class InceptionNetwork
{
    /// <summary>The input: [N,3,299,299], values (x − 128)/128 of pixels from 0 to 255.</summary>
    public const string Image = "image";

    /// <summary>The output that FID, KID, precision and recall are measured on: <c>pool_3</c>, [N,2048].</summary>
    public const string Features = "features";

    /// <summary>
    /// The output that the Inception Score is measured on: [N,1008], without the classifier's bias, as ADM's evaluator and
    /// torch-fidelity (<c>logits_unbiased</c>) have it.
    /// </summary>
    public const string Logits = "logits";

    /// <summary>
    /// The output that sFID is measured on: the first 7 channels of <c>mixed_6/conv</c>, [N,7,17,17]. A node of that graph
    /// that bears the name of a layer's scope is its last one, the ReLU; in PyTorch's names the layer is
    /// <c>Mixed_6d.branch1x1</c>, so this is that layer after batch normalisation and ReLU.
    /// </summary>
    public const string Spatial = "spatial";

    /// <summary>Height and width of the input.</summary>
    public const int Resolution = 299;

    /// <summary>Channels of <see cref="Spatial"/>.</summary>
    public const int SpatialChannels = 7;

    private const int SpatialResolution = 17;

    private readonly GraphBuilder builder = new("inception_v3");
    private readonly InceptionWeights weights;
    private Value? spatial;

    private InceptionNetwork(InceptionWeights weights) => this.weights = weights;

    /// <summary>Builds the network as a model.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3052 and DQ3058.</exception>
    public static OnnxModel Build(InceptionWeights weights)
    {
        var network = new InceptionNetwork(weights);
        network.Trace();
        var model = network.builder.Build();
        model.ProducerName = "diffquant";
        return model;
    }

    private void Trace()
    {
        var x = builder.Input(Image, ElementType.Float, "batch", 3, Resolution, Resolution);
        x = Chain(x, "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3");
        x = MaxPool(x, stride: 2, padding: 0);
        x = Chain(x, "Conv2d_3b_1x1", "Conv2d_4a_3x3");
        x = MaxPool(x, stride: 2, padding: 0);
        x = BlockA("Mixed_5b", x);
        x = BlockA("Mixed_5c", x);
        x = BlockA("Mixed_5d", x);
        x = BlockB("Mixed_6a", x);
        x = BlockC("Mixed_6b", x);
        x = BlockC("Mixed_6c", x);
        x = BlockC("Mixed_6d", x);
        x = BlockC("Mixed_6e", x);
        x = BlockD("Mixed_7a", x);
        x = BlockE("Mixed_7b", x, AveragePool);
        // The graph of 2015 has a maximum here, most likely by mistake; FID is defined with it.
        x = BlockE("Mixed_7c", x, y => MaxPool(y, stride: 1, padding: 1));
        var features = builder.Op("Flatten", [builder.Op("GlobalAveragePool", x)], ("axis", 1L));
        var logits = builder.Op(
            "Gemm",
            [features, builder.Parameter("fc.weight", weights.Classifier())],
            ("transB", 1L)
        );
        builder.Output(features, Features, ElementType.Float, "batch", InceptionLayers.Features);
        builder.Output(logits, Logits, ElementType.Float, "batch", InceptionLayers.Classes);
        var leading = builder.Op(
            "Slice",
            spatial!,
            builder.Constant(0),
            builder.Constant(SpatialChannels),
            builder.Constant(1)
        );
        builder.Output(
            leading,
            Spatial,
            ElementType.Float,
            "batch",
            SpatialChannels,
            SpatialResolution,
            SpatialResolution
        );
    }

    private Value BlockA(string name, Value x) =>
        builder.Concat(
            1,
            Conv($"{name}.branch1x1", x),
            Chain(x, $"{name}.branch5x5_1", $"{name}.branch5x5_2"),
            Chain(x, $"{name}.branch3x3dbl_1", $"{name}.branch3x3dbl_2", $"{name}.branch3x3dbl_3"),
            Conv($"{name}.branch_pool", AveragePool(x))
        );

    private Value BlockB(string name, Value x) =>
        builder.Concat(
            1,
            Conv($"{name}.branch3x3", x),
            Chain(x, $"{name}.branch3x3dbl_1", $"{name}.branch3x3dbl_2", $"{name}.branch3x3dbl_3"),
            MaxPool(x, stride: 2, padding: 0)
        );

    private Value BlockC(string name, Value x)
    {
        var direct = Conv($"{name}.branch1x1", x);
        if (name == "Mixed_6d")
        {
            spatial = direct;
        }

        return builder.Concat(
            1,
            direct,
            Chain(x, [.. Numbered($"{name}.branch7x7", 3)]),
            Chain(x, [.. Numbered($"{name}.branch7x7dbl", 5)]),
            Conv($"{name}.branch_pool", AveragePool(x))
        );
    }

    private Value BlockD(string name, Value x) =>
        builder.Concat(
            1,
            Chain(x, [.. Numbered($"{name}.branch3x3", 2)]),
            Chain(x, [.. Numbered($"{name}.branch7x7x3", 4)]),
            MaxPool(x, stride: 2, padding: 0)
        );

    private Value BlockE(string name, Value x, Func<Value, Value> pool)
    {
        var simple = Conv($"{name}.branch3x3_1", x);
        var twice = Chain(x, [.. Numbered($"{name}.branch3x3dbl", 2)]);
        return builder.Concat(
            1,
            Conv($"{name}.branch1x1", x),
            Conv($"{name}.branch3x3_2a", simple),
            Conv($"{name}.branch3x3_2b", simple),
            Conv($"{name}.branch3x3dbl_3a", twice),
            Conv($"{name}.branch3x3dbl_3b", twice),
            Conv($"{name}.branch_pool", pool(x))
        );
    }

    private static IEnumerable<string> Numbered(string name, int count) =>
        Enumerable.Range(1, count).Select(i => $"{name}_{i}");

    private Value Chain(Value x, params ReadOnlySpan<string> layers)
    {
        foreach (var layer in layers)
        {
            x = Conv(layer, x);
        }

        return x;
    }

    private Value Conv(string name, Value x)
    {
        var layer = InceptionLayers.All[name];
        var (weight, bias) = weights.Convolution(layer);
        var (high, wide) = layer.IsPadded ? (layer.Height / 2, layer.Width / 2) : (0, 0);
        using var scope = builder.Scope(name);
        var convolved = builder.Op(
            "Conv",
            [x, builder.Parameter($"{name}.weight", weight), builder.Parameter($"{name}.bias", bias)],
            ("kernel_shape", new[] { layer.Height, layer.Width }),
            ("pads", new[] { high, wide, high, wide }),
            ("strides", new[] { layer.Stride, layer.Stride })
        );
        return builder.Op("Relu", convolved);
    }

    private Value AveragePool(Value x) =>
        builder.Op(
            "AveragePool",
            [x],
            ("count_include_pad", 0L),
            ("kernel_shape", new long[] { 3, 3 }),
            ("pads", new long[] { 1, 1, 1, 1 }),
            ("strides", new long[] { 1, 1 })
        );

    private Value MaxPool(Value x, long stride, long padding) =>
        builder.Op(
            "MaxPool",
            [x],
            ("kernel_shape", new long[] { 3, 3 }),
            ("pads", new[] { padding, padding, padding, padding }),
            ("strides", new[] { stride, stride })
        );
}
