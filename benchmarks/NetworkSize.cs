namespace DiffusionQuant.Benchmarks;

/// <summary>The size of a U-Net as <c>training/unet.py</c> takes it.</summary>
internal sealed record NetworkSize(int Channels, int[] Mult, int Blocks, int ImageChannels);
