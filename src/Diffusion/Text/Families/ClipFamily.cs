using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Stable Diffusion 1 and 2: the states of one CLIP model.</summary>
internal sealed class ClipFamily : TextFamily
{
    private readonly TextEncoder encoder;
    private readonly int length;

    public ClipFamily(TextInputs inputs, IReadOnlyList<TextEncoder> encoders, PipelineIndex pipeline)
        : base(inputs, pipeline)
    {
        var clips = encoders.Where(e => e.IsClip).ToArray();
        encoder = Array.Find(clips, e => e.Graph.Width is not null && e.Graph.Width == inputs.StatesWidth) ?? clips[0];
        CheckWidth(encoder.Graph.Width, inputs.States!, inputs.StatesWidth, [encoder]);
        length = ClipLength(encoder);
        Encoders = [encoder];
    }

    public override IReadOnlyList<TextEncoder> Encoders { get; }

    public override IReadOnlyList<TextRequest> Requests(PromptOptions options) =>
        [new(length) { Layer = options.ClipSkip > 0 ? options.ClipSkip + 1 : null, Normalised = options.ClipSkip > 0 }];

    public override Dictionary<string, OnnxTensor> Assemble(
        IReadOnlyList<EncodedText> texts,
        IReadOnlyList<TextRequest> requests
    )
    {
        var result = new Dictionary<string, OnnxTensor>
        {
            [Inputs.States!.Name] = Row(Inputs.States, texts[0].States, length, texts[0].Width),
        };
        if (Inputs.Mask is { } mask)
        {
            // The pipelines let all of CLIP's states count.
            result[mask.Name] = MaskRow(mask, length, length);
        }

        return result;
    }
}
