using System.ComponentModel;
using System.Diagnostics;
using DiffusionQuant.Build.Tests.Sandboxes;
using Xunit.Abstractions;

namespace DiffusionQuant.Build.Tests;

/// <summary>What a build costs that has nothing to do.</summary>
public sealed class CostTests(ITestOutputHelper output)
{
    private const double Limit = 1.2;
    private const int Rounds = 20;

    [Fact]
    public async Task A_build_with_nothing_to_do_costs_at_most_a_fifth_more_than_one_without_models()
    {
        var with = await Sandbox.CreateAsync();
        with.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""");
        var without = await Sandbox.CreateAsync();
        without.WriteProject("");
        (await with.BuildAsync()).Succeeds();
        (await without.BuildAsync()).Succeeds();

        // Processor time, because other processes take their share of the clock's; in turns, and the median of each, because
        // they slow down the processor's caches too, and a process that ends unseen was last seen long before.
        var (all, allWithout, ratio) = (new List<TimeSpan>(), new List<TimeSpan>(), double.MaxValue);
        for (var round = 0; round < Rounds && (round < 3 || ratio > Limit); round++)
        {
            all.Add(await TimeAsync(with));
            allWithout.Add(await TimeAsync(without));
            ratio = Median(all) / Median(allWithout);
        }

        output.WriteLine(
            $"with {Median(all).TotalMilliseconds:F0} ms, without {Median(allWithout).TotalMilliseconds:F0} ms: {ratio:F3}"
        );
        Assert.True(ratio <= Limit, $"ratio {ratio:F3}");
        Assert.Single(with.Starts);
        Assert.Single(with.Verifications);
    }

    private static async Task<TimeSpan> TimeAsync(Sandbox sandbox)
    {
        // With -m:1 all work is in the one process.
        using var build = sandbox.Start("build", "App", "--no-restore", "-tl:off", "-m:1");
        var end = DotNet.FinishAsync(build);
        var time = TimeSpan.Zero;
        while (!end.IsCompleted)
        {
            time = ProcessorTime(build) ?? time;
            await Task.Delay(5);
        }

        (await end).Succeeds();
        return time;
    }

    private static TimeSpan? ProcessorTime(Process process)
    {
        try
        {
            return process.TotalProcessorTime;
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception)
        {
            // It has just ended.
            return null;
        }
    }

    private static TimeSpan Median(List<TimeSpan> times) => times.Order().ElementAt(times.Count / 2);
}
