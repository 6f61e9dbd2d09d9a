using System.Globalization;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Diffusion;

/// <summary>A text encoder with its tokenizer. The network is loaded when a text needs it, and let go on demand.</summary>
internal sealed class TextEncoder : IDisposable
{
    private const int UsualClipLength = 77;

    private readonly PromptEncoderOptions options;
    private ModelSession? session;

    public TextEncoder(string name, TextEncoderGraph graph, ITextTokenizer tokenizer, PromptEncoderOptions options)
    {
        Name = name;
        Graph = graph;
        Tokenizer = tokenizer;
        this.options = options;
        TokenizerFiles.CheckSize(tokenizer, graph.Path, graph.Rows);
    }

    /// <summary>Its folder's name.</summary>
    public string Name { get; }

    public TextEncoderGraph Graph { get; }

    public ITextTokenizer Tokenizer { get; }

    public bool IsClip => Tokenizer.Kind == TokenizerKind.Clip;

    public bool IsLoaded => session is not null;

    /// <summary>How many tokens CLIP is given: as many as the graph fixes, else as it has places for.</summary>
    public int ClipLength =>
        Graph.FixedLength
        ?? new[] { Tokenizer.MaxLength, Graph.Configured("max_position_embeddings") }.Min()
        ?? UsualClipLength;

    public override string ToString() =>
        $"{Name} ({(IsClip ? "CLIP" : "T5")}, width {Graph.Width?.ToString(CultureInfo.InvariantCulture) ?? "not known"})";

    /// <summary>Says what the graph lacks for a request, before a network is loaded.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1064: an output is missing.</exception>
    public void Check(TextRequest request)
    {
        var lack =
            request.States && request.Layer is null && Graph.Last is null ? "it does not give the last hidden state"
            : request is { States: true, Layer: { } layer } && Graph.HiddenFromEnd(layer) is null
                ? $"it does not give the hidden state {layer.ToString(CultureInfo.InvariantCulture)} from the end (hidden_states.N), which the model's pipeline takes"
            : request.Normalised && Graph.Norm is null
                ? "its last normalisation is not recognised, so that no layer can be skipped"
            : request.Vector == TextVector.Pooled && Graph.Pooled is null
                ? "it does not give a pooled state (pooler_output)"
            : request.Vector == TextVector.Projected && Graph.Projected is null
                ? "it does not give a projected state (text_embeds)"
            : null;
        if (lack is not null)
        {
            throw DiffusionErrors.BadTextEncoder(Graph.Path, lack, Graph.Signature);
        }
    }

    /// <summary>Encodes a text. Each runs alone: sums of a batch may round otherwise than those of one text, and the same
    /// prompt is to give the same bits in every list.</summary>
    public EncodedText Encode(TokenRow tokens, TextRequest request, CancellationToken cancellation)
    {
        session ??= ModelSession.Load(Graph.Path, options.Session);
        var states =
            !request.States ? null
            : request.Layer is { } layer ? Graph.HiddenFromEnd(layer)
            : Graph.Last;
        var vector = request.Vector switch
        {
            TextVector.Pooled => Graph.Pooled,
            TextVector.Projected => Graph.Projected,
            _ => null,
        };
        var inputs = Inputs(tokens, request);
        try
        {
            options.PartCalled?.Invoke(PartCall.Of(Graph.Path, inputs));
            string[] outputs = [.. new[] { states, vector }.OfType<ValueInfo>().Select(o => o.Name)];
            using var set = session.Run(inputs, outputs, cancellation);
            var (numbers, width) = states is null ? ([], 0) : FirstRow(set[states.Name], states.Name, 3);
            if (states is not null && numbers.Length != request.Length * width)
            {
                throw Unexpected(states.Name, set[states.Name], $"{request.Length} states are expected");
            }

            if (request.Normalised)
            {
                Graph.Norm!.Apply(numbers);
            }

            return new(
                numbers,
                width,
                vector is null ? [] : FirstRow(set[vector.Name], vector.Name, 2).Numbers,
                tokens.Used
            );
        }
        finally
        {
            foreach (var value in inputs.Values)
            {
                value.Dispose();
            }
        }
    }

    /// <summary>Lets the network go.</summary>
    public void Unload()
    {
        session?.Dispose();
        session = null;
    }

    public void Dispose() => Unload();

    private Dictionary<string, OrtValue> Inputs(TokenRow tokens, TextRequest request)
    {
        var inputs = new Dictionary<string, OrtValue>(StringComparer.Ordinal);
        Add(Graph.Ids, i => tokens.Ids[i]);
        Add(Graph.Mask, i => !request.Masked || i < tokens.Used ? 1 : 0);
        Add(Graph.Positions, i => i);
        return inputs;

        void Add(ValueInfo? input, Func<int, long> valueAt)
        {
            if (input is not null)
            {
                var batch = Graph.FixedBatch ?? 1;
                inputs[input.Name] = InputValues.OfIntegers(
                    [.. Enumerable.Range(0, batch * request.Length).Select(i => valueAt(i % request.Length))],
                    [batch, request.Length],
                    input.ElementType
                );
            }
        }
    }

    private (float[] Numbers, int Width) FirstRow(OrtValue value, string output, int rank)
    {
        var dims = Tensors.Dims(value);
        if (dims.Length != rank)
        {
            throw Unexpected(output, value, $"{rank} dimensions are expected");
        }

        var numbers = Tensors.ToFloats(value);
        return (numbers[..(numbers.Length / (int)dims[0])], (int)dims[^1]);
    }

    private Onnx.Diagnostics.DiffusionQuantException Unexpected(string output, OrtValue value, string expected) =>
        DiffusionErrors.BadTextEncoder(
            Graph.Path,
            $"its output '{output}' is [{string.Join(',', Tensors.Dims(value))}], and {expected}",
            Graph.Signature
        );
}
