using System.Runtime.InteropServices;
using System.Text.Json;
using DiffusionQuant.Engine.Tests.Gradients.Forms;
using DiffusionQuant.Onnx;
using DiffusionQuant.Tests.Shared;
using TorchSharp;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>
/// Gradients by PyTorch, written once so that they can be compared where PyTorch's native library is missing:
/// <c>dotnet run -c Release -p:WithTorch=true -- record-torch FOLDER</c> writes the files of <c>Data</c> anew.
/// </summary>
internal static class TorchRecorder
{
    public const string OperatorsFile = "torch_operators.json";
    public const string BlocksFile = "torch_blocks.json";
    public static readonly string[] BlockNames = ["residual", "convolutions", "attention", "transformer", "quantized"];

    private const int TrialsOfAForm = 4;
    private const int MostDraws = 100;
    private const int MostSize = 4;
    private const int Steps = 3;

    private static readonly JsonSerializerOptions Format = new(JsonSerializerOptions.Web) { WriteIndented = true };

    /// <summary>Reads a file of <c>Data</c>.</summary>
    public static Dictionary<string, T> Read<T>(string file) =>
        JsonSerializer.Deserialize<Dictionary<string, T>>(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Gradients", "Data", file)),
            Format
        )!;

    /// <summary>A form's trial by its seed.</summary>
    public static (OnnxModel Model, Dictionary<string, OnnxTensor> Inputs) Trial(GradientForm form, int seed)
    {
        var trial = new Trial(new(seed, MostSize), form.Opset);
        var model = trial.Close(form.Write(trial));
        return (
            model,
            model.Graph.Inputs.ToDictionary(
                i => i.Name,
                i => OnnxTensor.Of(i.Name, trial.Inputs[i.Name].AsSpan(), i.Shape!.ToStatic())
            )
        );
    }

    /// <summary>A trial's gradients for all its inputs.</summary>
    public static IReadOnlyDictionary<string, float[]> Differentiate(
        OnnxModel model,
        IReadOnlyDictionary<string, OnnxTensor> inputs
    ) => new TorchGraph(model.Graph, model.Opset).Differentiate(inputs, "loss", [.. inputs.Keys]).Gradients;

    /// <summary>A block's loss and gradients.</summary>
    public static TorchBlock Block(string name)
    {
        var (model, tensors) = TorchBlocks.Build(name);
        // What a stop of gradients hides has none.
        string[] wanted = [.. tensors.Keys.Where(t => t != "floor")];
        var (loss, gradients) = new TorchGraph(model.Graph, model.Opset).Differentiate(tensors, "loss", wanted);
        return new(
            loss,
            gradients.ToDictionary(g => g.Key, g => Encode(g.Value)),
            name == "transformer" ? Step(model, tensors) : null
        );
    }

    public static string Record(string folder)
    {
        if (TorchRuntime.Missing is { } reason)
        {
            return reason;
        }

        var operators = GradientForm
            .All.Select(f => (f.Name, Trials: Trials(f)))
            .Where(f => f.Trials.Count > 0)
            .ToDictionary(f => f.Name, f => f.Trials);
        Write(Path.Combine(folder, OperatorsFile), operators);
        Write(Path.Combine(folder, BlocksFile), BlockNames.ToDictionary(b => b, Block));
        var missing = GradientForm.All.Select(f => f.Name).Except(operators.Keys);
        return $"PyTorch {torch.__version__}: {operators.Sum(o => o.Value.Count)} trials of {operators.Count} forms; without: {string.Join(", ", missing)}";
    }

    public static string Encode(float[] values) => Convert.ToBase64String(MemoryMarshal.AsBytes(values.AsSpan()));

    public static float[] Decode(string text) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(text)).ToArray();

    /// <summary>The first draws that PyTorch has counterparts for.</summary>
    private static List<TorchTrial> Trials(GradientForm form)
    {
        var trials = new List<TorchTrial>();
        for (var seed = 1; seed <= MostDraws && trials.Count < TrialsOfAForm; seed++)
        {
            var (model, inputs) = Trial(form, seed);
            try
            {
                var gradients = Differentiate(model, inputs);
                trials.Add(new(seed, gradients.ToDictionary(g => g.Key, g => Encode(g.Value))));
            }
            catch (NotSupportedException)
            {
                // Another draw has other attributes.
            }
            catch (ExternalException e)
            {
                throw new InvalidOperationException($"{form.Name}, seed {seed}\n{GraphText.Print(model.Graph)}", e);
            }
        }

        return trials;
    }

    /// <summary>All tensors after some steps of AdamW.</summary>
    private static Dictionary<string, string> Step(OnnxModel model, IReadOnlyDictionary<string, OnnxTensor> tensors)
    {
        var graph = new TorchGraph(model.Graph, model.Opset);
        var parameters = tensors.ToDictionary(
            t => t.Key,
            t => new TorchSharp.Modules.Parameter(TorchGraph.Of(t.Value))
        );
        var inputs = parameters.ToDictionary(p => p.Key, p => (torch.Tensor)p.Value);
        using var adam = torch.optim.AdamW(parameters.Values, lr: 0.01, weight_decay: 0.1);
        for (var i = 0; i < Steps; i++)
        {
            adam.zero_grad();
            graph.Run(inputs, "loss").backward();
            adam.step();
        }

        return parameters.ToDictionary(p => p.Key, p => Encode(TorchGraph.Floats(p.Value)));
    }

    private static void Write<T>(string path, T content) =>
        File.WriteAllText(path, JsonSerializer.Serialize(content, Format).ReplaceLineEndings("\n") + "\n");
}

/// <summary>The gradients of one trial of a form.</summary>
/// <param name="Seed">What it was drawn from.</param>
/// <param name="Gradients">For each input, float32 in base 64.</param>
internal sealed record TorchTrial(int Seed, Dictionary<string, string> Gradients);

/// <summary>What PyTorch has for a block.</summary>
/// <param name="Loss">The loss.</param>
/// <param name="Gradients">For each tensor, float32 in base 64.</param>
/// <param name="Stepped">The tensors after three steps of AdamW.</param>
internal sealed record TorchBlock(
    double Loss,
    Dictionary<string, string> Gradients,
    Dictionary<string, string>? Stepped
);
