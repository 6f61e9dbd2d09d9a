using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Tool.Tests;

/// <summary>A diffusion model in diffusers' layout that runs in milliseconds.</summary>
internal static class TinyModel
{
    public static string Write(
        TemporaryFolder folder,
        ulong seed = 1,
        string name = "model",
        DdpmUNetSettings? settings = null
    )
    {
        folder.Write(
            System.IO.Path.Combine(name, "scheduler", "scheduler_config.json"),
            """{ "_class_name": "DDIMScheduler", "num_train_timesteps": 100, "prediction_type": "epsilon" }"""
        );
        Directory.CreateDirectory(folder.At(name, "unet"));
        DdpmUNet
            .Build((settings ?? DdpmUNetSettings.Tiny) with { Seed = seed })
            .Save(folder.At(name, "unet", "model.onnx"));
        return folder.At(name);
    }
}
