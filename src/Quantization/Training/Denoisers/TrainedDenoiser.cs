using System.Text.Json;
using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>A network that was trained from images.</summary>
/// <param name="Model">The network with the averages of its parameters.</param>
/// <param name="Report">How it was trained.</param>
public sealed record TrainedDenoiser(OnnxModel Model, TrainingReport Report)
{
    /// <summary>The file that tells how a model was trained.</summary>
    public const string ReportName = "training.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The shape of an image.</summary>
    public required SampleShape Shape { get; init; }

    /// <summary>The noise schedule, and what samplers do with it.</summary>
    public required SchedulerConfig Scheduler { get; init; }

    /// <summary>Writes the model in diffusers' layout, and <c>training.json</c> beside it.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1012: the model cannot be written.</exception>
    /// <exception cref="IOException">Another file cannot be written; so for <see cref="UnauthorizedAccessException"/>.</exception>
    public void Save(string folder)
    {
        var network = Report.Network;
        Directory.CreateDirectory(Path.Combine(folder, "unet"));
        Model.Save(Path.Combine(folder, "unet", "model.onnx"));
        Write(
            new()
            {
                ["_class_name"] = "UNet2DModel",
                ["sample_size"] = Shape.Height,
                ["in_channels"] = Shape.Channels,
                ["out_channels"] = Shape.Channels,
                ["layers_per_block"] = network.Blocks,
                ["block_out_channels"] = Numbers(network.Multipliers.Select(m => m * network.Channels)),
            },
            "unet",
            "config.json"
        );
        WriteText(Scheduler.ToJson(), "scheduler", "scheduler_config.json");
        Write(
            new()
            {
                ["_class_name"] = "DDPMPipeline",
                ["unet"] = new JsonArray("onnx", "OnnxModel"),
                ["scheduler"] = new JsonArray("diffusers", "DDPMScheduler"),
            },
            "model_index.json"
        );
        WriteText(JsonSerializer.Serialize(Report, DenoiserJson.Default.TrainingReport), ReportName);

        void Write(JsonObject json, params string[] path) => WriteText(json.ToJsonString(Indented), path);

        void WriteText(string text, params string[] path)
        {
            var file = Path.Combine([folder, .. path]);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text + "\n");
        }
    }

    private static JsonArray Numbers(IEnumerable<int> numbers) =>
        new([.. numbers.Select(n => (JsonNode)JsonValue.Create(n))]);
}
