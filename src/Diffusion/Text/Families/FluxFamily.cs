using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Flux: T5's states, and the pooled state of a CLIP model.</summary>
internal sealed class FluxFamily : TextFamily
{
    private const int UsualLength = 512;
    private readonly TextEncoder clip;
    private readonly TextEncoder t5;

    public FluxFamily(TextInputs inputs, IReadOnlyList<TextEncoder> encoders, PipelineIndex pipeline)
        : base(inputs, pipeline)
    {
        clip =
            encoders.FirstOrDefault(e => e.IsClip)
            ?? throw inputs.Unfit($"{inputs.Pooled} is that of a CLIP model, as Flux has it", encoders);
        t5 =
            encoders.FirstOrDefault(e => !e.IsClip)
            ?? throw inputs.Unfit(
                $"{inputs.States} is that of a T5 model, as Flux has it, or of two CLIP models, as Stable Diffusion 3 has it",
                encoders
            );
        CheckWidth(clip.Graph.PooledWidth, inputs.Pooled!, inputs.PooledWidth, [clip]);
        CheckWidth(t5.Graph.Width, inputs.States!, inputs.StatesWidth, [t5]);
        Encoders = [clip, t5];
    }

    public override IReadOnlyList<TextEncoder> Encoders { get; }

    public override IReadOnlyList<TextRequest> Requests(PromptOptions options) =>
        [
            new(clip.ClipLength) { States = false, Vector = TextVector.Pooled },
            new(T5Length(t5, options, Inputs.StatesLength, UsualLength)),
        ];

    public override Dictionary<string, OnnxTensor> Assemble(
        IReadOnlyList<EncodedText> texts,
        IReadOnlyList<TextRequest> requests
    ) =>
        new()
        {
            [Inputs.States!.Name] = Row(Inputs.States, texts[1].States, requests[1].Length, texts[1].Width),
            [Inputs.Pooled!.Name] = Row(Inputs.Pooled, texts[0].Vector, texts[0].Vector.Length),
        };
}
