namespace DiffusionQuant.Evaluation.Features.Inception;

/// <summary>
/// The layers of Inception v3 (Szegedy et al. 2016, arXiv:1512.00567, table 1) under their names in PyTorch, with the
/// classifier of the graph of December 2015.
/// </summary>
internal static class InceptionLayers
{
    /// <summary>Features of the last pooling layer.</summary>
    public const int Features = 2048;

    /// <summary>Outputs of the classifier; torchvision's has 1000.</summary>
    public const int Classes = 1008;

    /// <summary>All convolutions, by name.</summary>
    public static IReadOnlyDictionary<string, ConvolutionLayer> All { get; } =
        Stem()
            .Concat(BlockA("Mixed_5b", 192, 32))
            .Concat(BlockA("Mixed_5c", 256, 64))
            .Concat(BlockA("Mixed_5d", 288, 64))
            .Concat(BlockB("Mixed_6a", 288))
            .Concat(BlockC("Mixed_6b", 128))
            .Concat(BlockC("Mixed_6c", 160))
            .Concat(BlockC("Mixed_6d", 160))
            .Concat(BlockC("Mixed_6e", 192))
            .Concat(BlockD("Mixed_7a", 768))
            .Concat(BlockE("Mixed_7b", 1280))
            .Concat(BlockE("Mixed_7c", 2048))
            .ToDictionary(l => l.Name, StringComparer.Ordinal);

    private static ConvolutionLayer[] Stem() =>
        [
            new("Conv2d_1a_3x3", 3, 32, 3, 3, Stride: 2, IsPadded: false),
            new("Conv2d_2a_3x3", 32, 32, 3, 3, IsPadded: false),
            new("Conv2d_2b_3x3", 32, 64, 3, 3),
            new("Conv2d_3b_1x1", 64, 80),
            new("Conv2d_4a_3x3", 80, 192, 3, 3, IsPadded: false),
        ];

    private static ConvolutionLayer[] BlockA(string name, long inputs, long pool) =>
        [
            new($"{name}.branch1x1", inputs, 64),
            new($"{name}.branch5x5_1", inputs, 48),
            new($"{name}.branch5x5_2", 48, 64, 5, 5),
            new($"{name}.branch3x3dbl_1", inputs, 64),
            new($"{name}.branch3x3dbl_2", 64, 96, 3, 3),
            new($"{name}.branch3x3dbl_3", 96, 96, 3, 3),
            new($"{name}.branch_pool", inputs, pool),
        ];

    private static ConvolutionLayer[] BlockB(string name, long inputs) =>
        [
            new($"{name}.branch3x3", inputs, 384, 3, 3, Stride: 2, IsPadded: false),
            new($"{name}.branch3x3dbl_1", inputs, 64),
            new($"{name}.branch3x3dbl_2", 64, 96, 3, 3),
            new($"{name}.branch3x3dbl_3", 96, 96, 3, 3, Stride: 2, IsPadded: false),
        ];

    private static ConvolutionLayer[] BlockC(string name, long middle) =>
        [
            new($"{name}.branch1x1", 768, 192),
            new($"{name}.branch7x7_1", 768, middle),
            new($"{name}.branch7x7_2", middle, middle, 1, 7),
            new($"{name}.branch7x7_3", middle, 192, 7, 1),
            new($"{name}.branch7x7dbl_1", 768, middle),
            new($"{name}.branch7x7dbl_2", middle, middle, 7, 1),
            new($"{name}.branch7x7dbl_3", middle, middle, 1, 7),
            new($"{name}.branch7x7dbl_4", middle, middle, 7, 1),
            new($"{name}.branch7x7dbl_5", middle, 192, 1, 7),
            new($"{name}.branch_pool", 768, 192),
        ];

    private static ConvolutionLayer[] BlockD(string name, long inputs) =>
        [
            new($"{name}.branch3x3_1", inputs, 192),
            new($"{name}.branch3x3_2", 192, 320, 3, 3, Stride: 2, IsPadded: false),
            new($"{name}.branch7x7x3_1", inputs, 192),
            new($"{name}.branch7x7x3_2", 192, 192, 1, 7),
            new($"{name}.branch7x7x3_3", 192, 192, 7, 1),
            new($"{name}.branch7x7x3_4", 192, 192, 3, 3, Stride: 2, IsPadded: false),
        ];

    private static ConvolutionLayer[] BlockE(string name, long inputs) =>
        [
            new($"{name}.branch1x1", inputs, 320),
            new($"{name}.branch3x3_1", inputs, 384),
            new($"{name}.branch3x3_2a", 384, 384, 1, 3),
            new($"{name}.branch3x3_2b", 384, 384, 3, 1),
            new($"{name}.branch3x3dbl_1", inputs, 448),
            new($"{name}.branch3x3dbl_2", 448, 384, 3, 3),
            new($"{name}.branch3x3dbl_3a", 384, 384, 1, 3),
            new($"{name}.branch3x3dbl_3b", 384, 384, 3, 1),
            new($"{name}.branch_pool", inputs, 192),
        ];
}
