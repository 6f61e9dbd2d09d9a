using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// SDXL: the last but one states of its CLIP models side by side, and the last model's projected vector. A refiner takes the
/// second model alone, so as many are taken, from the last on, as the denoiser's width asks for.
/// </summary>
internal sealed class SdxlFamily : TextFamily
{
    private readonly int length;

    public SdxlFamily(TextInputs inputs, IReadOnlyList<TextEncoder> encoders, PipelineIndex pipeline)
        : base(inputs, pipeline)
    {
        var clips = encoders.Where(e => e.IsClip).ToArray();
        if (clips.Length == 0)
        {
            throw inputs.Unfit(
                $"{inputs.States} and {inputs.Pooled} are those of CLIP models, as SDXL has them",
                encoders
            );
        }

        Encoders =
            Enumerable
                .Range(1, clips.Length)
                .Select(count => clips[^count..])
                .FirstOrDefault(some =>
                    inputs.StatesWidth is not null
                    && ClipStates.Sum(some.Select(e => e.Graph.Width)) == inputs.StatesWidth
                )
            ?? clips;
        CheckWidth(ClipStates.Sum(Encoders.Select(e => e.Graph.Width)), inputs.States!, inputs.StatesWidth, Encoders);
        CheckWidth(Encoders[^1].Graph.ProjectedWidth, inputs.Pooled!, inputs.PooledWidth, [Encoders[^1]]);
        length = ClipLength(Encoders[0]);
        foreach (var encoder in Encoders)
        {
            Fitting(ClipLength(encoder), length, encoder);
        }
    }

    public override IReadOnlyList<TextEncoder> Encoders { get; }

    public override bool ZerosForNothing => Pipeline.ZerosForNothing;

    public override IReadOnlyList<TextRequest> Requests(PromptOptions options) =>
        [
            .. Encoders.Select(encoder => new TextRequest(length)
            {
                Layer = options.ClipSkip + 2,
                Vector = encoder == Encoders[^1] ? TextVector.Projected : TextVector.None,
            }),
        ];

    public override Dictionary<string, OnnxTensor> Assemble(
        IReadOnlyList<EncodedText> texts,
        IReadOnlyList<TextRequest> requests
    )
    {
        var width = texts.Sum(t => t.Width);
        return new()
        {
            [Inputs.States!.Name] = Row(Inputs.States, ClipStates.Join(texts, length, width), length, width),
            [Inputs.Pooled!.Name] = Row(Inputs.Pooled, texts[^1].Vector, texts[^1].Vector.Length),
        };
    }
}
