using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>The values of a denoiser's inputs that prompts decide.</summary>
public sealed class PromptConditioning
{
    private const string UnconditionalSuffix = "_uncond";

    internal PromptConditioning(
        IReadOnlyDictionary<string, OnnxTensor> conditional,
        IReadOnlyDictionary<string, OnnxTensor>? unconditional,
        IReadOnlyList<string> warnings
    )
    {
        Conditional = conditional;
        Unconditional = unconditional;
        Warnings = warnings;
    }

    /// <summary>Arrays by input name, with a row for each prompt in their order; where the graph takes one value for all
    /// samples, that value.</summary>
    public IReadOnlyDictionary<string, OnnxTensor> Conditional { get; }

    /// <summary>The same for the call without the prompts: one row where all negative prompts are the same, else one for
    /// each; null where it was not asked for. What does not differ is the same array.</summary>
    public IReadOnlyDictionary<string, OnnxTensor>? Unconditional { get; }

    /// <summary>What the user should know: prompts that were cut.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>All arrays as a trajectory takes them: image k gets prompt k modulo their number.</summary>
    /// <param name="others">Arrays of inputs that no prompt decides.</param>
    public ConditioningSet ToConditioningSet(params IEnumerable<OnnxTensor> others) =>
        ConditioningSet.Of([
            .. others,
            .. Conditional.Values,
            .. (Unconditional ?? new Dictionary<string, OnnxTensor>())
                .Where(u => !ReferenceEquals(u.Value, Conditional[u.Key]))
                .Select(u => u.Value.WithName(u.Key + UnconditionalSuffix)),
        ]);
}
