using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>Brings images of bytes into the size, layout and range that an extractor's network takes.</summary>
internal sealed class ImagePreprocessor
{
    private readonly ExtractorSettings settings;
    private readonly double[] factor;
    private readonly double[] offset;

    public ImagePreprocessor(ExtractorSettings settings)
    {
        this.settings = settings;
        factor = new double[settings.Channels];
        offset = new double[settings.Channels];
        for (var c = 0; c < settings.Channels; c++)
        {
            var deviation = settings.Deviation?[c] ?? 1;
            factor[c] = (settings.High - settings.Low) / byte.MaxValue / deviation;
            offset[c] = (settings.Low - (settings.Mean?[c] ?? 0)) / deviation;
        }
    }

    /// <summary>The numbers of one image.</summary>
    public int Length => settings.Width * settings.Height * settings.Channels;

    /// <summary>The sizes of a batch.</summary>
    public long[] Dims(int images) =>
        settings.Layout == ImageLayout.Nchw
            ? [images, settings.Channels, settings.Height, settings.Width]
            : [images, settings.Height, settings.Width, settings.Channels];

    /// <summary>Writes one image's numbers.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3024: its size or channels do not fit.</exception>
    public void Fill(RasterImage image, Span<float> target)
    {
        image = Fitting(image);
        var pixels = new float[image.Pixels.Length];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = image.Pixels[i];
        }

        var resized = ImageResizer.Resize(
            pixels,
            image.Width,
            image.Height,
            image.Channels,
            settings.Width,
            settings.Height,
            settings.Resize
        );
        if (settings.RoundAfterResize)
        {
            Round(resized);
        }

        var area = settings.Width * settings.Height;
        var (pixelStep, channelStep) = settings.Layout == ImageLayout.Nchw ? (1, area) : (settings.Channels, 1);
        for (var c = 0; c < settings.Channels; c++)
        {
            // A gray image has the same value in all channels.
            var from = image.Channels == 1 ? 0 : c;
            for (var i = 0; i < area; i++)
            {
                target[(i * pixelStep) + (c * channelStep)] = (float)(
                    (resized[(i * image.Channels) + from] * factor[c]) + offset[c]
                );
            }
        }
    }

    private static void Round(float[] pixels)
    {
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = Math.Clamp(MathF.Round(pixels[i]), byte.MinValue, byte.MaxValue);
        }
    }

    /// <summary>The image, with one channel where the network takes no more.</summary>
    private RasterImage Fitting(RasterImage image)
    {
        if (
            image.Channels is not (1 or 3)
            || image.Width < 1
            || image.Height < 1
            || image.Pixels.Length != (long)image.Width * image.Height * image.Channels
        )
        {
            throw FeatureErrors.ImageDoesNotFit(
                settings.Name,
                image,
                $"its {image.Pixels.Length} bytes are no image of {image.Width}x{image.Height} with {image.Channels} channels"
            );
        }

        if (settings.Resize == ResizeFilter.None && (image.Width != settings.Width || image.Height != settings.Height))
        {
            throw FeatureErrors.ImageDoesNotFit(
                settings.Name,
                image,
                $"it has {image.Width}x{image.Height} pixels and not {settings.Width}x{settings.Height}; name a resize filter in {ExtractorSettings.FileName}, or pad the data"
            );
        }

        // A gray image serves a network for RGB as it is.
        return settings.Channels != 1
            ? image
            : image.ToGray()
                ?? throw FeatureErrors.ImageDoesNotFit(
                    settings.Name,
                    image,
                    "it has colours, and the extractor takes gray images; choose one for RGB"
                );
    }
}
