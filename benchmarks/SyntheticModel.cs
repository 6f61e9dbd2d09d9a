using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Benchmarks;

/// <summary>The DDPM CIFAR-10 U-Net (Ho et al. 2020; 35.7 M parameters) with seeded random weights, as a model folder.</summary>
internal sealed class SyntheticModel : IDisposable
{
    private SyntheticModel(string root) => Root = root;

    public string Root { get; }

    public string Folder => Path.Combine(Root, "ddpm-cifar10");

    public string OnnxPath => Path.Combine(Folder, "unet", "model.onnx");

    public static SyntheticModel Create()
    {
        var model = new SyntheticModel(Directory.CreateTempSubdirectory("diffquant-benchmark-").FullName);
        DdpmUNet.Build().Save(model.OnnxPath);
        var scheduler = Directory.CreateDirectory(Path.Combine(model.Folder, "scheduler")).FullName;
        File.WriteAllText(
            Path.Combine(scheduler, "scheduler_config.json"),
            """
            {
              "_class_name": "DDIMScheduler",
              "num_train_timesteps": 1000,
              "beta_start": 0.0001,
              "beta_end": 0.02,
              "beta_schedule": "linear",
              "prediction_type": "epsilon",
              "clip_sample": true
            }
            """
        );
        return model;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
