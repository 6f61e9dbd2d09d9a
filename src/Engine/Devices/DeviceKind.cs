namespace DiffusionQuant.Engine;

/// <summary>The kinds of devices that graphs run on.</summary>
public enum DeviceKind
{
    /// <summary>The processor, through ONNX Runtime's default provider.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU, through ONNX Runtime's CUDA provider.</summary>
    Cuda,
}
