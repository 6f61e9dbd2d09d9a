using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Onnx.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Evaluation.Tests.Runs;

public sealed class ShardTests
{
    [Theory]
    [InlineData("1/1", 1, 1)]
    [InlineData("3/16", 3, 16)]
    [InlineData("16/16", 16, 16)]
    [InlineData("2000000000/2147483647", 2000000000, int.MaxValue)]
    public void Reads_parts(string text, int index, int count)
    {
        Assert.Equal(new Shard(index, count), Shard.Parse(text));
        Assert.Equal(text, new Shard(index, count).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("/16")]
    [InlineData("3/")]
    [InlineData("0/16")]
    [InlineData("17/16")]
    [InlineData("-1/16")]
    [InlineData("+1/16")]
    [InlineData(" 1/16")]
    [InlineData("1 / 16")]
    [InlineData("1/16/2")]
    [InlineData("1,000/2,000")]
    [InlineData("0/0")]
    [InlineData("1/2147483648")]
    [InlineData("one/two")]
    public void Other_texts_are_refused(string text)
    {
        var e = Assert.Throws<DiffusionQuantException>(() => Shard.Parse(text));
        Assert.Equal("DQ3002", e.Code);
        Assert.Contains($"'{text}'", e.Message);
    }

    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=4", "1/4", "SLURM_ARRAY_TASK_ID")]
    [InlineData(
        "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=16 SLURM_ARRAY_TASK_MIN=1",
        "3/16",
        "SLURM_ARRAY_TASK_ID"
    )]
    // sbatch --array=5-8
    [InlineData(
        "SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_MAX=8 SLURM_ARRAY_TASK_STEP=1",
        "4/4",
        "SLURM_ARRAY_TASK_ID"
    )]
    // sbatch --array=0-15:4
    [InlineData(
        "SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=12 SLURM_ARRAY_TASK_STEP=4",
        "3/4",
        "SLURM_ARRAY_TASK_ID"
    )]
    [InlineData("JOB_COMPLETION_INDEX=0 DIFFQUANT_SHARDS=8", "1/8", "JOB_COMPLETION_INDEX")]
    [InlineData("JOB_COMPLETION_INDEX=7 DIFFQUANT_SHARDS=8", "8/8", "JOB_COMPLETION_INDEX")]
    [InlineData("RANK=0 WORLD_SIZE=2", "1/2", "RANK")]
    [InlineData("RANK=1 WORLD_SIZE=2", "2/2", "RANK")]
    // The scheduler that is nearest to a job array wins: a launcher inside of a job knows only its own processes.
    [InlineData(
        "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 JOB_COMPLETION_INDEX=2 DIFFQUANT_SHARDS=8 RANK=1 WORLD_SIZE=2",
        "1/4",
        "SLURM_ARRAY_TASK_ID"
    )]
    [InlineData("JOB_COMPLETION_INDEX=2 DIFFQUANT_SHARDS=8 RANK=1 WORLD_SIZE=2", "3/8", "JOB_COMPLETION_INDEX")]
    // A job of Slurm that is no array has no parts.
    [InlineData("SLURM_JOB_ID=17 RANK=1 WORLD_SIZE=2", "2/2", "RANK")]
    public void A_scheduler_says_which_part(string variables, string shard, string source)
    {
        var found = Shard.FromEnvironment(Environment(variables));
        Assert.Equal((Shard.Parse(shard), source), found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("SLURM_JOB_ID=17")]
    [InlineData("SLURM_ARRAY_TASK_ID=3")]
    [InlineData("SLURM_ARRAY_TASK_COUNT=3")]
    [InlineData("DIFFQUANT_SHARDS=8")]
    [InlineData("RANK=3")]
    [InlineData("WORLD_SIZE=3")]
    [InlineData("RANK= WORLD_SIZE=")]
    public void Without_a_scheduler_there_is_no_part(string variables) =>
        Assert.Null(Shard.FromEnvironment(Environment(variables)));

    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=4", "DQ3003", "SLURM_ARRAY_TASK_ID")]
    [InlineData("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=-4", "DQ3003", "SLURM_ARRAY_TASK_COUNT")]
    [InlineData("SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4", "DQ3003", "part 5 of 4")]
    [InlineData(
        "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=2",
        "DQ3003",
        "SLURM_ARRAY_TASK_ID"
    )]
    // sbatch --array=1,2,7: a list with gaps is no division.
    [InlineData(
        "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=1",
        "DQ3003",
        "part 7 of 3"
    )]
    [InlineData("JOB_COMPLETION_INDEX=0", "DQ3004", "DIFFQUANT_SHARDS")]
    [InlineData("JOB_COMPLETION_INDEX=0 RANK=1 WORLD_SIZE=2", "DQ3004", "DIFFQUANT_SHARDS")]
    [InlineData("JOB_COMPLETION_INDEX=8 DIFFQUANT_SHARDS=8", "DQ3003", "part 9 of 8")]
    [InlineData("JOB_COMPLETION_INDEX=0 DIFFQUANT_SHARDS=0", "DQ3003", "part 1 of 0")]
    [InlineData("JOB_COMPLETION_INDEX=0 DIFFQUANT_SHARDS=eight", "DQ3003", "DIFFQUANT_SHARDS")]
    [InlineData("RANK=2 WORLD_SIZE=2", "DQ3003", "part 3 of 2")]
    [InlineData("RANK=1.5 WORLD_SIZE=2", "DQ3003", "RANK")]
    [InlineData("RANK=2147483647 WORLD_SIZE=2147483647", "DQ3003", "RANK")]
    [InlineData("SLURM_ARRAY_TASK_ID=2147483647 SLURM_ARRAY_TASK_COUNT=4", "DQ3003", "SLURM_ARRAY_TASK_ID")]
    public void Variables_that_name_no_part_are_refused(string variables, string code, string mentions)
    {
        var e = Assert.Throws<DiffusionQuantException>(() => Shard.FromEnvironment(Environment(variables)));
        Assert.Equal(code, e.Code);
        Assert.Contains(mentions, e.Message);
    }

    [Fact]
    public void Parts_hold_every_item_once_and_are_of_equal_size() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(0, 500).ToArbitrary(),
                Gen.Choose(1, 100).ToArbitrary(),
                (items, count) =>
                {
                    var parts = Enumerable
                        .Range(1, count)
                        .Select(i => Enumerable.Range(0, items).Take(new Shard(i, count).Of(items)).ToArray())
                        .ToArray();
                    Assert.Equal(Enumerable.Range(0, items), parts.SelectMany(p => p));
                    Assert.True(parts.Max(p => p.Length) - parts.Min(p => p.Length) <= 1);
                }
            )
        );

    [Fact]
    public void Many_parts_of_many_items_do_not_overflow()
    {
        var last = new Shard(int.MaxValue, int.MaxValue).Of(int.MaxValue);
        Assert.Equal((int.MaxValue - 1)..int.MaxValue, last);
    }

    private static Func<string, string?> Environment(string variables)
    {
        var values = variables
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(v => v.Split('='))
            .ToDictionary(v => v[0], v => v[1]);
        return name => values.GetValueOrDefault(name);
    }
}
