using DiffusionQuant.Engine.Gradients.Rules;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>Finds the rule of an operator. Each family of operators adds its own.</summary>
public sealed class GradientRuleTable
{
    /// <summary>The domain of ONNX Runtime's own operators.</summary>
    public const string Microsoft = "com.microsoft";

    private readonly Dictionary<(string Domain, string OpType), GradientRule> rules = [];

    private GradientRuleTable()
    {
        ArithmeticGradients.AddTo(this);
        TrigonometricGradients.AddTo(this);
        ActivationGradients.AddTo(this);
        PiecewiseGradients.AddTo(this);
        GeluGradients.AddTo(this);
        RoundingGradients.AddTo(this);
        MovementGradients.AddTo(this);
        RearrangingGradients.AddTo(this);
        IndexGradients.AddTo(this);
        ReductionGradients.AddTo(this);
        MatrixGradients.AddTo(this);
        ConvolutionGradients.AddTo(this);
        NormalizationGradients.AddTo(this);
        AxisMapGradients.AddTo(this);
        PoolingGradients.AddTo(this);
        EinsumGradients.AddTo(this);
        QuantizerGradients.AddTo(this);
    }

    /// <summary>All rules.</summary>
    public static GradientRuleTable Instance { get; } = new();

    /// <summary>The operators that have a rule: domain (empty for ONNX's own) and name.</summary>
    public IReadOnlyCollection<(string Domain, string OpType)> Operators => rules.Keys;

    /// <summary>Adds the rule of one of ONNX's own operators.</summary>
    public void Add(string opType, GradientRule rule) => rules.Add(("", opType), rule);

    /// <summary>Adds the rule of another domain's operator.</summary>
    public void Add(string domain, string opType, GradientRule rule) => rules.Add((domain, opType), rule);

    /// <summary>The rule of a node's operator, or null.</summary>
    public GradientRule? Find(OnnxNode node) => rules.GetValueOrDefault((node.Domain, node.OpType));
}
