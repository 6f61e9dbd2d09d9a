using System.Collections.Concurrent;

namespace DiffusionQuant.Engine.Tests;

/// <summary>The one scheduler: how many threads work at once, whatever nests.</summary>
public sealed class WorkersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Nested_loops_share_the_threads_of_their_scope(int threads)
    {
        var (working, most) = (0, 0);
        using var workers = Workers.Use(threads);
        Workers.For(0, 12, _ => Workers.For(0, 12, _ => Workers.For(0, 3, _ => Work())));
        Assert.InRange(most, Math.Min(threads, 2), threads);

        void Work()
        {
            Record(ref most, Interlocked.Increment(ref working));
            Thread.Sleep(1);

            // The pool lends a thread when it has one: other tests may hold all of them for a while.
            SpinWait.SpinUntil(() => threads == 1 || Volatile.Read(ref most) > 1, TimeSpan.FromSeconds(30));
            Interlocked.Decrement(ref working);
        }
    }

    [Fact]
    public void One_thread_is_the_one_that_calls()
    {
        var seen = new ConcurrentDictionary<int, int>();
        using var workers = Workers.Use(1);
        Workers.For(0, 50, _ => Workers.For(0, 50, _ => seen[Environment.CurrentManagedThreadId] = 1));
        Assert.Equal([Environment.CurrentManagedThreadId], seen.Keys);
    }

    [Fact]
    public void Each_turn_is_taken_once_and_all_have_ended()
    {
        using var workers = Workers.Use(5);
        for (var round = 0; round < 200; round++)
        {
            var turns = new int[97];
            Workers.For(3, 100, i => turns[i - 3]++);
            Assert.All(turns, t => Assert.Equal(1, t));
        }
    }

    [Fact]
    public void The_threads_of_a_loop_are_free_behind_it()
    {
        using var workers = Workers.Use(2);
        for (var round = 0; round < 20; round++)
        {
            var (working, most) = (0, 0);
            Workers.For(
                0,
                8,
                _ =>
                {
                    Record(ref most, Interlocked.Increment(ref working));
                    SpinWait.SpinUntil(() => Volatile.Read(ref most) == 2, TimeSpan.FromSeconds(10));
                    Interlocked.Decrement(ref working);
                }
            );
            Assert.Equal(2, most);
        }
    }

    [Fact]
    public void The_failure_of_the_first_turn_that_fails_is_thrown_as_it_is()
    {
        using var workers = Workers.Use(4);
        for (var round = 0; round < 50; round++)
        {
            var failure = Assert.Throws<InvalidOperationException>(() =>
                Workers.For(
                    0,
                    100,
                    i =>
                    {
                        Thread.SpinWait(i == 20 ? 20_000 : 10);
                        if (i >= 20)
                        {
                            throw new InvalidOperationException($"{i}");
                        }
                    }
                )
            );
            Assert.Equal("20", failure.Message);
        }
    }

    [Fact]
    public void A_cancelled_scope_ends_its_loops()
    {
        using var source = new CancellationTokenSource();
        using var workers = Workers.Use(2, source.Token);
        var turns = 0;
        Assert.Throws<OperationCanceledException>(() =>
            Workers.For(
                0,
                1_000_000,
                _ =>
                {
                    if (Interlocked.Increment(ref turns) == 10)
                    {
                        source.Cancel();
                    }
                }
            )
        );
        Assert.InRange(turns, 10, 999_999);
        using var shielded = Workers.Use(0, CancellationToken.None);
        var before = turns;
        Workers.For(0, 10, _ => Interlocked.Increment(ref turns));
        Assert.Equal(before + 10, turns);
    }

    [Fact]
    public async Task The_innermost_scope_holds_until_it_ends()
    {
        Assert.Equal((Environment.ProcessorCount, 0), (Workers.Count, Workers.Limit));
        using (Workers.Use(3))
        {
            using (Workers.Use(5))
            {
                Assert.Equal((5, 5), (Workers.Count, Workers.Limit));
                using var same = Workers.Use(0);
                Assert.Equal(5, Workers.Count);
            }

            Assert.Equal(3, Workers.Limit);
            Assert.Equal(3, await Task.Run(() => Workers.Limit));
        }

        Assert.Equal(0, Workers.Limit);
    }

    [Fact]
    public void Sessions_without_a_number_of_their_own_take_the_scopes()
    {
        using var workers = Workers.Use(3);
        using (var options = SessionOptionsBuilder.Build(SessionSettings.Default))
        {
            Assert.Equal(3, options.IntraOpNumThreads);
        }

        using var own = SessionOptionsBuilder.Build(new() { Threads = 2 });
        Assert.Equal(2, own.IntraOpNumThreads);
    }

    private static void Record(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; )
        {
            seen = Interlocked.CompareExchange(ref most, value, seen);
        }
    }
}
