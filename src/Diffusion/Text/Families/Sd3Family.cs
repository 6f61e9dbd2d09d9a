using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// Stable Diffusion 3: the last but one states of two CLIP models side by side, filled up with zeros to T5's width, and T5's
/// states as further tokens behind them; the projected vectors of both side by side. T5 may be left out: zeros stand for it.
/// </summary>
internal sealed class Sd3Family : TextFamily
{
    private const int UsualT5Length = 256;
    private readonly TextEncoder[] clips;
    private readonly TextEncoder? t5;
    private readonly int length;

    public Sd3Family(TextInputs inputs, IReadOnlyList<TextEncoder> encoders, PipelineIndex pipeline)
        : base(inputs, pipeline)
    {
        clips = [.. encoders.Where(e => e.IsClip)];
        t5 = encoders.FirstOrDefault(e => !e.IsClip);
        Encoders = t5 is null ? clips : [.. clips, t5];
        length = clips[0].ClipLength;
        foreach (var clip in clips)
        {
            Fitting(clip.ClipLength, length, clip);
        }

        if (T5Room < 0)
        {
            Fitting(length, inputs.StatesLength, clips[0]);
        }

        if (t5 is not null)
        {
            CheckWidth(t5.Graph.Width, inputs.States!, inputs.StatesWidth, [t5]);
        }
        else if (inputs.StatesWidth is null)
        {
            throw inputs.Unfit($"without T5 the width of {inputs.States} must be fixed, and it is not", encoders);
        }

        if (ClipStates.Sum(clips.Select(c => c.Graph.Width)) is { } sum && sum > inputs.StatesWidth)
        {
            CheckWidth(sum, inputs.States!, inputs.StatesWidth, clips);
        }

        CheckWidth(
            ClipStates.Sum(clips.Select(c => c.Graph.ProjectedWidth)),
            inputs.Pooled!,
            inputs.PooledWidth,
            clips
        );
    }

    public override IReadOnlyList<TextEncoder> Encoders { get; }

    /// <summary>How many states are T5's. Zeros in its place are as many as CLIP's tokens, as in diffusers.</summary>
    private int? T5Room => Inputs.StatesLength - length;

    public override IReadOnlyList<TextRequest> Requests(PromptOptions options)
    {
        var ofClip = clips.Select(c => new TextRequest(length)
        {
            Layer = options.ClipSkip + 2,
            Vector = TextVector.Projected,
        });
        return t5 is null ? [.. ofClip] : [.. ofClip, new(T5Length(t5, options, T5Room, UsualT5Length))];
    }

    public override Dictionary<string, OnnxTensor> Assemble(
        IReadOnlyList<EncodedText> texts,
        IReadOnlyList<TextRequest> requests
    )
    {
        var behind = t5 is null ? T5Room ?? length : requests[^1].Length;
        var width = t5 is null ? Inputs.StatesWidth!.Value : texts[^1].Width;
        EncodedText[] ofClip = [.. texts.Take(clips.Length)];
        CheckWidth(Math.Max(width, ofClip.Sum(t => t.Width)), Inputs.States!, width, Encoders);
        var states = new float[(length + behind) * width];
        ClipStates.Join(ofClip, length, width).CopyTo(states, 0);
        if (t5 is not null)
        {
            texts[^1].States.CopyTo(states, length * width);
        }

        float[] pooled = [.. ofClip.SelectMany(t => t.Vector)];
        return new()
        {
            [Inputs.States!.Name] = Row(Inputs.States, states, length + behind, width),
            [Inputs.Pooled!.Name] = Row(Inputs.Pooled, pooled, pooled.Length),
        };
    }
}
