using System.Runtime.CompilerServices;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Onnx.Tests.ShapeInference;

public class OperatorShapeTests
{
    [Fact]
    public void Each_operator_has_its_shape() =>
        Snapshot.Verify(
            string.Join('\n', OperatorCase.Read(Beside("operators.txt")).Select(c => $"{c.Line} => {Infer(c)}"))
        );

    /// <summary>Where ONNX's own inference knows something, ours says the same; it may know more.</summary>
    [Fact]
    public void Agrees_with_the_reference()
    {
        var ours = OperatorCase.Read(Beside("operators.txt")).ToDictionary(c => c.Line, Infer);
        var disagreements =
            from line in File.ReadLines(Beside("operators.reference.txt"))
            let parts = line.Split(" => ")
            where !Refines(ours[parts[0]], parts[1])
            select $"{line}, ours: {ours[parts[0]]}";
        Assert.Empty(disagreements);
    }

    private static string Infer(OperatorCase c)
    {
        var inferred = ShapeInferrer.Infer(c.Model, new()).Graph;
        return string.Join("; ", c.Node.Outputs.Select(o => inferred.Find(o)!.ToString()[(o.Length + 2)..]));
    }

    private static bool Refines(string ours, string reference)
    {
        var (a, b) = (ours.Split("; "), reference.Split("; "));
        return a.Length == b.Length && a.Zip(b).All(p => RefinesOne(p.First, p.Second));
    }

    private static bool RefinesOne(string ours, string reference)
    {
        var (a, b) = (ours.TrimEnd(']').Split('['), reference.TrimEnd(']').Split('['));
        var (x, y) = (a[1].Split(','), b[1].Split(','));
        return (b[0] == "Undefined" || a[0] == b[0])
            && (
                b[1] == "..."
                || (
                    x.Length == y.Length
                    && x.Zip(y).All(d => d.First == d.Second || d.Second == "?" || d.Second.StartsWith("unk__"))
                )
            );
    }

    private static string Beside(string file, [CallerFilePath] string source = "") =>
        Path.Combine(Path.GetDirectoryName(Snapshot.OnThisMachine(source))!, file);
}
