namespace DiffusionQuant.Evaluation.Tests.Metrics;

/// <summary>Metrics of features of 400 images of Fashion-MNIST, between the first half and the second; see reference/fashion.py.</summary>
internal sealed record FashionValues(
    double Frechet,
    double InceptionScore,
    double Precision,
    double Recall,
    double Precision5,
    double Recall5,
    double KernelMean,
    double KernelDeviation,
    double KernelWhole
)
{
    public const int Dimensions = 64;
    public const int Classes = 10;

    public static FashionValues Read() => ReferenceFile.Read<FashionValues>("fashion.json");

    public static float[] Features() => ReferenceFile.ReadArray("fashion-features.npy");

    public static float[] Logits() => ReferenceFile.ReadArray("fashion-logits.npy");

    public static (ReadOnlyMemory<float> First, ReadOnlyMemory<float> Second) Halves()
    {
        var features = Features();
        return (features.AsMemory(0, features.Length / 2), features.AsMemory(features.Length / 2));
    }
}
