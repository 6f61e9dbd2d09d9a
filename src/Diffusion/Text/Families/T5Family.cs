using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>PixArt and its like: T5's states, and a mask of those that count.</summary>
internal sealed class T5Family : TextFamily
{
    private const int AlphaLength = 120;
    private const int SigmaLength = 300;
    private readonly TextEncoder t5;

    public T5Family(TextInputs inputs, IReadOnlyList<TextEncoder> encoders, PipelineIndex pipeline)
        : base(inputs, pipeline)
    {
        t5 =
            encoders.FirstOrDefault(e => !e.IsClip)
            ?? throw inputs.Unfit(
                $"{inputs.States} with {inputs.Mask} is that of a T5 model, as PixArt has it",
                encoders
            );
        CheckWidth(t5.Graph.Width, inputs.States!, inputs.StatesWidth, [t5]);
        Encoders = [t5];
    }

    public override IReadOnlyList<TextEncoder> Encoders { get; }

    private bool IsPixArt =>
        Pipeline.ClassName.Contains("PixArt", StringComparison.Ordinal)
        || (Pipeline.ClassName.Length == 0 && Inputs.TextPositions is null);

    private int UsualLength =>
        Pipeline.ClassName.Contains("Sigma", StringComparison.Ordinal) ? SigmaLength : AlphaLength;

    public override IReadOnlyList<TextRequest> Requests(PromptOptions options) =>
        [new(T5Length(t5, options, Inputs.StatesLength, UsualLength)) { Masked = true }];

    /// <summary>PixArt's pipelines make prompts lower case; its T5 would tell upper case apart.</summary>
    public override string Prepare(string prompt) => IsPixArt ? prompt.Trim().ToLowerInvariant() : prompt;

    public override Dictionary<string, OnnxTensor> Assemble(
        IReadOnlyList<EncodedText> texts,
        IReadOnlyList<TextRequest> requests
    )
    {
        var length = requests[0].Length;
        var result = new Dictionary<string, OnnxTensor>
        {
            [Inputs.States!.Name] = Row(Inputs.States, texts[0].States, length, texts[0].Width),
        };
        if (Inputs.Mask is { } mask)
        {
            result[mask.Name] = MaskRow(mask, length, texts[0].Used);
        }

        return result;
    }
}
