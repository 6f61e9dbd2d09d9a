namespace DiffusionQuant.Quantization.Tests.Agreement;

/// <summary>What the comparison forgives, and what not.</summary>
public sealed class CodeAgreementTests
{
    private const float Step = 0.1f;

    private static readonly float[] Expected = [.. Enumerable.Range(-500, 1000).Select(i => i / 10 * Step)];

    private static void Compare(Action<float[]> change, float step = Step)
    {
        float[] actual = [.. Expected];
        change(actual);
        CodeAgreement.AssertAgree(Expected, actual, step, "values");
    }

    private static void Refuses(Action<float[]> change, float step = Step) =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Compare(change, step));

    [Fact]
    public void A_few_values_may_fall_on_the_other_side_of_a_border() =>
        Compare(values =>
        {
            for (var i = 0; i < 10; i++)
            {
                values[100 * i] += i % 2 == 0 ? Step : -Step;
            }
        });

    [Fact]
    public void Sums_in_another_order_are_the_same() =>
        Compare(values => Array.ForEach([.. Enumerable.Range(0, 1000)], i => values[i] *= 1 + 1e-6f), step: 0);

    [Fact]
    public void More_than_a_few_are_a_fault() =>
        Refuses(values => Array.ForEach([.. Enumerable.Range(0, 20)], i => values[i] += Step));

    [Fact]
    public void Two_steps_are_a_fault() => Refuses(values => values[7] += 2 * Step);

    [Fact]
    public void What_is_not_a_number_is_a_fault() => Refuses(values => values[7] = float.NaN);

    [Fact]
    public void What_is_not_rounded_has_no_borders() => Refuses(values => values[7] += Step, step: 0);

    [Fact]
    public void A_wrong_scale_is_a_fault() =>
        Refuses(values => Array.ForEach([.. Enumerable.Range(0, 1000)], i => values[i] *= 1.02f));
}
