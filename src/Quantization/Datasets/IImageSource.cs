namespace DiffusionQuant.Quantization.Datasets;

/// <summary>A set of images that is read one after another, in an order that never changes.</summary>
public interface IImageSource
{
    /// <summary>Where the images come from, for messages.</summary>
    string Name { get; }

    /// <summary>How many images there are; null where that is not known before they are read.</summary>
    long? Count { get; }

    /// <summary>Reads the images anew, from the first on, without holding them all in memory.</summary>
    /// <param name="cancellation">Stops the reading.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1052, DQ3027, DQ3028: the data are damaged.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    IEnumerable<RasterImage> Read(CancellationToken cancellation = default);
}
