using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>How a family of models puts together what its text encoders give. It is chosen by what the denoiser takes.</summary>
/// <param name="inputs">What the denoiser takes.</param>
/// <param name="pipeline">What <c>model_index.json</c> says.</param>
internal abstract class TextFamily(TextInputs inputs, PipelineIndex pipeline)
{
    protected TextInputs Inputs => inputs;

    protected PipelineIndex Pipeline => pipeline;

    /// <summary>The encoders, in the order in which <see cref="Assemble"/> takes what they gave.</summary>
    public abstract IReadOnlyList<TextEncoder> Encoders { get; }

    /// <summary>Whether no negative prompt means zeros, rather than the states of an empty text.</summary>
    public virtual bool ZerosForNothing => false;

    /// <summary>What each encoder is asked for.</summary>
    public abstract IReadOnlyList<TextRequest> Requests(PromptOptions options);

    /// <summary>A prompt as the family's pipeline gives it to tokenizers.</summary>
    public virtual string Prepare(string prompt) => prompt;

    /// <summary>The rows of one prompt, by input name.</summary>
    public abstract Dictionary<string, OnnxTensor> Assemble(
        IReadOnlyList<EncodedText> texts,
        IReadOnlyList<TextRequest> requests
    );

    /// <summary>Finds the family of a denoiser.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1065: the encoders do not give what it takes.</exception>
    public static TextFamily Of(TextInputs inputs, IReadOnlyList<TextEncoder> encoders, PipelineIndex pipeline)
    {
        var clips = encoders.Count(e => e.IsClip);
        return inputs switch
        {
            { States: not null, Pooled: not null, TimeIds: not null } => new SdxlFamily(inputs, encoders, pipeline),
            { States: not null, Pooled: not null } when inputs.TextPositions is null && clips > 1 => new Sd3Family(
                inputs,
                encoders,
                pipeline
            ),
            { States: not null, Pooled: not null } => new FluxFamily(inputs, encoders, pipeline),
            { States: not null } when clips > 0 && (inputs.Mask is null || clips == encoders.Count) => new ClipFamily(
                inputs,
                encoders,
                pipeline
            ),
            { States: not null } => new T5Family(inputs, encoders, pipeline),
            _ => throw inputs.Unfit(
                $"{inputs.Pooled} without hidden states is of no family of models that is known",
                encoders
            ),
        };
    }

    protected static OnnxTensor Row(DenoiserInput input, ReadOnlySpan<float> values, params ReadOnlySpan<long> dims) =>
        OnnxTensor.Of(input.Name, values, [1, .. dims]);

    /// <summary>A mask over the states of one prompt.</summary>
    /// <param name="mask">The input.</param>
    /// <param name="length">How many states there are.</param>
    /// <param name="used">How many of them count.</param>
    protected static OnnxTensor MaskRow(DenoiserInput mask, int length, int used)
    {
        var counts = Enumerable.Range(0, length).Select(i => i < used ? 1L : 0L).ToArray();
        long[] dims = mask.Shape is { Rank: 3 } ? [1, 1, length] : [1, length];
        return OnnxTensor.Of(mask.Name, counts, dims);
    }

    /// <summary>How many tokens a T5 encoder is given.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="options">A length of the user's.</param>
    /// <param name="room">How many states the denoiser takes of it, where that is fixed.</param>
    /// <param name="usual">The family's length.</param>
    protected int T5Length(TextEncoder encoder, PromptOptions options, int? room, int usual)
    {
        var length = options.TextLength ?? encoder.Graph.FixedLength ?? room ?? usual;
        return (encoder.Graph.FixedLength ?? length) == length
            ? Fitting(length, room, encoder)
            : throw DiffusionErrors.BadSettings(
                nameof(options.TextLength),
                TextInputs.Text(length),
                $"{encoder.Graph.Path} takes {TextInputs.Text(encoder.Graph.FixedLength!.Value)} tokens"
            );
    }

    /// <summary>How many tokens a CLIP model is given whose states alone are the denoiser's.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1065: the denoiser takes more, or others than the graph fixes.</exception>
    protected int ClipLength(TextEncoder encoder) =>
        inputs.StatesLength is { } room && room < encoder.ClipLength && encoder.Graph.FixedLength is null
            ? room
            : Fitting(encoder.ClipLength, inputs.StatesLength, encoder);

    /// <summary>The length, if the denoiser takes as many states.</summary>
    protected int Fitting(int length, int? room, TextEncoder encoder) =>
        room is null || room == length
            ? length
            : throw inputs.Unfit(
                $"{encoder.Name} gives {TextInputs.Text(length)} states, and {inputs.States} has room for {TextInputs.Text(room.Value)}",
                [encoder]
            );

    /// <summary>Compares a width that encoders give with one that the denoiser takes, where both are known.</summary>
    protected void CheckWidth(int? given, DenoiserInput input, int? taken, IReadOnlyList<TextEncoder> encoders)
    {
        if (given is { } g && taken is { } t && g != t)
        {
            throw inputs.Unfit(
                $"{string.Join(" and ", encoders.Select(e => e.Name))} would give a width of {TextInputs.Text(g)}, and {input} takes {TextInputs.Text(t)}",
                encoders
            );
        }
    }
}
