using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Pictures as <c>sd-clothes</c> was trained on: an article of Fashion-MNIST in one colour on a ground of another, at a random
/// place and size, lit from above.
/// </summary>
/// <param name="articles">Gray images of 32×32 pixels, the articles with a border of two pixels.</param>
/// <param name="count">How many pictures.</param>
internal sealed class ClothesPictures(IReadOnlyList<RasterImage> articles, int count) : IImageSource
{
    private const int Side = 64;
    private const int ArticleSide = 28;
    private const int Border = 2;
    private const int LeastSize = 40;
    private const int MostSize = 56;

    // Where an article is brighter than a sixth it hides the ground.
    private const float Opacity = 6;

    private static readonly (byte R, byte G, byte B)[] Colours =
    [
        (214, 39, 40),
        (255, 140, 20),
        (250, 215, 40),
        (44, 150, 60),
        (40, 90, 200),
        (130, 70, 180),
        (240, 130, 180),
        (120, 75, 40),
        (245, 245, 245),
        (25, 25, 30),
    ];

    private readonly NoiseSource random = new(0);

    /// <inheritdoc/>
    public string Name => "clothes";

    /// <inheritdoc/>
    public long? Count => count;

    /// <inheritdoc/>
    public IEnumerable<RasterImage> Read(CancellationToken cancellation = default)
    {
        for (var i = 0; i < count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return new(Side, Side, 3, Compose(i));
        }
    }

    private byte[] Compose(int picture)
    {
        var drawn = 0;
        int Draw(int among) => random.Draw(NoisePurpose.Resampling, picture, drawn++, among);
        var article = articles[Draw(articles.Count)];
        var colour = Draw(Colours.Length);
        var ground = (colour + 1 + Draw(Colours.Length - 1)) % Colours.Length;
        var size = LeastSize + Draw(MostSize - LeastSize + 1);
        var isMirrored = Draw(2) == 1;
        var (top, left) = (Draw(Side - size + 1), Draw(Side - size + 1));
        var below = 0.78f + (0.17f * Draw(1 << 16) / (1 << 16));
        var pixels = new byte[Side * Side * 3];
        for (var y = 0; y < Side; y++)
        {
            var light = 1 + ((below - 1) * y / (Side - 1));
            for (var x = 0; x < Side; x++)
            {
                var (row, column) = (y - top, x - left);
                var shade =
                    row >= 0 && row < size && column >= 0 && column < size
                        ? Sample(article, row, isMirrored ? size - 1 - column : column, size)
                        : 0;
                Paint(pixels.AsSpan(((y * Side) + x) * 3), Colours[colour], Colours[ground], shade, light);
            }
        }

        return pixels;
    }

    private static void Paint(
        Span<byte> pixel,
        (byte R, byte G, byte B) colour,
        (byte R, byte G, byte B) ground,
        float shade,
        float light
    )
    {
        var mask = Math.Clamp(shade * Opacity, 0, 1);
        pixel[0] = Mix(colour.R, ground.R);
        pixel[1] = Mix(colour.G, ground.G);
        pixel[2] = Mix(colour.B, ground.B);

        byte Mix(byte front, byte back)
        {
            var lit = (back * light) + ((1 - light) * 20);
            return (byte)Math.Clamp((lit * (1 - mask)) + (front * (0.3f + (0.7f * shade)) * mask), 0, 255);
        }
    }

    /// <summary>A pixel of the article at another size, 0 to 1: bilinear, with pixels' middles on each other.</summary>
    private static float Sample(RasterImage article, int row, int column, int size)
    {
        var (y, down) = Place(row, size);
        var (x, right) = Place(column, size);
        float At(int dy, int dx) => article.Pixels[((Border + y + dy) * article.Width) + Border + x + dx];
        var upper = (At(0, 0) * (1 - right)) + (At(0, 1) * right);
        var lower = (At(1, 0) * (1 - right)) + (At(1, 1) * right);
        return ((upper * (1 - down)) + (lower * down)) / 255;
    }

    private static (int Pixel, float Share) Place(int pixel, int size)
    {
        var place = Math.Clamp(((pixel + 0.5f) * ArticleSide / size) - 0.5f, 0, ArticleSide - 1);
        var first = Math.Min((int)place, ArticleSide - 2);
        return (first, place - first);
    }
}
