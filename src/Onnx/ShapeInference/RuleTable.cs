using DiffusionQuant.Onnx.ShapeInference.Rules;

namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>Finds the rule of an operator. Each family of operators adds its own.</summary>
internal sealed class RuleTable
{
    /// <summary>The domain of ONNX Runtime's own operators.</summary>
    public const string Microsoft = "com.microsoft";

    private readonly Dictionary<(string Domain, string OpType), Action<RuleContext>> rules = [];

    private RuleTable()
    {
        ElementwiseRules.AddTo(this);
        ConvolutionRules.AddTo(this);
        PoolingRules.AddTo(this);
        MatrixRules.AddTo(this);
        NormalizationRules.AddTo(this);
        ReductionRules.AddTo(this);
        ReshapingRules.AddTo(this);
        RearrangingRules.AddTo(this);
        JoiningRules.AddTo(this);
        SlicingRules.AddTo(this);
        GatheringRules.AddTo(this);
        ResizingRules.AddTo(this);
        ConstantRules.AddTo(this);
        AttentionRules.AddTo(this);
        QuantizationRules.AddTo(this);
        ControlFlowRules.AddTo(this);
        MicrosoftRules.AddTo(this);
        SimulationRules.AddTo(this);
    }

    public static RuleTable Instance { get; } = new();

    public void Add(string opType, Action<RuleContext> rule) => rules.Add(("", opType), rule);

    public void Add(string domain, string opType, Action<RuleContext> rule) => rules.Add((domain, opType), rule);

    public void AddMicrosoft(string opType, Action<RuleContext> rule) => Add(Microsoft, opType, rule);

    public Action<RuleContext>? Find(OnnxNode node) => rules.GetValueOrDefault((node.Domain, node.OpType));
}
