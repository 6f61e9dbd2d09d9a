using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>
/// What the float model gives for a part of a run. It depends on no recipe, so it is made once and kept: a folder with
/// statistics of its images and with the trajectories of those that are paired.
/// </summary>
internal static class FloatBaseline
{
    private const string StatisticsFile = "statistics.bin";
    private const string TrajectoriesFile = "trajectories.bin";
    private const string CheckpointFile = "float.checkpoint";

    /// <summary>Makes it.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="folder">An empty folder to make it in.</param>
    /// <param name="workFolder">Where a killed run leaves what it has, and finds it again.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Stops it.</param>
    public static void Make(
        EvaluationSetup setup,
        string folder,
        string workFolder,
        Action<double, string?> progress,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(workFolder);
        var trajectories = Path.Combine(workFolder, TrajectoriesFile);
        var checkpoint = new Checkpoint(
            Path.Combine(workFolder, CheckpointFile),
            setup.BaselineKey,
            setup.SaveInterval
        );
        var batches = setup.Batches();
        var (done, length, statistics) = Restore(checkpoint, setup, trajectories);
        using (var run = setup.LoadFloat())
        using (var writer = new PairsFile.Writer(trajectories, length))
        {
            for (; done < batches.Count; done++)
            {
                var batch = batches[done];
                DenoisingStep last = null!;
                foreach (var step in run.Steps(batch, cancellation))
                {
                    last = step;
                    if (setup.IsPaired(batch))
                    {
                        writer.Add(step);
                    }

                    progress(
                        (done + ((step.Index + 1.0) / step.StepCount)) / batches.Count,
                        $"{batch[0]} of {setup.Header.Images} images"
                    );
                }

                var images = run.Decode(last, cancellation);
                if (setup.IsPaired(batch))
                {
                    writer.AddEnd(last.Next, images);
                }

                setup.Observe(statistics, batch, images, cancellation);
                checkpoint.SaveNowAndThen(
                    done + 1,
                    w =>
                    {
                        w.Write(writer.Save());
                        statistics?.Write(w);
                    }
                );
            }
        }

        using (var writer = new BinaryWriter(File.Create(Path.Combine(folder, StatisticsFile))))
        {
            statistics?.Write(writer);
        }

        File.Move(trajectories, Path.Combine(folder, TrajectoriesFile), overwrite: true);
        checkpoint.Delete();
    }

    /// <summary>The statistics of its images; null where no distribution is measured.</summary>
    public static ImageStatistics? Statistics(EvaluationSetup setup, string folder)
    {
        using var reader = new BinaryReader(
            new BufferedStream(File.OpenRead(Path.Combine(folder, StatisticsFile)), 1 << 16)
        );
        return setup.ReadStatistics(reader);
    }

    /// <summary>Opens the trajectories of its paired images.</summary>
    public static PairsFile.Reader Trajectories(string folder) => new(Path.Combine(folder, TrajectoriesFile));

    private static (int Done, long Length, ImageStatistics? Statistics) Restore(
        Checkpoint checkpoint,
        EvaluationSetup setup,
        string trajectories
    )
    {
        var saved = checkpoint.Restore(reader =>
            (Length: reader.ReadInt64(), Statistics: setup.ReadStatistics(reader))
        );
        // Trajectories are written before the checkpoint that counts on them, but a user may have removed them.
        return
            saved is { } found
            && new FileInfo(trajectories) is { Exists: true } file
            && file.Length >= found.State.Length
            ? (found.Batches, found.State.Length, found.State.Statistics)
            : (0, 0, setup.NewStatistics());
    }
}
