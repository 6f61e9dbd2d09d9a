using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Datasets;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Evaluation.Features.Clip;

/// <summary>
/// How well pictures fit their prompts: 100·max(cos(text, picture), 0) of a CLIP model's projected embeddings (Hessel et al.
/// 2021, "CLIPScore: a reference-free evaluation metric for image captioning", with torchmetrics' factor 100 for their 2.5).
/// </summary>
internal sealed class ClipScorer : IDisposable
{
    private const double Weight = 100;

    private readonly ClipModel model;
    private readonly ModelSession text;
    private readonly ModelSession images;
    private readonly Dictionary<string, float[]> texts = new(StringComparer.Ordinal);

    /// <summary>Loads both networks, and tries them on nothing, so that what does not fit is found before pictures are made.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3039: what they give does not fit. DQ4001 to DQ4018: one
    /// cannot be loaded or run.</exception>
    public ClipScorer(ClipModel model, SessionSettings session)
    {
        this.model = model;
        text = model.Text.Start(session);
        try
        {
            images = model.Images.Start(session);
            var (first, second) = (Embed("", default), Embed(new RasterImage(1, 1, 1, [0]), default));
            if (first.Length != second.Length)
            {
                throw model.Images.DoesNotFit(
                    $"its embeddings have {second.Length} numbers, and those of texts {first.Length}"
                );
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The score of a picture, 0 to 100. It depends on no picture beside it.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3041: an embedding has no direction. DQ4017, DQ4018: a run
    /// failed, or memory ran out.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public double Score(string prompt, RasterImage image, CancellationToken cancellation)
    {
        if (!texts.TryGetValue(prompt, out var wanted))
        {
            wanted = Embed(prompt, cancellation);
            texts.Add(prompt, wanted);
        }

        var shown = Embed(image, cancellation);
        var product = Product(wanted, shown);
        return Weight
            * Math.Max(
                product
                    / (Length(model.Text, $"the prompt '{prompt}'", wanted) * Length(model.Images, "a picture", shown)),
                0
            );
    }

    public void Dispose()
    {
        text.Dispose();
        images?.Dispose();
    }

    private float[] Embed(string prompt, CancellationToken cancellation)
    {
        var ids = model.Tokenizer.Encode(prompt, model.TextLength);
        var length = model.FixedTextLength ?? ids.Count;
        var tower = model.Text;
        var batch = FixedBatch(tower);
        var inputs = new Dictionary<string, OrtValue>(StringComparer.Ordinal)
        {
            [tower.Content.Name] = Row(i => i < ids.Count ? ids[i] : model.Tokenizer.Padding, tower.Content),
        };
        if (tower.Mask is { } mask)
        {
            inputs[mask.Name] = Row(i => i < ids.Count ? 1 : 0, mask);
        }

        return Run(text, tower, inputs, cancellation);

        OrtValue Row(Func<int, long> valueAt, Onnx.ValueInfo input) =>
            InputValues.OfIntegers(
                [.. Enumerable.Range(0, batch * length).Select(i => valueAt(i % length))],
                [batch, length],
                input.ElementType
            );
    }

    private float[] Embed(RasterImage image, CancellationToken cancellation)
    {
        var (pixels, height, width) = ClipImages.Prepare(image, model.Settings);
        var tower = model.Images;
        var batch = FixedBatch(tower);
        var data = new float[batch * pixels.Length];
        for (var i = 0; i < batch; i++)
        {
            pixels.CopyTo(data, i * pixels.Length);
        }

        return Run(
            images,
            tower,
            new(StringComparer.Ordinal)
            {
                [tower.Content.Name] = Tensors.FromFloats(data, [batch, 3, height, width], tower.Content.ElementType),
            },
            cancellation
        );
    }

    /// <summary>One text or picture at a time: sums of a batch may round otherwise, and a score is to be the same in every
    /// division of a run. Where a graph fixes a batch, all of it is the same.</summary>
    private static int FixedBatch(ClipTower tower) => (int?)tower.Content.Shape?[0].Value ?? 1;

    private static float[] Run(
        ModelSession session,
        ClipTower tower,
        Dictionary<string, OrtValue> inputs,
        CancellationToken cancellation
    )
    {
        try
        {
            using var values = session.Run(inputs, [tower.Output.Name], cancellation);
            var embedding = values[tower.Output.Name];
            var dims = Tensors.Dims(embedding);
            return dims is [> 0, > 0]
                ? Tensors.ToFloats(embedding)[..(int)dims[1]]
                : throw tower.DoesNotFit(
                    $"its output '{tower.Output.Name}' is [{string.Join(',', dims)}] instead of one row for each text or picture"
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

    private static double Length(ClipTower tower, string of, float[] embedding)
    {
        var length = Math.Sqrt(Product(embedding, embedding));
        return length > 0 && double.IsFinite(length)
            ? length
            : throw ClipErrors.NoDirection(
                tower.Path,
                of,
                length == 0 ? "all of its numbers are 0" : "its numbers are not finite"
            );
    }

    private static double Product(float[] a, float[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += (double)a[i] * b[i];
        }

        return sum;
    }
}
