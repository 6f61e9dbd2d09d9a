namespace DiffusionQuant.Diffusion.Tests.Schedules;

public sealed class TimestepGridTests
{
    private static readonly NoiseSchedule Thousand = Discrete.Parse("{}");
    private static readonly NoiseSchedule WithOffset = Discrete.Parse("""{"steps_offset":1}""");

    [Theory]
    [InlineData(10, false, "900 800 700 600 500 400 300 200 100 0")]
    [InlineData(10, true, "901 801 701 601 501 401 301 201 101 1")]
    [InlineData(4, true, "751 501 251 1")]
    [InlineData(7, false, "852 710 568 426 284 142 0")]
    public void Leading(int steps, bool offset, string expected) =>
        Assert.Equal(expected, Text(TimestepGrid.Uniform(offset ? WithOffset : Thousand, steps)));

    [Theory]
    [InlineData(10, "999 888 777 666 555 444 333 222 111 0")]
    [InlineData(4, "999 666 333 0")]
    [InlineData(7, "999 832 666 500 333 166 0")]
    public void Linspace(int steps, string expected) =>
        Assert.Equal(expected, Text(TimestepGrid.Uniform(Thousand, steps, TimestepSpacing.Linspace)));

    [Theory]
    [InlineData(10, "999 899 799 699 599 499 399 299 199 99")]
    [InlineData(4, "999 749 499 249")]
    [InlineData(7, "999 856 713 570 428 285 142")]
    public void Trailing(int steps, string expected) =>
        Assert.Equal(expected, Text(TimestepGrid.Uniform(Thousand, steps, TimestepSpacing.Trailing)));

    [Theory]
    [InlineData(10, "800 632 483 355 246 158 88 39 9 0")]
    [InlineData(20, "800 718 640 567 498 434 374 319 268 221 179 141 108 79 55 35 19 8 2 0")]
    public void Quadratic(int steps, string expected) =>
        Assert.Equal(expected, Text(TimestepGrid.Quadratic(Thousand, steps)));

    [Fact]
    public void Quadratic_of_the_CIFAR_protocol_keeps_its_hundred_steps()
    {
        var grid = TimestepGrid.Quadratic(Thousand, 100);
        Assert.Equal([800, 783, 768, 752], grid.Timesteps.Take(4));
        Assert.Equal([9, 8, 6, 5, 3, 2, 2, 1, 0, 0, 0, 0], grid.Timesteps.TakeLast(12));
    }

    [Fact]
    public void Each_step_goes_its_share_of_the_timesteps_and_the_last_to_the_clean_sample()
    {
        Assert.Equal(
            [new(0, 751, 501), new(1, 501, 251), new(2, 251, 1), new(3, 1, -249)],
            TimestepGrid.Uniform(WithOffset, 4)
        );
        // As diffusers has it, to timesteps that the grid does not hold.
        Assert.Equal(
            [new(0, 999, 749), new(1, 666, 416), new(2, 333, 83), new(3, 0, -250)],
            TimestepGrid.Uniform(Thousand, 4, TimestepSpacing.Linspace)
        );
        Assert.Equal([new(0, 999, 20), new(1, 20, -1)], TimestepGrid.Of(Thousand, 999, 20));
    }

    [Fact]
    public void Numbers_of_steps_that_do_not_fit()
    {
        Faults.Expect("DQ1049", () => TimestepGrid.Uniform(Thousand, 0));
        Faults.Expect("DQ1049", () => TimestepGrid.Uniform(Thousand, 1001));
        Faults.Expect("DQ1049", () => TimestepGrid.Quadratic(Thousand, 0));
        Faults.Expect("DQ1049", () => TimestepGrid.Uniform(WithOffset, 1000));
        Faults.Expect("DQ1049", () => TimestepGrid.Quadratic(Thousand, 10, offset: 500));
    }

    [Fact]
    public void Lists_that_do_not_fit()
    {
        Faults.Expect("DQ1049", () => TimestepGrid.Of(Thousand));
        Faults.Expect("DQ1049", () => TimestepGrid.Of(Thousand, 10, 10));
        Faults.Expect("DQ1049", () => TimestepGrid.Of(Thousand, 1000, 0));
        Faults.Expect("DQ1049", () => TimestepGrid.Of(Thousand, 10, -1));
        Faults.Expect("DQ1049", () => TimestepGrid.Of(Thousand, 999.5));
        Faults.Expect("DQ1049", () => TimestepGrid.Of(Thousand, double.NaN));
    }

    [Fact]
    public void Timesteps_need_not_be_whole()
    {
        var grid = TimestepGrid.Of(Thousand, 815.0175, 815, 0.25);
        Assert.Equal([new(0, 815.0175, 815), new(1, 815, 0.25), new(2, 0.25, -1)], grid);
        Assert.Equal("list 3: 815.018 815 0.25", grid.ToString());
    }

    [Theory]
    [InlineData(901, "901")]
    [InlineData(815.0175, "815.018")]
    [InlineData(960.129, "960.129")]
    [InlineData(-1.5536, "-1.554")]
    [InlineData(-0.0001, "0")]
    public void What_is_shown_has_three_decimals_at_most(double timestep, string expected) =>
        Assert.Equal(expected, TimestepText.Of(timestep));

    private static string Text(TimestepGrid grid) => string.Join(' ', grid.Timesteps);
}
