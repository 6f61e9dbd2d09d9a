using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Diffusion.Tests.Text;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Evaluation.Tests.Features.Clip;

/// <summary>
/// A CLIP model's networks, small: of a text tanh of the mean of its tokens' embeddings times those of their places, of a
/// picture tanh of a product with all of its pixels; both get a bias, so that cosines are not around 0. <see cref="Score"/>
/// computes the same in double precision. The tokenizer is a real one.
/// </summary>
internal sealed record TinyClip
{
    /// <summary>Pixels of a side.</summary>
    public required int Size { get; init; }

    public int Seed { get; init; } = 1;

    public int Rows { get; init; } = 604;

    public int Width { get; init; } = 6;

    public ElementType IdsType { get; init; } = ElementType.Int64;

    /// <summary>The type of the mask of tokens; null for none.</summary>
    public ElementType? MaskType { get; init; }

    public Dimension Batch { get; init; } = "batch_size";

    public Dimension Length { get; init; } = "sequence_length";

    /// <summary>Whether the graph fixes height and width.</summary>
    public bool FixesSize { get; init; } = true;

    public string TextOutput { get; init; } = "text_embeds";

    public string ImageOutput { get; init; } = "image_embeds";

    /// <summary>The sign of pictures' embeddings: −1 turns them away from those of texts.</summary>
    public int Sign { get; init; } = 1;

    private const int Places = 77;
    private const float Bias = 0.3f;

    private float[] Table => Weights(1, Rows * Width);

    private float[] PlaceTable => Weights(2, Places * Width);

    private float[] Pixels => Weights(3, 3 * Size * Size * Width);

    /// <summary>Writes a model's folder.</summary>
    /// <param name="folder">A new folder.</param>
    /// <param name="inTwo">Whether the networks are two files.</param>
    /// <param name="below">Whether the networks lie in a folder of their own.</param>
    public string Save(string folder, bool inTwo = false, bool below = false)
    {
        var networks = Directory.CreateDirectory(below ? Path.Combine(folder, "onnx") : folder).FullName;
        if (inTwo)
        {
            Build(hasText: true, hasImages: false).Save(Path.Combine(networks, "text_model.onnx"));
            Build(hasText: false, hasImages: true).Save(Path.Combine(networks, "vision_model.onnx"));
        }
        else
        {
            Build(hasText: true, hasImages: true).Save(Path.Combine(networks, "model.onnx"));
        }

        foreach (var file in Directory.GetFiles(TextFixture.ClipTokenizer))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        File.WriteAllText(
            Path.Combine(folder, "preprocessor_config.json"),
            $$"""{ "size": {{Size}}, "crop_size": {{Size}}, "resample": 3 }"""
        );
        return folder;
    }

    /// <summary>100·max(cos, 0) of tokens and pixels (3·H·W, as the network takes them).</summary>
    public double Score(IReadOnlyList<int> tokens, IReadOnlyList<double> pixels)
    {
        var (table, places, weights) = (Table, PlaceTable, Pixels);
        var (text, image) = (new double[Width], new double[Width]);
        for (var c = 0; c < Width; c++)
        {
            var mean = tokens.Select((id, at) => (double)table[(id * Width) + c] * places[(at * Width) + c]).Average();
            text[c] = Math.Tanh(8 * mean) + Bias;
            image[c] = Sign * (Math.Tanh(pixels.Select((p, i) => p * weights[(i * Width) + c]).Sum() / Size) + Bias);
        }

        var product = text.Zip(image, (a, b) => a * b).Sum();
        var lengths = Math.Sqrt(text.Sum(v => v * v)) * Math.Sqrt(image.Sum(v => v * v));
        return 100 * Math.Max(product / lengths, 0);
    }

    private OnnxModel Build(bool hasText, bool hasImages)
    {
        var b = new GraphBuilder("clip");
        if (hasText)
        {
            AddText(b);
        }

        if (hasImages)
        {
            AddImages(b);
        }

        return b.Build();
    }

    private void AddText(GraphBuilder b)
    {
        var ids = b.Input("input_ids", IdsType, Batch, Length);
        var mask = MaskType is { } type
            ? b.Unsqueeze(b.Cast(b.Input("attention_mask", type, Batch, Length), ElementType.Float), 2)
            : null;
        var table = b.Parameter("text.token_embedding", OnnxTensor.Of("", Table, Rows, Width));
        var places = b.Parameter("text.position_embedding", OnnxTensor.Of("", PlaceTable, Places, Width));
        var range = b.Op("Range", b.Scalar(0), b.Size(ids, 1), b.Scalar(1));
        var states = b.Op("Gather", table, ids) * b.Op("Gather", places, range);
        var mean = mask is null
            ? b.ReduceMean(states, [1], keepDimensions: false)
            : b.ReduceMean(states * mask, [1], keepDimensions: false) / b.ReduceMean(mask, [1], keepDimensions: false);
        b.Output(b.Op("Tanh", mean * b.Scalar(8f)) + b.Scalar(Bias), TextOutput, ElementType.Float, Batch, Width);
    }

    private void AddImages(GraphBuilder b)
    {
        Dimension height = FixesSize ? Size : "height";
        Dimension width = FixesSize ? Size : "width";
        var pixels = b.Input("pixel_values", ElementType.Float, Batch, 3, height, width);
        var weights = b.Parameter("vision.weight", OnnxTensor.Of("", Pixels, 3 * Size * Size, Width));
        var product = b.MatMul(b.Reshape(pixels, 0, -1), weights);
        var embedding = b.Op("Tanh", product * b.Scalar(1f / Size)) + b.Scalar(Bias);
        b.Output(embedding * b.Scalar((float)Sign), ImageOutput, ElementType.Float, Batch, Width);
    }

    private float[] Weights(int what, int count) =>
        new SeededWeights((ulong)((Seed * 100) + what)).Around(0, 0.5f, [count]).ToFloats().ToArray();
}
