using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

public sealed class InceptionScoreSumsTests
{
    [Fact]
    public void Agrees_with_an_independent_calculation()
    {
        var sums = new InceptionScoreSums(FashionValues.Classes);
        sums.Add(FashionValues.Logits());
        ReferenceFile.AssertClose(FashionValues.Read().InceptionScore, sums.Score(), 1e-9);
    }

    [Fact]
    public void Parts_add_up_and_survive_their_file()
    {
        var logits = FashionValues.Logits();
        var whole = new InceptionScoreSums(FashionValues.Classes);
        whole.Add(logits);
        var first = new InceptionScoreSums(FashionValues.Classes);
        first.Add(logits.AsSpan(0, 130));
        var second = new InceptionScoreSums(FashionValues.Classes);
        second.Add(logits.AsSpan(130));

        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        second.Write(writer);
        stream.Position = 0;
        first.Add(InceptionScoreSums.Read(new BinaryReader(stream)));
        Assert.Equal(400, first.Count);
        ReferenceFile.AssertClose(whole.Score(), first.Score(), 1e-12);
    }

    [Fact]
    public void Certain_and_varied_classes_score_their_number_and_uncertain_ones_1()
    {
        var certain = new InceptionScoreSums(3);
        certain.Add([1000, 0, -1000, 0, 1000, float.NegativeInfinity, 0, 0, 1000]);
        Assert.Equal(3, certain.Score(), 1e-12);
        var uncertain = new InceptionScoreSums(3);
        uncertain.Add([5, 5, 5, 1, 1, 1]);
        Assert.Equal(1, uncertain.Score(), 1e-12);
        var same = new InceptionScoreSums(3);
        same.Add([9, 0, 1, 9, 0, 1]);
        Assert.Equal(1, same.Score(), 1e-12);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var sums = new InceptionScoreSums(3);
        Assert.Throws<ArgumentException>(() => sums.Add(new float[4]));
        Assert.Throws<ArgumentException>(() => sums.Add(new InceptionScoreSums(4)));
        Assert.Throws<InvalidOperationException>(() => sums.Score());
        Assert.Throws<InvalidDataException>(() =>
            InceptionScoreSums.Read(new BinaryReader(new MemoryStream(Enumerable.Repeat((byte)0xFF, 64).ToArray())))
        );
    }
}
