namespace DiffusionQuant.Quantization.Datasets;

/// <summary>An image of bytes, as datasets hold them and as metrics of distributions expect them.</summary>
/// <param name="Width">Pixels from left to right.</param>
/// <param name="Height">Pixels from top to bottom.</param>
/// <param name="Channels">1 for gray, 3 for RGB.</param>
/// <param name="Pixels">Height·Width·Channels bytes: rows from the top, channels side by side, 0 black to 255 white.</param>
public sealed record RasterImage(int Width, int Height, int Channels, byte[] Pixels);
