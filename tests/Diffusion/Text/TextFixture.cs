using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Text;

/// <summary>Folders of models with tiny text encoders and real tokenizers.</summary>
internal sealed class TextFixture : IDisposable
{
    public const string Prompt = "a red sneaker on a yellow background";

    private static readonly int[] PromptTokens = [320, 549, 584, 521, 320, 535, 520];
    private static readonly int[] T5Tokens =
    [
        14,
        154,
        15,
        3,
        4,
        27,
        10,
        17,
        58,
        47,
        75,
        14,
        3,
        30,
        10,
        16,
        212,
        3,
        310,
        1,
    ];

    /// <summary>The folder of a real tokenizer of CLIP's kind.</summary>
    public static string ClipTokenizer => Path.Combine(Repository.Clothes, "tokenizer");

    public TemporaryFolder Folder { get; } = new();

    /// <summary>The ids of <see cref="Prompt"/> or of no text in sd-clothes' vocabulary.</summary>
    public static int[] ClipIds(string prompt, int length = 77, int pad = 603)
    {
        int[] ids = [602, .. prompt == Prompt ? PromptTokens : [], 603];
        return [.. ids, .. Enumerable.Repeat(pad, length - ids.Length)];
    }

    /// <summary>The ids of <see cref="Prompt"/> or of no text in the vocabulary of t5.model.</summary>
    public static int[] T5Ids(string prompt, int length)
    {
        int[] ids = prompt == Prompt ? T5Tokens : [1];
        return [.. ids, .. Enumerable.Repeat(0, length - ids.Length)];
    }

    /// <summary>Which of them count.</summary>
    public static int[] T5Mask(string prompt, int length) =>
        [.. Enumerable.Range(0, length).Select(i => i < (prompt == Prompt ? T5Tokens.Length : 1) ? 1 : 0)];

    /// <summary>Writes sd-clothes' tokenizer, with another padding token where one is given.</summary>
    public void AddClipTokenizer(string name, string? pad = null)
    {
        foreach (var file in Directory.GetFiles(ClipTokenizer))
        {
            File.Copy(file, Folder.At($"{name}/{Path.GetFileName(file)}"), overwrite: true);
        }

        if (pad is not null)
        {
            Folder.Write($"{name}/tokenizer_config.json", $$"""{ "pad_token": "{{pad}}", "model_max_length": 77 }""");
        }
    }

    public void AddT5Tokenizer(string name) =>
        File.Copy(
            Path.Combine(AppContext.BaseDirectory, "Text/Tokenizers/t5.model"),
            Folder.At($"{name}/spiece.model")
        );

    /// <summary>A denoiser of 8×8 latents with these inputs besides sample and timestep.</summary>
    public static DenoiserContract Contract(params DenoiserInput[] inputs) =>
        new()
        {
            Path = "denoiser.onnx",
            Inputs =
            [
                new("sample", DenoiserRole.Sample, ElementType.Float, ["batch", 4, 8, 8]),
                new("timestep", DenoiserRole.Timestep, ElementType.Float, ["batch"]),
                .. inputs,
            ],
            Output = new("out", ElementType.Float, ["batch", 4, 8, 8]),
            SampleShape = new(4, 8, 8),
            OutputChannels = 4,
        };

    public static DenoiserInput States(Dimension width, Dimension? length = null) =>
        new(
            "encoder_hidden_states",
            DenoiserRole.TextStates,
            ElementType.Float,
            ["batch", length ?? "sequence", width]
        );

    public static DenoiserInput Pooled(Dimension width, string name = "text_embeds") =>
        new(name, DenoiserRole.PooledText, ElementType.Float, ["batch", width]);

    public static DenoiserInput TimeIds(int count) =>
        new("time_ids", DenoiserRole.TimeIds, ElementType.Float, ["batch", count]);

    public PromptEncoder Find(DenoiserContract contract, PromptEncoderOptions? options = null) =>
        PromptEncoder.Find(Folder.Path, contract, options)!;

    /// <summary>States of tokens side by side.</summary>
    public static double[] Beside(params (double[] States, int Width)[] parts) =>
        [
            .. Enumerable
                .Range(0, parts[0].States.Length / parts[0].Width)
                .SelectMany(t => parts.SelectMany(p => p.States.Skip(t * p.Width).Take(p.Width))),
        ];

    public static void Equal(IEnumerable<double> expected, OnnxTensor actual, double tolerance = 1e-5)
    {
        var numbers = actual.ToFloats().ToArray();
        double[] wanted = [.. expected];
        Assert.Equal(wanted.Length, numbers.Length);
        for (var i = 0; i < numbers.Length; i++)
        {
            Assert.True(
                Math.Abs(wanted[i] - numbers[i]) <= tolerance,
                $"{actual} at {i}: {wanted[i]} and {numbers[i]}"
            );
        }
    }

    public void Dispose() => Folder.Dispose();
}
